// The kernel graph: which nodes share a kernel, and what each kernel computes, without saying how it is tiled.
// `fuse` makes it from a tensor graph; both code generators and the kernel interpreter read it.
// A kernel is one of four kinds: a loop (elementwise, reductions, whole rows), a contraction, attention, a scatter.
// Between kernels may stand work of the host, which no code generator sees.
// Always true: each element is written by at most one kernel (a kernel may write several buffers; several may write
// parts of one); every read follows its write; what a resident held is read before it is overwritten;
// a kernel uses no more than the limits' bindings; axes cover each output exactly.
import type { Attributes, DType, Origin, TensorType } from "../graph/graph.ts";
import type { Index } from "../ops/index-expression.ts";
import type { ScalarInstruction } from "../ops/op.ts";

/** A value in memory, or a part of one: a gradient written straight into its place in a larger buffer. */
export interface Buffer {
  readonly id: number;
  readonly dtype: DType;
  /** Elements. */
  readonly length: number;
  readonly role:
    /** Lives for one run of an entry: placed in the scratch arena by lifetime. */
    | { readonly kind: "scratch" }
    /** Written by the host before a run: a batch field or a scalar, by name. */
    | { readonly kind: "input"; readonly name: string }
    /** Read by the host after a run, by name. */
    | { readonly kind: "output"; readonly name: string }
    /** A resident array shared by all entries: parameters, optimizer slots, state, twins, by name. */
    | { readonly kind: "resident"; readonly name: string }
    /** Made at load by a generator from its settings. */
    | {
        readonly kind: "table";
        readonly generator: string;
        readonly settings: unknown;
        readonly shape: readonly number[];
      };
  /** Lies inside another buffer from `offset` elements on (a concat's producer writes in place; a slice of a resident). */
  readonly within?: { readonly buffer: number; readonly offset: number };
  readonly origin: Origin;
}

/** A scalar value at one point of a kernel's axes. Shared by object identity: generators emit a shared node once. */
export type Expression =
  | { readonly kind: "constant"; readonly value: number; readonly dtype: DType }
  | { readonly kind: "load"; readonly buffer: number; readonly index: Index; readonly dtype: DType }
  /** An integer of the position (iota, masks): dtype i32. */
  | { readonly kind: "position"; readonly index: Index; readonly dtype: DType }
  | {
      readonly kind: "apply";
      readonly instruction: ScalarInstruction;
      readonly arguments: readonly Expression[];
      readonly dtype: DType;
    }
  /** `value` where all conditions hold, else `otherwise`; the loads of the branch not taken are not made. */
  | {
      readonly kind: "guard";
      readonly conditions: readonly {
        readonly index: Index;
        readonly low: number;
        readonly high: number;
      }[];
      readonly value: Expression;
      readonly otherwise: Expression;
      readonly dtype: DType;
    }
  /** threefry2x32 with key (stream ^ seed, step) and counter (index, 0), first word. seed and step are loads. */
  | {
      readonly kind: "random";
      readonly stream: number;
      readonly seed: Expression;
      readonly step: Expression;
      readonly index: Index;
      readonly dtype: "u32";
    }
  /** Result of an earlier reduce stage of this loop kernel (one value a grid point). */
  | { readonly kind: "reduced"; readonly stage: number; readonly dtype: DType }
  /** The finished sum of a contraction at (batch, m, n). */
  | { readonly kind: "accumulator"; readonly dtype: DType };

/** Writes `value` at `index` of `buffer`. */
export interface Store {
  readonly buffer: number;
  readonly index: Index;
  readonly value: Expression;
}

export interface Axis {
  /** The number that Index nodes use. */
  readonly id: number;
  readonly extent: number;
}

interface KernelBase {
  readonly id: number;
  /** For people: `layers.3.attn.qkv + bias + gelu`. */
  readonly label: string;
  readonly origin: Origin;
  /** Of all nodes fused into it. */
  readonly macs: number;
  readonly flops: number;
  readonly phase: "forward" | "backward" | "update";
  /** Buffers that must have been written before it runs, though it reads nothing of them. */
  readonly after?: readonly number[];
}

/**
 * For each point of `grid`: the stages in order. A reduce stage walks all points of `row` and leaves one value
 * (argmax/argmin: the flat position in `row` of the first best); a `store` over the row walks it and writes;
 * a `store` over the grid writes once. An elementwise kernel has an empty row and grid stores only.
 * Stores that follow each other over the same axes are simultaneous: at each point all their values are made before the
 * first is written, so each may load the old element of what another one writes there.
 * Later stages may use earlier reduced values. Axes of grid and row are ordered outermost first;
 * the last one is as a rule the contiguous one of the (first) store.
 * A store over columns adds up: for each part of the grid and each point of `row` it writes the sum of its value over the
 * part's points of the grid, in their order.
 */
export interface LoopKernel extends KernelBase {
  readonly kind: "loop";
  readonly grid: readonly Axis[];
  readonly row: readonly Axis[];
  readonly stages: readonly Stage[];
  /** Where some stores are over columns. */
  readonly parts?: Parts;
}

/** The points of a grid, in order, cut into parts of `rows` points each; the last one may be shorter. */
export interface Parts {
  /** What the indices of stores over columns count parts by. */
  readonly axis: Axis;
  readonly rows: number;
}

export type Stage =
  | {
      readonly kind: "reduce";
      readonly reducer: "sum" | "max" | "min" | "argmax" | "argmin";
      readonly value: Expression;
      readonly dtype: DType;
    }
  | { readonly kind: "store"; readonly over: "grid" | "row" | "columns"; readonly store: Store };

/**
 * accumulator[batch, m, n] = sum over k of a[batch, m, k] * b[batch, k, n], then the stores over (batch, m, n), which
 * are simultaneous at each point.
 * `a` and `b` are expressions over their axes: mostly a load (a view costs nothing), maybe with a prologue;
 * for convolutions a load through a window index, guarded at the border.
 */
export interface ContractionKernel extends KernelBase {
  readonly kind: "contraction";
  readonly batch: readonly Axis[];
  readonly m: readonly Axis[];
  readonly n: readonly Axis[];
  readonly k: readonly Axis[];
  readonly a: Expression;
  readonly b: Expression;
  readonly stores: readonly Store[];
  /**
   * Sums of an operand over k, made while it is packed: a bias gradient (the same dY that makes dW).
   * `sumOfB[batch, n] = sum over k of b`, `sumOfA[batch, m] = sum over k of a`.
   */
  readonly sumOfA?: { readonly buffer: number; readonly index: Index };
  readonly sumOfB?: { readonly buffer: number; readonly index: Index };
}

/** A strided operand of attention: element (batch, head, token, channel) at offset + sum of stride * index. */
export interface HeadsView {
  readonly buffer: number;
  readonly offset: number;
  /** For each of the outer (batch) axes, then head, token, channel. */
  readonly strides: readonly number[];
}

/**
 * softmax(scale * q k^T) v for each batch and head. Forward writes `output` and the row statistics
 * `statistics[batch, head, query]` = max + log(sum exp): what the backward pass needs.
 * Backward: dq, dk, dv from q, k, v, output, statistics, dOutput.
 */
export interface AttentionKernel extends KernelBase {
  readonly kind: "attention";
  readonly pass: "forward" | "backward";
  readonly batch: readonly number[];
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
  readonly valueChannels: number;
  readonly scale: number;
  readonly q: HeadsView;
  readonly k: HeadsView;
  readonly v: HeadsView;
  readonly output: HeadsView;
  /** [batch.., heads, queries], contiguous. */
  readonly statistics: number;
  readonly dOutput?: HeadsView;
  readonly dq?: HeadsView;
  readonly dk?: HeadsView;
  readonly dv?: HeadsView;
}

/**
 * output[outer, position, inner] = sum over i with indices[outer, i] == position of values[outer, i, inner],
 * in order of i, without atomics.
 */
export interface ScatterKernel extends KernelBase {
  readonly kind: "scatter";
  readonly outer: number;
  readonly count: number;
  readonly size: number;
  readonly inner: number;
  readonly indices: number;
  readonly values: number;
  readonly output: number;
}

export type Kernel = LoopKernel | ContractionKernel | AttentionKernel | ScatterKernel;

/** An array that the host reads or writes, dense from the start of a buffer. */
export interface HostArray extends TensorType {
  readonly buffer: number;
}

/** What the CPU does by an op's own meaning, once the kernels before it are done. */
export interface HostWork extends KernelBase {
  readonly kind: "host";
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly HostArray[];
  readonly output: HostArray;
}

export interface KernelGraph {
  readonly buffers: readonly Buffer[];
  /** In an order in which producers precede consumers; `program/order` may change it. */
  readonly kernels: readonly (Kernel | HostWork)[];
}
