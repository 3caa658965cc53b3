// The tensor graph: what is computed, as a list of nodes in static single assignment.
// A model's forward pass, a whole training step and an evaluation are all this one type;
// lowering makes it, differentiation and the optimizer extend it, kernels are fused from it.
// Axes are positions here: names live in the language, and in `Origin` for messages.
import { elementCount } from "../ops/shape.ts";

/** Element types. f16 and bf16 are storage only: sums are always made in f32. bool is stored as u32 0 or 1. */
export type DType = "f32" | "f16" | "bf16" | "i32" | "u32" | "bool";

export interface TensorType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Where in the source a thing came from; travels from syntax to kernel, label and error message. */
export interface Origin {
  /** Module path such as `layers.3.attn.qkv`; empty at the top. */
  readonly path: string;
  readonly file?: string;
  readonly span?: { readonly start: number; readonly end: number };
  /** What made the node where no source text did: `gradient`, `recompute`, `optimizer`, `clip`, `metric`. */
  readonly role?: string;
}

export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

export type Attributes = { readonly [key: string]: AttributeValue };

/** One use of an op. `id` is its place in `TensorGraph.nodes`; inputs have smaller ids. */
export interface Node extends TensorType {
  readonly id: number;
  /** A name in the op registry. */
  readonly op: string;
  readonly inputs: readonly Node[];
  readonly attributes: Attributes;
  /** `op` and `attributes` in one text, equal where they are equal. The builder writes it. */
  readonly signature: string;
  readonly origin: Origin;
}

/** How a parameter or state starts; evaluated on the host in double and rounded once, keyed by seed and path. */
export interface Initializer {
  /** `zeros`, `ones`, `constant`, `normal`, `truncated`, `uniform`, `file`, `values`, ... */
  readonly kind: string;
  readonly settings: { readonly [key: string]: number | string | readonly number[] };
}

/** A trained (or frozen) array, by path. Its leaf node is `parameter {path}`. */
export interface Parameter extends TensorType {
  readonly path: string;
  readonly initializer: Initializer;
  readonly trainable: boolean;
  /** The name of the block that declares it (`Linear`), for `except block == BatchNorm`. */
  readonly block: string;
  readonly origin: Origin;
}

/** An array that a step may renew but no gradient reaches: running statistics, optimizer slots, twins. Leaf: `state {path}`. */
export interface State extends TensorType {
  readonly path: string;
  readonly initializer: Initializer;
  readonly origin: Origin;
}

/** A value handed in for each run: a field of the batch, or a scalar (shape []) such as `lr`, `step`, `seed`. Leaf: `input {name}`. */
export interface GraphInput extends TensorType {
  readonly name: string;
}

export interface Output {
  readonly name: string;
  readonly value: Node;
}

/** The new value of a parameter or state after the step. */
export interface Update {
  readonly path: string;
  readonly value: Node;
}

export interface TensorGraph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly GraphInput[];
  readonly parameters: readonly Parameter[];
  readonly states: readonly State[];
  readonly outputs: readonly Output[];
  readonly updates: readonly Update[];
}

export { elementCount };

export function byteSize(type: TensorType): number {
  const bytes = type.dtype === "f16" || type.dtype === "bf16" ? 2 : 4;
  return elementCount(type.shape) * bytes;
}
