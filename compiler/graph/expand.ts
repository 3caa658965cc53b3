// Tensor graph -> tensor graph without the structured ops that a target has no template for.
// Each is replaced by its expansion, which is its meaning; expansions may hold structured ops, expanded in turn.
import { op as opByName } from "../ops/registry.ts";
import { Builder } from "./builder.ts";
import type { Attributes, Node, Origin, TensorGraph } from "./graph.ts";

/** @param keeps says by name which structured ops stay as they are */
export function expand(
  graph: TensorGraph,
  keeps: (op: string) => boolean = () => false,
): TensorGraph {
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

  override add(
    name: string,
    inputs: readonly Node[],
    attributes?: Attributes,
    origin: Origin = this.here,
  ): Node {
    const node = super.add(name, inputs, attributes, origin);
    const op = opByName(name);
    if (op.kind !== "structured" || this.keeps(name)) return node;
    return this.under(origin, () => op.expand(this, node));
  }
}
