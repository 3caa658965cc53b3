// Tensor graph -> tensor graph without the structured ops that a target has no template for.
// Each is replaced by its expansion, which is its meaning; expansions may hold structured ops, expanded in turn.
import { op as opByName } from "../ops/registry.ts";
import { Builder } from "./builder.ts";
import type { Node, TensorGraph } from "./graph.ts";

/** @param keeps says by name which structured ops stay as they are */
export function expand(
  graph: TensorGraph,
  keeps: (op: string) => boolean = () => false,
): TensorGraph {
  if (!graph.nodes.some(({ op }) => isExpanded(op, keeps))) return graph;
  const g = new ExpandingBuilder(keeps);
  const copies = g.import(graph);
  return g.finish({
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
    updates: graph.updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
    keepLeaves: true,
  });
}

class ExpandingBuilder extends Builder {
  private readonly keeps: (op: string) => boolean;
  constructor(keeps: (op: string) => boolean) {
    super();
    this.keeps = keeps;
  }

  protected override settle(node: Node): Node {
    const op = opByName(node.op);
    if (op.kind !== "structured" || this.keeps(node.op)) return node;
    return this.under(node.origin, () => op.expand(this, node));
  }
}

function isExpanded(op: string, keeps: (op: string) => boolean): boolean {
  return opByName(op).kind === "structured" && !keeps(op);
}
