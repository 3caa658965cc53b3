// Elementwise operations on tensors with named axes: axes are paired by role, and one side's must lie within the
// other's. What is missing is repeated, in the order of the larger side.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { DType, Node } from "../graph.ts";
import { axisOf, hasRole, sizesOf, type Axis } from "./axis.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { hostOf } from "./host-value.ts";
import { poison, tensor, type TensorValue, type Value } from "./value.ts";

const comparisons = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"];
const signs: Readonly<Record<string, string>> = {
  add: "+", subtract: "-", multiply: "*", divide: "/", modulo: "%", power: "^", equal: "==", not_equal: "!=",
  less: "<", less_equal: "<=", greater: ">", greater_equal: ">=", minimum: "min", maximum: "max",
}; // prettier-ignore

/** `op` on tensors, numbers and numbers of the step, at least one of them a tensor. `name` is how messages call it. */
export function elementwise(
  e: Evaluator,
  op: string,
  operands: readonly Value[],
  scope: Scope,
  at: FileSpan,
  name = signs[op] ?? op,
  labels: readonly [string, string] = ["left of it", "right of it"],
): Value {
  const quiet = operands.find((operand) => operand.kind === "poison" || operand.kind === "absent");
  if (quiet !== undefined) return quiet;
  for (const operand of operands) {
    if (operand.kind === "tensor" || hostOf(operand) !== undefined) continue;
    if (operand.kind === "bool" && op === "select") continue;
    return e.fail(errors.operandKind(name, operand, scope.roles, at), scope);
  }
  const tensors = operands.filter((operand) => operand.kind === "tensor");
  const axes = commonAxes(e, tensors, name, scope, at, labels);
  if (axes === undefined) return poison;
  const shortcut = op === "power" ? knownPower(e, operands, scope, at) : undefined;
  if (shortcut !== undefined) return tensor(shortcut, axes);
  const isChoice = op === "select";
  const dtype = operandType(op, isChoice ? operands.slice(1) : operands);
  const node = e.guarded(scope, at, () => {
    const nodes = operands.map((operand, i) =>
      spread(e, operand, axes, isChoice && i === 0 ? "bool" : dtype, scope),
    );
    return e.builder.add(op, nodes);
  });
  return node === undefined ? poison : tensor(node, axes);
}

/** `x ^ 2`, `x ^ 0.5` and the like need no logarithm. */
function knownPower(
  e: Evaluator,
  operands: readonly Value[],
  scope: Scope,
  at: FileSpan,
): Node | undefined {
  const [base, exponent] = operands;
  if (base?.kind !== "tensor" || exponent?.kind !== "number") return undefined;
  return e.guarded(scope, at, () => {
    const x = e.builder.cast(base.node, "f32");
    if (exponent.value === 1) return x;
    if (exponent.value === 2) return e.builder.multiply(x, x);
    if (exponent.value === 3) return e.builder.multiply(e.builder.multiply(x, x), x);
    if (exponent.value === -1) return e.builder.reciprocal(x);
    if (exponent.value === 0.5) return e.builder.sqrt(x);
    return exponent.value === -0.5 ? e.builder.rsqrt(x) : undefined;
  });
}

/** `-x` or `not x`. */
export function negated(
  e: Evaluator,
  x: TensorValue,
  op: "negate" | "not",
  scope: Scope,
  at: FileSpan,
): Value {
  const node = e.guarded(scope, at, () => {
    if (op === "not") return e.builder.not(e.builder.cast(x.node, "bool"));
    return e.builder.negate(x.node.dtype === "bool" ? e.builder.cast(x.node, "f32") : x.node);
  });
  return node === undefined ? poison : tensor(node, x.axes);
}

/** One elementwise op of a single tensor, on reals unless it keeps integers. */
export function unaryOp(
  e: Evaluator,
  op: string,
  x: TensorValue,
  scope: Scope,
  at: FileSpan,
  keepsIntegers = false,
): Value {
  const node = e.guarded(scope, at, () => {
    const isReal = x.node.dtype === "f32" || x.node.dtype === "f16" || x.node.dtype === "bf16";
    if (!isReal && keepsIntegers && x.node.dtype !== "bool") return e.builder.add(op, [x.node]);
    return e.builder.add(op, [isReal ? x.node : e.builder.cast(x.node, "f32")]);
  });
  return node === undefined ? poison : tensor(node, x.axes);
}

/** The element type that operands meet in. Whole numbers join integers; a fraction makes all real. */
function operandType(op: string, operands: readonly Value[]): DType {
  if (op === "and" || op === "or") return "bool";
  const types = new Set<DType>();
  for (const operand of operands) {
    if (operand.kind === "tensor") types.add(operand.node.dtype);
    else if (operand.kind === "bool") types.add("bool");
    else if (operand.kind !== "number" || !operand.isWhole) types.add("f32");
  }
  const isReal = types.has("f32") || types.has("f16") || types.has("bf16");
  if (isReal || op === "divide" || op === "power" || types.size === 0) return "f32";
  if (types.has("i32")) return "i32";
  if (types.has("u32")) return "u32";
  const hasNumber = operands.some((operand) => operand.kind === "number");
  return (comparisons.includes(op) || op === "select") && !hasNumber ? "bool" : "f32";
}

/** The operand in the axes and type of the result. */
function spread(
  e: Evaluator,
  operand: Value,
  axes: readonly Axis[],
  dtype: DType,
  scope: Scope,
): Node {
  const shape = sizesOf(axes);
  if (operand.kind === "tensor") {
    return broadcastTo(e, { ...operand, node: e.builder.cast(operand.node, dtype) }, axes);
  }
  if (operand.kind === "host") {
    const scalar = e.builder.cast(e.scalarOfStep(operand.expression), dtype);
    return e.builder.broadcast(scalar, shape, []);
  }
  if (operand.kind === "number") return e.builder.constant(operand.value, { shape, dtype });
  if (operand.kind === "bool") return e.builder.constant(operand.value ? 1 : 0, { shape, dtype });
  throw new Error(`${describeValue(operand, scope.roles)} in an elementwise operation`);
}

/** Repeats a tensor along the axes that it has not, and brings those it has into the order of `axes`. */
export function broadcastTo(e: Evaluator, x: TensorValue, axes: readonly Axis[]): Node {
  const unnamed = x.axes.flatMap((axis, i) => (axis.role === undefined ? [i] : []));
  const places = x.axes.map((axis, i) => {
    if (axis.role !== undefined) return axisOf(axes, axis.role);
    // Axes without a name stay in their order among themselves.
    const rank = unnamed.indexOf(i);
    const targets = axes.flatMap((target, j) => (target.role === undefined ? [j] : []));
    return targets[rank]!;
  });
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  const moved = e.builder.permute(x.node, order);
  return e.builder.broadcast(
    moved,
    sizesOf(axes),
    order.map((i) => places[i]!),
  );
}

/** The axes of the largest operand, if all others lie within; otherwise reported. */
export function commonAxes(
  e: Evaluator,
  tensors: readonly TensorValue[],
  name: string,
  scope: Scope,
  at: FileSpan,
  labels: readonly [string, string] = ["the first has", "the second has"],
): readonly Axis[] | undefined {
  const largest = tensors.reduce((a, b) => (b.axes.length > a.axes.length ? b : a));
  for (const other of tensors) {
    if (other === largest) continue;
    const problem = conflict(largest, other);
    if (problem === undefined) continue;
    const [first, second] =
      tensors.indexOf(largest) < tensors.indexOf(other) ? [largest, other] : [other, largest];
    e.fail(errors.elementwiseAxes(name, first, second, labels, problem, scope.roles, at), scope);
    return undefined;
  }
  return largest.axes;
}

export type AxisConflict =
  | { readonly kind: "size"; readonly large: Axis; readonly small: Axis }
  | { readonly kind: "missing"; readonly axis: Axis }
  | { readonly kind: "unnamed" };

function conflict(large: TensorValue, small: TensorValue): AxisConflict | undefined {
  for (const axis of small.axes) {
    if (axis.role === undefined) return { kind: "unnamed" };
    const match = large.axes.find((each) => each.role === axis.role);
    if (match !== undefined && match.size !== axis.size)
      return { kind: "size", large: match, small: axis };
  }
  const missing = small.axes.find((axis) => !hasRole(large.axes, axis.role));
  return missing === undefined ? undefined : { kind: "missing", axis: missing };
}
