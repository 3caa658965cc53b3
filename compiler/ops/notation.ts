// How formulas over nodes are written: `g.multiply(dOutput, g.cos(x))` instead of `g.add("multiply", [...])`.
// Only sugar: every method ends in `add`, the one way to make a node. Gradients, lowering and passes use it.
// Numbers and scalars (shape []) stand wherever an array does: they take the other operand's type and shape.
import type {
  Attributes,
  AttributeValue,
  DType,
  Node,
  Origin,
  TensorType,
} from "../graph/graph.ts";
import type { GraphBuilder, ScalarInstruction } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, elementCount, otherAxes, pick, sameShape } from "./shape.ts";

export type Operand = Node | number;

export interface ConvolveSettings {
  /** Each list has one entry for each spatial axis. */
  readonly stride?: readonly number[];
  readonly padding?: readonly (readonly [number, number])[];
  readonly dilation?: readonly number[];
  readonly inputDilation?: readonly number[];
  readonly groups?: number;
}

export interface WindowSettings {
  readonly axes: readonly number[];
  /** Each list has one entry for each of `axes`. */
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  readonly before?: readonly number[];
  readonly after?: readonly number[];
  readonly dilation?: readonly number[];
  /** What a place outside of the input holds. */
  readonly filler?: number;
}

export abstract class Notation implements GraphBuilder {
  abstract add(op: string, inputs: readonly Node[], attributes?: Attributes, origin?: Origin): Node;
  abstract at(origin: Origin): void;

  // ---- constants and leaves ----

  /** `value` everywhere (f32 scalar unless said). */
  constant(value: number, type: Partial<TensorType> = {}): Node {
    return this.add("constant", [], { value, shape: type.shape ?? [], dtype: type.dtype ?? "f32" });
  }

  /** `value` everywhere in `like`'s shape and type. */
  full(value: number, like: TensorType): Node {
    return this.constant(value, { shape: like.shape, dtype: like.dtype });
  }

  /** 0, 1, 2, ... along `axis`. */
  iota(shape: readonly number[], axis: number, dtype: DType = "i32"): Node {
    return this.add("iota", [], { shape, axis, dtype });
  }

  /** A small array written out. */
  values(values: readonly number[], shape: readonly number[], dtype: DType = "f32"): Node {
    return this.add("values", [], { values, shape, dtype });
  }

  /** A fixed f32 array made at load by a generator (`compiler/ops/generators`) from its settings. */
  table(
    generator: string,
    settings: { readonly [key: string]: AttributeValue },
    shape: readonly number[],
  ): Node {
    return this.add("table", [], { generator, settings, shape });
  }

  // ---- elementwise ----

  /** Brings operands to one shape and type: numbers and scalars spread to the array among them. */
  private align(operands: readonly Operand[]): Node[] {
    const nodes = operands.filter((operand) => typeof operand !== "number");
    const first = nodes.find((node) => node.shape.length > 0) ?? nodes[0];
    if (first === undefined) throw new OpError("a formula of numbers alone needs no graph");
    return operands.map((operand) => {
      if (typeof operand === "number") return this.full(operand, first);
      return operand.shape.length === 0 ? this.broadcast(operand, first.shape, []) : operand;
    });
  }

  /** An elementwise op of one input. */
  unary(name: ScalarInstruction, x: Node): Node {
    return this.add(name, [x]);
  }

  /** An elementwise op of two inputs of one shape and type, or a number or scalar beside an array. */
  binary(name: ScalarInstruction, a: Operand, b: Operand): Node {
    return this.add(name, this.align([a, b]));
  }

  plus(a: Operand, b: Operand): Node {
    return this.binary("add", a, b);
  }
  subtract(a: Operand, b: Operand): Node {
    return this.binary("subtract", a, b);
  }
  multiply(a: Operand, b: Operand): Node {
    return this.binary("multiply", a, b);
  }
  divide(a: Operand, b: Operand): Node {
    return this.binary("divide", a, b);
  }
  minimum(a: Operand, b: Operand): Node {
    return this.binary("minimum", a, b);
  }
  maximum(a: Operand, b: Operand): Node {
    return this.binary("maximum", a, b);
  }
  power(a: Operand, b: Operand): Node {
    return this.binary("power", a, b);
  }
  less(a: Operand, b: Operand): Node {
    return this.binary("less", a, b);
  }
  lessEqual(a: Operand, b: Operand): Node {
    return this.binary("less_equal", a, b);
  }
  greater(a: Operand, b: Operand): Node {
    return this.binary("greater", a, b);
  }
  greaterEqual(a: Operand, b: Operand): Node {
    return this.binary("greater_equal", a, b);
  }
  equal(a: Operand, b: Operand): Node {
    return this.binary("equal", a, b);
  }
  notEqual(a: Operand, b: Operand): Node {
    return this.binary("not_equal", a, b);
  }
  and(a: Node, b: Node): Node {
    return this.binary("and", a, b);
  }
  or(a: Node, b: Node): Node {
    return this.binary("or", a, b);
  }
  not(a: Node): Node {
    return this.unary("not", a);
  }
  negate(x: Node): Node {
    return this.unary("negate", x);
  }
  absolute(x: Node): Node {
    return this.unary("absolute", x);
  }
  sign(x: Node): Node {
    return this.unary("sign", x);
  }
  sqrt(x: Node): Node {
    return this.unary("sqrt", x);
  }
  rsqrt(x: Node): Node {
    return this.unary("rsqrt", x);
  }
  reciprocal(x: Node): Node {
    return this.unary("reciprocal", x);
  }
  exp(x: Node): Node {
    return this.unary("exp", x);
  }
  log(x: Node): Node {
    return this.unary("log", x);
  }
  sin(x: Node): Node {
    return this.unary("sin", x);
  }
  cos(x: Node): Node {
    return this.unary("cos", x);
  }
  tanh(x: Node): Node {
    return this.unary("tanh", x);
  }
  erf(x: Node): Node {
    return this.unary("erf", x);
  }
  sigmoid(x: Node): Node {
    return this.unary("sigmoid", x);
  }

  /** `a` where the condition holds, else `b`. */
  select(condition: Node, a: Operand, b: Operand): Node {
    const isScalar = (operand: Operand) =>
      typeof operand === "number" || operand.shape.length === 0;
    const typed = [a, b].find((operand) => typeof operand !== "number");
    const dtype = typeof typed === "object" ? typed.dtype : "f32";
    const array = [condition, a, b].find((operand) => !isScalar(operand));
    const shape = typeof array === "object" ? array.shape : condition.shape;
    const spread = (operand: Operand): Node => {
      if (typeof operand === "number") return this.constant(operand, { shape, dtype });
      return operand.shape.length === 0 ? this.broadcast(operand, shape, []) : operand;
    };
    return this.add("select", [spread(condition), spread(a), spread(b)]);
  }

  /** To another element type; towards i32 and u32 it cuts off the fraction, bool is 0 or 1. */
  cast(x: Node, dtype: DType): Node {
    return x.dtype === dtype ? x : this.add("cast", [x], { dtype });
  }

  /** The same value, through which no gradient flows. */
  stop(x: Node): Node {
    return this.add("stop", [x]);
  }

  // ---- views ----

  reshape(x: Node, shape: readonly number[]): Node {
    return sameShape(x.shape, shape) ? x : this.add("reshape", [x], { shape });
  }

  /** Output axis i is input axis order[i]. */
  permute(x: Node, order: readonly number[]): Node {
    return order.every((axis, place) => axis === place) ? x : this.add("permute", [x], { order });
  }

  /** Elements starts[i], starts[i] + steps[i], ... (sizes[i] of them) along each axis. */
  slice(
    x: Node,
    starts: readonly number[],
    sizes: readonly number[],
    steps: readonly number[] = starts.map(() => 1),
  ): Node {
    if (sameShape(x.shape, sizes) && starts.every((start) => start === 0)) return x;
    return this.add("slice", [x], { starts, sizes, steps });
  }

  /** `size` elements from `start` on along one axis. */
  sliceAxis(x: Node, axis: number, start: number, size: number): Node {
    const starts = x.shape.map((_, place) => (place === axis ? start : 0));
    return this.slice(
      x,
      starts,
      x.shape.map((extent, place) => (place === axis ? size : extent)),
    );
  }

  /** Puts `value` around x, and `interior[i]` times between neighbours along axis i. */
  pad(
    x: Node,
    before: readonly number[],
    after: readonly number[],
    value = 0,
    interior: readonly number[] = before.map(() => 0),
  ): Node {
    if ([...before, ...after, ...interior].every((count) => count === 0)) return x;
    return this.add("pad", [x], { before, after, interior, value });
  }

  concat(parts: readonly Node[], axis: number): Node {
    return parts.length === 1 ? parts[0]! : this.add("concat", parts, { axis });
  }

  /** Repeats x along new axes: its axis i stands at output axis axes[i], in any order; an extent of 1 may widen. */
  broadcast(
    x: Node,
    shape: readonly number[],
    axes: readonly number[] = axesOfRank(x.shape.length),
  ): Node {
    const rank = x.shape.length;
    const kept: number[] = [];
    for (let axis = 0; axis < rank; axis++)
      if (x.shape[axis] === shape[axes[axis]!]) kept.push(axis);
    const narrow = kept.length === rank ? x.shape : pick(x.shape, kept);
    if (elementCount(narrow) !== elementCount(x.shape))
      throw new OpError(`[${x.shape.join(", ")}] does not widen to [${shape.join(", ")}]`);
    const places = pick(axes, kept);
    let core = this.reshape(x, narrow);
    if (places.some((place, i) => i > 0 && places[i - 1]! > place)) {
      core = this.permute(core, axesOfRank(places.length).sort((a, b) => places[a]! - places[b]!)); // prettier-ignore
      places.sort((a, b) => a - b);
    }
    if (sameShape(core.shape, shape) && places.every((place, axis) => place === axis)) return core;
    return this.add("broadcast", [core], { shape, axes: places });
  }

  /** Puts back the axes that a reduction took out of `shape`, repeating x along them. */
  spread(x: Node, shape: readonly number[], axes: readonly number[]): Node {
    return this.broadcast(x, shape, otherAxes(shape.length, axes));
  }

  /** A new axis of extent 1 at `axis`. */
  expandAxis(x: Node, axis: number): Node {
    return this.reshape(x, x.shape.toSpliced(axis, 0, 1));
  }

  flip(x: Node, axes: readonly number[]): Node {
    return axes.length === 0 ? x : this.add("flip", [x], { axes });
  }

  /** Element i goes to (i + shift) modulo the extent; several axes take a list each. */
  roll(x: Node, axis: number | readonly number[], shift: number | readonly number[]): Node {
    const axes = typeof axis === "number" ? [axis] : axis;
    const shifts = typeof shift === "number" ? [shift] : shift;
    return this.add("roll", [x], { axes, shifts });
  }

  /** Every window of `kernel` extents: the axes get the number of windows, the kernel's axes are appended. */
  window(x: Node, settings: WindowSettings): Node {
    const { axes, kernel } = settings;
    const zeros = axes.map(() => 0);
    const ones = axes.map(() => 1);
    return this.add("window", [x], {
      axes,
      kernel,
      stride: settings.stride ?? ones,
      before: settings.before ?? zeros,
      after: settings.after ?? zeros,
      dilation: settings.dilation ?? ones,
      filler: settings.filler ?? 0,
    });
  }

  // ---- reductions ----

  sum(x: Node, axes: readonly number[] = axesOfRank(x.shape.length)): Node {
    return axes.length === 0 ? x : this.add("sum", [x], { axes });
  }

  mean(x: Node, axes: readonly number[] = axesOfRank(x.shape.length)): Node {
    const count = elementCount(axes.map((axis) => x.shape[axis]!));
    return this.multiply(this.sum(x, axes), 1 / count);
  }

  /** `ties` says where the gradient of equal maxima goes: in equal parts, or to the first. */
  max(x: Node, axes: readonly number[], ties: "even" | "first" = "even"): Node {
    return axes.length === 0 ? x : this.add("max", [x], { axes, ties });
  }

  min(x: Node, axes: readonly number[], ties: "even" | "first" = "even"): Node {
    return axes.length === 0 ? x : this.add("min", [x], { axes, ties });
  }

  /** Flat position (i32) of the first largest element among `axes`. */
  argmax(x: Node, axes: readonly number[]): Node {
    return this.add("argmax", [x], { axes });
  }

  argmin(x: Node, axes: readonly number[]): Node {
    return this.add("argmin", [x], { axes });
  }

  // ---- contractions ----

  /** Sum of products over `contract` axes, once for each `batch` index: [..batch, ..rest of a, ..rest of b]. */
  dot(
    a: Node,
    b: Node,
    settings: {
      readonly contract: readonly [readonly number[], readonly number[]];
      readonly batch?: readonly [readonly number[], readonly number[]];
    },
  ): Node {
    return this.add("dot", [a, b], {
      batch: settings.batch ?? [[], []],
      contract: settings.contract,
    });
  }

  /** a[.., m, k] times b[.., k, n] with equal leading axes, or b[k, n] for all of them. */
  matmul(a: Node, b: Node): Node {
    const leading = axesOfRank(b.shape.length - 2);
    const contract = [[a.shape.length - 1], [b.shape.length - 2]] as const;
    return this.dot(a, b, { batch: [leading, leading], contract });
  }

  /** x [batch, ..spatial, in] with w [..kernel, in / groups, out] -> [batch, ..spatial, out]. */
  convolve(x: Node, w: Node, settings: ConvolveSettings = {}): Node {
    const spatial = axesOfRank(x.shape.length - 2);
    return this.add("convolve", [x, w], {
      stride: settings.stride ?? spatial.map(() => 1),
      padding: settings.padding ?? spatial.map(() => [0, 0]),
      dilation: settings.dilation ?? spatial.map(() => 1),
      inputDilation: settings.inputDilation ?? spatial.map(() => 1),
      groups: settings.groups ?? 1,
    });
  }

  // ---- indexing ----

  /** Takes elements of `axis` by i32 indices; the first `batch` axes are shared by x and indices. */
  gather(
    x: Node,
    indices: Node,
    settings: { readonly axis: number; readonly batch?: number },
  ): Node {
    return this.add("gather", [x, indices], { axis: settings.axis, batch: settings.batch ?? 0 });
  }

  /** Adds values[..batch, i, ..] to place indices[..batch, i] of an array of zeros with `size` places. */
  scatterAdd(
    values: Node,
    indices: Node,
    settings: { readonly batch: number; readonly size: number },
  ): Node {
    const { batch, size } = settings;
    return this.add("scatter_add", [values, indices], { axis: batch, batch, size });
  }

  /** i32 positions that sort `axis`; equal elements keep their order. */
  argsort(x: Node, axis: number, descending = false): Node {
    return this.add("argsort", [x], { axis, descending });
  }

  /** i32 place that each element takes when `axis` is sorted. */
  rank(x: Node, axis: number, descending = false): Node {
    return this.add("rank", [x], { axis, descending });
  }

  /** Positions (i32) of the `count` largest elements along `axis`, largest first. */
  topK(x: Node, axis: number, count: number): Node {
    return this.sliceAxis(this.argsort(x, axis, true), axis, 0, count);
  }

  /** 1 where the class is the index, else 0: classes are appended as the last axis. */
  oneHot(indices: Node, classes: number, dtype: DType = "f32"): Node {
    const shape = [...indices.shape, classes];
    const places = this.iota(shape, indices.shape.length, indices.dtype);
    const spread = this.broadcast(indices, shape, axesOfRank(indices.shape.length));
    return this.cast(this.equal(places, spread), dtype);
  }

  // ---- random ----

  /** u32 bits of a named stream; `seed` and `step` are integer scalars. */
  randomBits(stream: string, shape: readonly number[], seed: Node, step: Node): Node {
    return this.add("random_bits", [seed, step], { stream, shape });
  }

  /** Uniform in [0, 1): the upper 24 bits, exact in f32. */
  uniform(stream: string, shape: readonly number[], seed: Node, step: Node): Node {
    const bits = this.randomBits(stream, shape, seed, step);
    return this.multiply(this.cast(this.binary("shift_right", bits, 8), "f32"), 2 ** -24);
  }

  /** Standard normal by Box and Muller (1958): sqrt(-2 log u) cos(2 pi v), u in (0, 1]. */
  normal(stream: string, shape: readonly number[], seed: Node, step: Node): Node {
    const u = this.subtract(1, this.uniform(`${stream}#radius`, shape, seed, step));
    const v = this.uniform(`${stream}#angle`, shape, seed, step);
    const radius = this.sqrt(this.multiply(this.log(u), -2));
    return this.multiply(radius, this.cos(this.multiply(v, 2 * Math.PI)));
  }

  // ---- structured ----

  /** softmax(scale * q k^T) v: q [.., queries, c], k [.., keys, c], v [.., keys, d], equal leading axes. */
  attention(q: Node, k: Node, v: Node, scale: number): Node {
    return this.add("attention", [q, k, v], { scale });
  }

  /** softmax along `axis` with the maximum taken out first; the maximum needs no gradient. */
  softmax(x: Node, axis: number): Node {
    const largest = this.stop(this.max(x, [axis]));
    const weights = this.exp(this.subtract(x, this.spread(largest, x.shape, [axis])));
    return this.divide(weights, this.spread(this.sum(weights, [axis]), x.shape, [axis]));
  }
}
