// An optimizer that looks at shapes (Adafactor: rows and columns) -> one application to parameters of one shape that lie
// end to end, with their number as a new first axis: a few kernels for all of them, not for each.
import { numbers, shapeOf } from "../ops/attributes.ts";
import { op as opByName } from "../ops/registry.ts";
import { otherAxes } from "../ops/shape.ts";
import type { Builder } from "./builder.ts";
import type { Attributes, Node } from "./graph.ts";
import type { OptimizerUse } from "./lowered.ts";
import { bodyFor } from "./optimizer-body.ts";
import type { OptimizerBody } from "./optimizer-body.ts";

/** What becomes of the attributes of an op whose operands get a new first axis. */
const attributesOfView: Readonly<
  Record<string, (attributes: Attributes, count: number) => Attributes>
> = {
  broadcast: (attributes, count) => ({
    shape: [count, ...shapeOf(attributes)],
    axes: [0, ...behindFirst(numbers(attributes, "axes"))],
  }),
  reshape: (attributes, count) => ({ shape: [count, ...shapeOf(attributes)] }),
  permute: (attributes) => ({ order: [0, ...behindFirst(numbers(attributes, "order"))] }),
  stop: (attributes) => attributes,
};

function behindFirst(axes: readonly number[]): number[] {
  return axes.map((axis) => axis + 1);
}

/** Whether a body is made of nothing but what can be done for many parameters of its shape at once. */
export function isStackable({ nodes }: OptimizerBody): boolean {
  return nodes.every(({ op }) => {
    const { kind } = opByName(op);
    return (
      ["elementwise", "reduction", "leaf", "constant"].includes(kind) || op in attributesOfView
    );
  });
}

/**
 * As `optimizer.apply` for each of `count` parameters of one shape: `p` and `g` of `at` are [count, ...shape], and so
 * are the new parameters; each slot becomes one array [count, ...its shape].
 */
export function applyStacked(
  g: Builder,
  optimizer: OptimizerUse,
  at: Parameters<OptimizerUse["apply"]>[1],
): ReturnType<OptimizerUse["apply"]> {
  const [count, ...shape] = at.p.shape as [number, ...number[]];
  const body = bodyFor(optimizer.apply, shape, at.slotPath)!;
  const copy = new StackedCopy(g, count);
  copy.is(body.inputs.p, at.p);
  copy.is(body.inputs.g, at.g);
  copy.isShared(body.inputs.t, at.t);
  copy.isShared(body.inputs.lr, at.lr);
  const slots = body.applied.slots.map((slot) => ({
    ...slot,
    state: { ...slot.state, shape: [count, ...slot.state.shape] },
  }));
  const states = new Map(slots.map(({ state }) => [state.path, state]));
  for (const node of body.nodes)
    if (node.op === "state") copy.is(node, g.state(states.get(String(node.attributes["path"]))!));
    else copy.add(node);
  return {
    next: copy.each(body.applied.next),
    slots: slots.map((slot) => ({ ...slot, next: copy.each(slot.next) })),
  };
}

/** Copies a body node by node: what differs from parameter to parameter has the new axis. */
class StackedCopy {
  private readonly g: Builder;
  private readonly count: number;
  private readonly copies = new Map<Node, Node>();
  private readonly stacked = new Set<Node>();

  constructor(g: Builder, count: number) {
    this.g = g;
    this.count = count;
  }

  is(node: Node, copy: Node): void {
    this.copies.set(node, copy);
    this.stacked.add(node);
  }

  isShared(node: Node, copy: Node): void {
    this.copies.set(node, copy);
  }

  /** The copy of a node with the new axis, though it is the same for all. */
  each(node: Node): Node {
    const copy = this.copies.get(node)!;
    if (this.stacked.has(node)) return copy;
    const shape = [this.count, ...copy.shape];
    return this.g.broadcast(copy, shape, otherAxes(shape.length, [0]));
  }

  add(node: Node): void {
    if (this.copies.has(node)) return;
    if (!node.inputs.some((input) => this.stacked.has(input)))
      return this.isShared(node, this.g.add(node.op, node.inputs.map((input) => this.copies.get(input)!), node.attributes)); // prettier-ignore
    const inputs = node.inputs.map((input) => this.each(input));
    this.is(node, this.g.add(node.op, inputs, this.attributesOf(node)));
  }

  private attributesOf({ op, attributes }: Node): Attributes {
    const ofView = attributesOfView[op];
    if (ofView) return ofView(attributes, this.count);
    const { kind } = opByName(op);
    if (kind === "reduction") return { ...attributes, axes: behindFirst(numbers(attributes, "axes")) }; // prettier-ignore
    if (kind === "elementwise") return attributes;
    throw new Error(`an optimizer over several parameters has no \`${op}\``);
  }
}
