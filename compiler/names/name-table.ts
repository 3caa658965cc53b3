// What two libraries call the same numbers: each tensor of ours as entries of theirs, and each of theirs as entries of
// ours. Plain data, so that a compiled program can carry it; `apply-names.ts` moves the numbers, either way.
import type { FileSpan } from "../../grammar/diagnostic.ts";
import type { Walk } from "./link.ts";

/** One tensor of ours. */
export interface NameLink extends Walk {
  readonly path: string;
  readonly shape: readonly number[];
  /** What theirs are called; several where ours joins them. */
  readonly names: readonly string[];
  readonly isState: boolean;
  /** The line that says so; absent where ours keeps its name. */
  readonly at?: FileSpan;
}

/** One tensor of theirs. */
export interface TheirTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly isInteger: boolean;
  /** The links that hold it, and which of their names it is. Empty where ours has nothing of it. */
  readonly from: readonly { readonly link: NameLink; readonly part: number }[];
  /** What it holds where ours has nothing; undefined: it is not written. */
  readonly filling?: number;
}

export interface NameTable {
  readonly format: string;
  /** Each parameter and state of ours that theirs has. */
  readonly ours: readonly NameLink[];
  /** Paths of ours that theirs does not have. */
  readonly alone: readonly string[];
  readonly theirs: readonly TheirTensor[];
}
