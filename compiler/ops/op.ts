// What an op is: one entry that says everything about it. Passes switch over `kind`, never over `name`.
// To add an op: one file (or one line in a table file) with its entry, one line in `registry.ts`.
import type { Attributes, Node, Origin, TensorType } from "../graph/graph.ts";
import type { Index, ViewRead } from "./index-expression.ts";
import type { Notation } from "./notation.ts";

/** Values in the interpreter: float64 for every dtype (integers and bools exactly), row-major. */
export type Values = Float64Array;

/**
 * The scalar instructions that every code generator knows. An elementwise op names one.
 * Comparisons and logic give bool; `select(condition, a, b)`; `cast` takes its target from the node's dtype.
 * Shifts and bit operations are on u32. `scalar-meaning.ts` says exactly what each means. `min`/`max`/`sign`/`round` (half to even) as in IEEE and PyTorch.
 */
export type ScalarInstruction =
  | "add" | "subtract" | "multiply" | "divide" | "minimum" | "maximum" | "power" | "modulo" | "atan2"
  | "negate" | "absolute" | "sign" | "floor" | "ceil" | "round" | "sqrt" | "rsqrt" | "reciprocal"
  | "exp" | "log" | "log1p" | "expm1" | "sin" | "cos" | "tanh" | "erf" | "sigmoid"
  | "less" | "less_equal" | "greater" | "greater_equal" | "equal" | "not_equal"
  | "and" | "or" | "not" | "select" | "cast" | "is_finite"
  | "bit_and" | "bit_or" | "bit_xor" | "shift_left" | "shift_right"; // prettier-ignore

/** The only way to make a node: infers type from the op's rule, folds nothing, keeps the origin of `at`. */
export interface GraphBuilder {
  /** @throws OpError where the op's rule refuses the inputs. */
  add(op: string, inputs: readonly Node[], attributes?: Attributes, origin?: Origin): Node;
  /** A scalar constant broadcast to `like`'s shape (dtype f32 unless said). */
  constant(value: number, type?: Partial<TensorType>): Node;
  /** Origin for the nodes that follow, until changed. */
  at(origin: Origin): void;
}

/** A shape or type that an op refuses: `reason` is a sentence for the person, without position. */
export class OpError extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

export interface Cost {
  /** Multiply-adds of contractions and convolutions. */
  readonly macs: number;
  /** Floating point operations (a multiply-add is two). */
  readonly flops: number;
}

/** One case of an op's self-test; values are drawn from `range` (inclusive of neither end) by a fixed generator. */
export interface Sample {
  readonly inputs: readonly (TensorType & {
    readonly range?: readonly [number, number];
    /** Integers in [low, high) instead of reals. */
    readonly integers?: readonly [number, number];
    /** Distinct values (for sort, max: no ties near a finite difference). */
    readonly distinct?: boolean;
  })[];
  readonly attributes: Attributes;
  /** false where the op is flat or discontinuous there: no finite differences. */
  readonly differentiable?: boolean;
}

interface OpBase {
  readonly name: string;
  /** Type of the result. @throws OpError with the reason. */
  infer(inputs: readonly TensorType[], attributes: Attributes): TensorType;
  /** Meaning, in float64. `output` is the inferred type. */
  evaluate(inputs: readonly Values[], node: EvaluatedNode): Values;
  /**
   * Gradient of the loss by each input, given the gradient by the output; undefined where none flows.
   * `wanted[i]` says whether input i needs one.
   */
  gradient?(
    g: Notation,
    node: Node,
    dOutput: Node,
    wanted: readonly boolean[],
  ): readonly (Node | undefined)[];
  cost?(inputs: readonly TensorType[], output: TensorType, attributes: Attributes): Cost;
  readonly samples: readonly Sample[];
}

/** What `evaluate` is told besides the values. */
export interface EvaluatedNode {
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  readonly attributes: Attributes;
}

/** The same element of each input (all inputs have the output's shape; broadcasting is a view). */
export interface ElementwiseOp extends OpBase {
  readonly kind: "elementwise";
  readonly instruction: ScalarInstruction;
}

/** Renames elements: costs nothing, disappears into its reader's index. */
export interface ViewOp extends OpBase {
  readonly kind: "view";
  /** Inputs from this place on are never read: they are only waited for. */
  readonly waitsFrom?: number;
  read(
    indices: readonly Index[],
    inputs: readonly TensorType[],
    output: TensorType,
    attributes: Attributes,
  ): ViewRead;
}

/**
 * All elements along `attributes.axes` (a list of numbers), which leave the shape.
 * `max` and `min` have `ties`: where the gradient of equal extremes goes, `even` or `first`.
 */
export interface ReductionOp extends OpBase {
  readonly kind: "reduction";
  readonly reducer: "sum" | "max" | "min" | "argmax" | "argmin";
}

/**
 * Products summed over shared axes. `dot {batch: [[..],[..]], contract: [[..],[..]]}` as in XLA's dot_general:
 * output axes are batch, then the rest of a, then the rest of b, each in order.
 * `convolve {stride, padding: [[before, after]..], dilation, inputDilation, groups}`: x [batch, ..spatial, in],
 * w [..kernel, in / groups, out] -> [batch, ..spatial, out].
 * `convolve_weight {.., kernel}`, x and dY: the gradient by w, as its own contraction over batch and space.
 * A negative padding crops. `convolutionOf` in `convolve.ts` and `dotAxes` in `dot.ts` read the attributes.
 */
export interface ContractionOp extends OpBase {
  readonly kind: "contraction";
}

/** gather {axis, batch} / scatter_add {axis, batch, size}: an element chosen by data. See `indexing.ts`. */
export interface IndexingOp extends OpBase {
  readonly kind: "indexing";
}

/** Depends on its position only: `constant {value}`, `iota {axis}`, `table {generator, ...}` (made at load), `values {values}`. */
export interface ConstantOp extends OpBase {
  readonly kind: "constant";
}

/** `random_bits {stream}` (u32), inputs [seed, step]: threefry2x32 of (stream, seed, step, element index). */
export interface RandomOp extends OpBase {
  readonly kind: "random";
}

/** `input {name}`, `parameter {path}`, `state {path}`, `resident {name}` (a flat arena of parameters or slots). */
export interface LeafOp extends OpBase {
  readonly kind: "leaf";
}

/** Has a template of its own on every target, and an expansion that is its meaning. */
export interface StructuredOp extends OpBase {
  readonly kind: "structured";
  expand(g: Notation, node: Node): Node;
}

/** An explicit step on the CPU between two runs of the device: `assign`. Its meaning is what is run. */
export interface HostOp extends OpBase {
  readonly kind: "host";
}

export type Op =
  | ElementwiseOp
  | ViewOp
  | ReductionOp
  | ContractionOp
  | IndexingOp
  | ConstantOp
  | RandomOp
  | LeafOp
  | StructuredOp
  | HostOp;
