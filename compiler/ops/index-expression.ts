// Integer expressions over a kernel's axes: where in a buffer an element lies.
// View ops rewrite them, the fuser composes them, both code generators print them.
// All values are non-negative inside their guards; division is floor division by a positive constant.

/** An axis variable by number: a kernel's axes are numbered 0, 1, ... in its own list. */
export type Index =
  | { readonly kind: "axis"; readonly axis: number; readonly extent: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "add"; readonly terms: readonly Index[] }
  | { readonly kind: "multiply"; readonly by: number; readonly of: Index }
  | { readonly kind: "divide"; readonly by: number; readonly of: Index }
  | { readonly kind: "modulo"; readonly by: number; readonly of: Index }
  /** An element of data (a gather): an i32 value, clamped by its reader into [0, extent). */
  | { readonly kind: "data"; readonly value: unknown; readonly extent: number };

/** `low <= index < high`; a reader outside of it yields the view's filler. */
export interface Condition {
  readonly index: Index;
  readonly low: number;
  readonly high: number;
}

/**
 * What a view op reads for the output element at `indices`: exactly one piece whose conditions hold
 * (pieces exclude each other), or else the filler. reshape, permute, slice, broadcast, flip and roll have
 * one piece without conditions; pad and window one with conditions; concat one for each input.
 */
export interface ViewRead {
  readonly pieces: readonly {
    readonly input: number;
    readonly indices: readonly Index[];
    readonly conditions: readonly Condition[];
  }[];
  readonly filler: number;
}
