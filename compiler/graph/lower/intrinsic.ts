// A function that `.vit` cannot say: what it takes, and what it makes of tensors, numbers and named axes.
// One entry in a table of `intrinsics/`; parameters are bound by place or name like those of a declared function.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Expression } from "../../../grammar/syntax.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import type { Value } from "./value.ts";

/**
 * How an argument is read. `value`: any expression. `axes`: the name of an axis or a tuple of them.
 * `shape`: brackets, as axes to make. `words`: one of `options`.
 */
export interface IntrinsicParameter {
  readonly name: string;
  readonly takes: "value" | "axes" | "shape" | "word";
  readonly options?: readonly string[];
  readonly isOptional?: boolean;
}

export interface Intrinsic {
  readonly name: string;
  /** One line for `vit show` and for editors. */
  readonly about: string;
  readonly parameters: readonly IntrinsicParameter[];
  /** `max(a, b, c)`: the first parameter may come any number of times. */
  readonly isVariadic?: boolean;
  /** The first parameter takes what a pipe carries; false for functions that make their value from settings. */
  apply(call: IntrinsicCall): Value;
}

/** An argument that is read when asked for, in the way that is asked. */
export interface IntrinsicArgument {
  readonly expression: Expression | undefined;
  readonly at: FileSpan;
  /** Set where the argument is a value already: what a pipe carries. */
  readonly value: Value | undefined;
  readonly scope: Scope;
}

export interface IntrinsicCall {
  readonly evaluator: Evaluator;
  readonly name: string;
  /** The whole call. */
  readonly at: FileSpan;
  readonly scope: Scope;
  readonly arguments: ReadonlyMap<string, IntrinsicArgument>;
  /** Of a variadic function, in order. */
  readonly list: readonly IntrinsicArgument[];
}
