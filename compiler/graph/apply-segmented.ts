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

/** As `optimizer.apply`, with arrays of all parameters in `at`. */
export function applySegmented(
  g: Builder,
  optimizer: OptimizerUse,
  at: Place,
  segments: Segments,
): ReturnType<OptimizerUse["apply"]> {
  const body = new FreshBuilder();
  const leaf = ({ shape, dtype }: Node, name: string) => body.input(name, { shape, dtype });
  const inputs = new Map([
    [leaf(at.p, "p"), at.p],
    [leaf(at.g, "g"), at.g],
    [leaf(at.t, "t"), at.t],
    [leaf(at.lr, "lr"), at.lr],
  ]);
  const [p, gradient, t, lr] = [...inputs.keys()];
  const { slotPath } = at;
  const applied = optimizer.apply(body, { p: p!, g: gradient!, t: t!, lr: lr!, slotPath });
  const roots = [applied.next, ...applied.slots.map(({ next }) => next)];
  const states = new Map(applied.slots.map(({ state }) => [state.path, state]));
  const copy = new SegmentedCopy(g, segments);
  const needed = reachable(roots, body.nodes.length);
  for (const node of body.nodes) {
    if (!needed.has(node)) continue;
    const outside = inputs.get(node);
    if (outside !== undefined) copy.is(node, outside);
    else if (node.op === "state")
      copy.is(node, g.state(states.get(String(node.attributes["path"]))!)); // prettier-ignore
    else copy.add(node);
  }
  return {
    next: copy.of(applied.next),
    slots: applied.slots.map((slot) => ({ ...slot, next: copy.of(slot.next) })),
  };
}

class SegmentedCopy {
  private readonly g: Builder;
  private readonly segments: Segments;
  private readonly copies = new Map<Node, Node>();
  /** Nodes of the body that are one number a parameter. */
  private readonly perSegment = new Set<Node>();
  private readonly chunkCount: number;

  constructor(g: Builder, segments: Segments) {
    this.g = g;
    this.segments = segments;
    this.chunkCount = segments.counts.reduce((sum, each) => sum + each, 0);
  }

  is(node: Node, copy: Node): void {
    this.copies.set(node, copy);
  }

  of(node: Node): Node {
    return this.copies.get(node)!;
  }

  add(node: Node): void {
    this.copies.set(node, this.copied(node));
  }

  private copied(node: Node): Node {
    const inputs = node.inputs.map((input) => this.of(input));
    if (node.op === "sum") {
      this.perSegment.add(node);
      return this.summed(inputs[0]!);
    }
    if (!node.inputs.some((input) => this.perSegment.has(input)))
      return this.g.add(node.op, inputs, node.attributes);
    if (node.op === "broadcast") return this.spread(inputs[0]!);
    if (opByName(node.op).kind !== "elementwise")
      throw new Error(`an optimizer over several parameters has no \`${node.op}\``);
    this.perSegment.add(node);
    const shape = [this.segments.counts.length];
    const lifted = inputs.map((input) => (elementCount(input.shape) === 1 ? this.g.broadcast(this.g.reshape(input, []), shape, []) : input)); // prettier-ignore
    return this.g.add(node.op, lifted, node.attributes);
  }

  /** For each chunk, the parameter that it is in. */
  private owners(): Node {
    const table = this.g.table("segments", { counts: this.segments.counts }, [this.chunkCount]);
    return this.g.cast(table, "i32");
  }

  /** [elements] -> [parameters] */
  private summed(x: Node): Node {
    const { g, chunkCount } = this;
    const shape = [this.segments.counts.length, chunkCount];
    const sums = g.sum(g.reshape(x, [chunkCount, this.segments.chunk]), [1]);
    const isOwn = g.equal(g.iota(shape, 0), g.broadcast(this.owners(), shape, [1]));
    return g.sum(g.select(isOwn, g.broadcast(sums, shape, [1]), 0), [1]);
  }

  /** [parameters] -> [elements] */
  private spread(values: Node): Node {
    const { g, chunkCount } = this;
    const ofChunks = g.gather(values, this.owners(), { axis: 0 });
    const rows = g.broadcast(ofChunks, [chunkCount, this.segments.chunk], [0]);
    return g.reshape(rows, [chunkCount * this.segments.chunk]);
  }
}
