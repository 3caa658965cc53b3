// What an expression can be while compiling: settings as plain values, tensors as nodes with named axes,
// blocks and functions as closures. One type for models and recipes; `opaque` is open for what only recipes know.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type {
  BlockDeclaration,
  Braces,
  Expression,
  FunctionDeclaration,
  OptimizerDeclaration,
  RecipeDeclaration,
  Unit,
} from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { Initializer, Node } from "../graph.ts";
import type { HostExpression } from "../lowered.ts";
import type { Axis, Role } from "./axis.ts";
import type { Intrinsic } from "./intrinsic.ts";
import type { Application } from "./place.ts";
import type { Scope } from "./scope.ts";

export type Value =
  | NumberValue
  | BoolValue
  | StringValue
  | ChoiceValue
  | NoneValue
  | AbsentValue
  | DurationValue
  | RangeValue
  | CourseValue
  | ListValue
  | TupleValue
  | RecordValue
  | AxisValue
  | ShapeValue
  | TensorValue
  | CallableValue
  | NetValue
  | PartsValue
  | HostValue
  | DistributionValue
  | DiagonalValue
  | DeclarationValue
  | OpaqueValue
  | PoisonValue;

export interface NumberValue {
  readonly kind: "number";
  readonly value: number;
  /** A count, which divides exactly; a setting of type `real` is not one even if it is 2. */
  readonly isWhole: boolean;
}

export interface BoolValue {
  readonly kind: "bool";
  readonly value: boolean;
}

export interface StringValue {
  readonly kind: "string";
  readonly value: string;
}

/** A word of a closed set: `token` of `token | mean`. */
export interface ChoiceValue {
  readonly kind: "choice";
  readonly word: string;
  readonly options: readonly string[];
}

/** An optional setting that was not given. */
export interface NoneValue {
  readonly kind: "none";
}

/** An optional input that was not given, or what was computed from one. */
export interface AbsentValue {
  readonly kind: "absent";
  readonly input: string;
}

export interface DurationValue {
  readonly kind: "duration";
  readonly amount: number;
  readonly unit: Unit;
}

/** `a..b`, either end open. */
export interface RangeValue {
  readonly kind: "range";
  readonly from: Value | undefined;
  readonly to: Value | undefined;
}

/** `a to b`. */
export interface CourseValue {
  readonly kind: "course";
  readonly from: Value;
  readonly to: Value;
}

export interface ListValue {
  readonly kind: "list";
  readonly elements: readonly Value[];
}

export interface TupleValue {
  readonly kind: "tuple";
  readonly elements: readonly Value[];
}

export interface RecordValue {
  readonly kind: "record";
  readonly fields: ReadonlyMap<string, Value>;
  readonly parts?: PartsValue;
}

export interface AxisValue {
  readonly kind: "axis";
  readonly role: Role;
}

/** `[classes = 10]` where a function makes axes. */
export interface ShapeValue {
  readonly kind: "shape";
  readonly axes: readonly Axis[];
}

export interface TensorValue {
  readonly kind: "tensor";
  readonly node: Node;
  readonly axes: readonly Axis[];
  /** How many elements each entry is the mean of, where it came from a mean: `unbiased` asks. */
  readonly averaged?: number;
  /** What the parts of a net gave in this application: `o.encoder`. */
  readonly parts?: PartsValue;
}

/** A block or function named without being applied, with what was set there. */
export interface CallableValue {
  readonly kind: "callable";
  readonly target: CallTarget;
  /** As written where it was made, for messages and paths. */
  readonly name: string;
  /** What was set there wins over what the place of use gives. */
  readonly given: ReadonlyMap<string, Value>;
  readonly overrides: readonly Override[];
}

export type CallTarget =
  | { readonly kind: "block"; readonly declaration: BlockDeclaration; readonly file: FileScope }
  | {
      readonly kind: "function";
      readonly declaration: FunctionDeclaration;
      readonly file: FileScope;
    }
  | { readonly kind: "intrinsic"; readonly intrinsic: Intrinsic }
  | { readonly kind: "braces"; readonly braces: Braces; readonly scope: Scope }
  /** A stage of braces that a net is made of, taken by itself: `online.encoder`. */
  | { readonly kind: "stage"; readonly operation: Expression; readonly scope: Scope };

/** `proj.weight ~ normal(std = s)` at a call; the path starts at the instance. */
export interface Override {
  readonly path: readonly string[];
  readonly initializer: DistributionValue;
  readonly at: FileSpan;
}

/** A named instance: every application shares the parameters under `path`. */
export interface NetValue {
  readonly kind: "net";
  readonly path: string;
  readonly callable: CallableValue;
  readonly ownership: Ownership;
}

/**
 * Whose arrays an application reads. `own`: parameters and states under the net's path.
 * `twin`: states under the path `twin`, which follow the parameters of the net at `of`.
 */
export type Ownership =
  { readonly kind: "own" } | { readonly kind: "twin"; readonly twin: string; readonly of: string };

/** A view of the parts of one application below a path; itself a value only where a part gave one. */
export interface PartsValue {
  readonly kind: "parts";
  readonly application: Application;
  readonly path: string;
}

/** A scalar that the host computes at each step: `lr`, `step / warmup`. */
export interface HostValue {
  readonly kind: "host";
  readonly expression: HostExpression;
}

/** `normal(std = 0.02)`: settings of the distribution are plain numbers, or words. */
export interface DistributionValue {
  readonly kind: "distribution";
  readonly name: string;
  readonly settings: Initializer["settings"];
  /** Settings of a draw that change with the step: `bernoulli(1 - p)` of a `p` that follows a course. */
  readonly byStep: Readonly<Record<string, HostExpression>>;
}

/** The target of a contrastive loss: each row's own column. */
export interface DiagonalValue {
  readonly kind: "diagonal";
}

/** The name of a declaration that is not called like a block: an optimizer or a recipe. */
export interface DeclarationValue {
  readonly kind: "declaration";
  readonly declaration: OptimizerDeclaration | RecipeDeclaration;
  readonly file: FileScope;
}

/** What only recipes know (a data set, a view, a protocol): how it answers to `.name`, to a call and in a pipe. */
export interface OpaqueValue {
  readonly kind: "opaque";
  /** With its article, for messages: `a data set`. */
  readonly what: string;
  readonly content: unknown;
  /** `train.image`; undefined where there is no such member (then the evaluator reports it with `members`). */
  member?(name: string, at: FileSpan): Value | undefined;
  readonly members?: readonly string[];
}

/** Something is wrong here and has been reported; everything that follows from it is silent. */
export interface PoisonValue {
  readonly kind: "poison";
}

export const poison: PoisonValue = { kind: "poison" };
export const none: NoneValue = { kind: "none" };

export function whole(value: number): NumberValue {
  return { kind: "number", value, isWhole: true };
}

export function real(value: number): NumberValue {
  return { kind: "number", value, isWhole: false };
}

export function bool(value: boolean): BoolValue {
  return { kind: "bool", value };
}

export function tensor(node: Node, axes: readonly Axis[], averaged?: number): TensorValue {
  return averaged === undefined
    ? { kind: "tensor", node, axes }
    : { kind: "tensor", node, axes, averaged };
}

/** The elements of a list or a tuple. */
export function elementsOf(value: Value): readonly Value[] | undefined {
  return value.kind === "list" || value.kind === "tuple" ? value.elements : undefined;
}

/** A count may stand for so many items. */
export const mostItems = 1_000_000;

/** What a list holds; a count n stands for 0 … n - 1. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (value.kind === "number" && value.isWhole && value.value >= 0 && value.value <= mostItems) {
    return Array.from({ length: value.value }, (_, i) => whole(i));
  }
  return elementsOf(value);
}

/** A result that remembers what the parts below a path gave in the same application. */
export function withParts(value: Value, parts: PartsValue): Value {
  return value.kind === "tensor" || value.kind === "record" ? { ...value, parts } : value;
}
