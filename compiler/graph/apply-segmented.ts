// An optimizer that reads sums over whole parameters (LARS, LAMB) -> one application to many parameters that lie end to
// end: what was one number a parameter becomes an array with one number for each of them.
// All parameters are multiples of one chunk long, so a chunk lies in one parameter. A sum is made chunk by chunk, then
// of the chunks of each parameter; a number goes back to the elements by way of the chunks. That takes a kernel or two a
// sum and none to go back, where parameter by parameter it took two or three for each.
import { op as opByName } from "../ops/registry.ts";
import { elementCount } from "../ops/shape.ts";
import type { Builder } from "./builder.ts";
import { Builder as FreshBuilder, reachable } from "./builder.ts";
import type { Node } from "./graph.ts";
import type { OptimizerUse } from "./lowered.ts";

export interface Segments {
  /** Elements. */
  readonly chunk: number;
  /** Chunks of each parameter. */
  readonly counts: readonly number[];
}

/** Shorter chunks are not worth it. */
const leastChunk = 8;

/** The longest chunk that all of these lengths are multiples of; undefined where it is too short. */
export function segmentsOf(lengths: readonly number[]): Segments | undefined {
  const chunk = lengths.reduce(greatestDivisor, 0);
  if (chunk < leastChunk && lengths.length > 1) return undefined;
  return { chunk, counts: lengths.map((length) => length / chunk) };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

type Place = Parameters<OptimizerUse["apply"]>[1];

/** A flat array of all parameters, or one in chunks already, as [chunks, chunk]. */
export function inChunks(g: Builder, flat: Node, { chunk, counts }: Segments): Node {
  return g.reshape(flat, [counts.reduce((sum, each) => sum + each, 0), chunk]);
}

/** As `optimizer.apply`, with arrays of all parameters in `at`; the gradient may be in chunks. */
export function applySegmented(
  g: Builder,
  optimizer: OptimizerUse,
  at: Place,
  segments: Segments,
): ReturnType<OptimizerUse["apply"]> {
  const body = new FreshBuilder();
  const leaf = ({ shape, dtype }: Node, name: string) => body.input(name, { shape, dtype });
  const copy = new SegmentedCopy(g, segments);
  const inputs = new Map([
    [leaf(at.p, "p"), copy.inChunks(at.p)],
    [body.input("g", { shape: at.p.shape, dtype: "f32" }), copy.inChunks(at.g)],
    [leaf(at.t, "t"), at.t],
    [leaf(at.lr, "lr"), at.lr],
  ]);
  const [p, gradient, t, lr] = [...inputs.keys()];
  const { slotPath } = at;
  const applied = optimizer.apply(body, { p: p!, g: gradient!, t: t!, lr: lr!, slotPath });
  const roots = [applied.next, ...applied.slots.map(({ next }) => next)];
  const states = new Map(applied.slots.map(({ state }) => [state.path, state]));
  const needed = reachable(roots, body.nodes.length);
  for (const node of body.nodes) {
    if (!needed.has(node)) continue;
    const outside = inputs.get(node);
    if (outside !== undefined) copy.is(node, outside);
    else if (node.op === "state")
      copy.is(node, copy.inChunks(g.state(states.get(String(node.attributes["path"]))!)));
    else copy.add(node);
  }
  return {
    next: copy.flat(applied.next),
    slots: applied.slots.map((slot) => ({ ...slot, next: copy.flat(slot.next) })),
  };
}

/** Copies a body node by node: what has an element for each of a parameter becomes [chunks, chunk]. */
class SegmentedCopy {
  private readonly g: Builder;
  private readonly segments: Segments;
  private readonly copies = new Map<Node, Node>();
  /** Nodes of the body that are one number a parameter. */
  private readonly perSegment = new Set<Node>();
  private readonly chunked: readonly [chunks: number, chunk: number];

  constructor(g: Builder, segments: Segments) {
    this.g = g;
    this.segments = segments;
    this.chunked = [segments.counts.reduce((sum, each) => sum + each, 0), segments.chunk];
  }

  inChunks(flat: Node): Node {
    return inChunks(this.g, flat, this.segments);
  }

  is(node: Node, copy: Node): void {
    this.copies.set(node, copy);
  }

  /** The copy of a node, flat. */
  flat(node: Node): Node {
    const copy = this.of(node);
    return this.g.reshape(copy, [elementCount(copy.shape)]);
  }

  add(node: Node): void {
    this.copies.set(node, this.copied(node));
  }

  private of(node: Node): Node {
    return this.copies.get(node)!;
  }

  private copied(node: Node): Node {
    const inputs = node.inputs.map((input) => this.of(input));
    if (node.op === "sum") {
      this.perSegment.add(node);
      return this.summed(inputs[0]!);
    }
    if (node.inputs.length === 0) {
      const made = this.g.add(node.op, [], node.attributes);
      return made.shape.length === 0 ? made : this.inChunks(made);
    }
    const isPerSegment = node.inputs.some((input) => this.perSegment.has(input));
    if (node.op === "broadcast")
      return isPerSegment
        ? this.spread(inputs[0]!)
        : this.g.broadcast(inputs[0]!, this.chunked, []);
    if (!isPerSegment) return this.g.add(node.op, inputs, node.attributes);
    if (opByName(node.op).kind !== "elementwise")
      throw new Error(`an optimizer over several parameters has no \`${node.op}\``);
    this.perSegment.add(node);
    const shape = [this.segments.counts.length];
    const lifted = inputs.map((input) => (elementCount(input.shape) === 1 ? this.g.broadcast(this.g.reshape(input, []), shape, []) : input)); // prettier-ignore
    return this.g.add(node.op, lifted, node.attributes);
  }

  /** [chunks, chunk] -> [parameters]: each takes as many chunks as the longest has, and zeros past its own. */
  private summed(x: Node): Node {
    const { g } = this;
    const { counts } = this.segments;
    const sums = g.sum(x, [1]);
    if (counts.every((count) => count === counts[0]))
      return g.sum(g.reshape(sums, [counts.length, counts[0]!]), [1]);
    const shape = [counts.length, Math.max(...counts)];
    const starts = counts.map((_, k) => counts.slice(0, k).reduce((sum, each) => sum + each, 0));
    const place = g.iota(shape, 1);
    const own = g.gather(sums, g.plus(place, g.broadcast(this.whole(starts), shape, [0])), { axis: 0 }); // prettier-ignore
    const isOwn = g.less(place, g.broadcast(this.whole(counts), shape, [0]));
    return g.sum(g.select(isOwn, own, 0), [1]);
  }

  private whole(numbers: readonly number[]): Node {
    return this.g.cast(
      this.g.table("values", { values: numbers, shape: [numbers.length] }, [numbers.length]),
      "i32",
    );
  }

  /** [parameters] -> [chunks, chunk] */
  private spread(values: Node): Node {
    const { g, chunked, segments } = this;
    const table = g.table("segments", { counts: segments.counts }, [chunked[0]]);
    const ofChunks = g.gather(values, g.cast(table, "i32"), { axis: 0 });
    return g.broadcast(ofChunks, chunked, [0]);
  }
}
