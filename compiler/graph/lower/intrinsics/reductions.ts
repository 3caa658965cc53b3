// Sums, means, maxima over named axes: `mean(x, tokens)`, `mean(x, keep = channels)`, `mean(x, where = hidden)`.
// `sum`, `min` and `max` are functions of numbers and lists as well.
import { hostApply } from "../../host-expression.ts";
import type { Node } from "../../graph.ts";
import type { Axis } from "../axis.ts";
import { describeValue } from "../describe-value.ts";
import { broadcastTo, commonAxes, elementwise } from "../elementwise.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicArgument, IntrinsicCall } from "../intrinsic.ts";
import { hostOf } from "../host-value.ts";
import { elementsOf, poison, real, tensor, whole, type TensorValue, type Value } from "../value.ts";
import { asReal, intrinsic, make, optionalPlaces, optionalValue, placeOf, read, realTensorOf, stopWith, tensorOf, valueOf } from "./arguments.ts"; // prettier-ignore
import { asNumbers, sumOfList } from "./lists.ts";

export const reductions: readonly Intrinsic[] = [
  intrinsic("sum", "sum over axes, or of a list", ["x", "over?", "keep?", "where?"], sum),
  intrinsic("mean", "mean over axes", ["x", "over?", "keep?", "where?"], mean),
  intrinsic("max", "largest over axes, or of several", ["x", "over?", "keep?"], (call) => extreme(call, "max"), { isVariadic: true }),
  intrinsic("min", "smallest over axes, or of several", ["x", "over?", "keep?"], (call) => extreme(call, "min"), { isVariadic: true }),
  intrinsic("argmax", "place of the largest along an axis (the first among equals)", ["x", "over"], (call) => place(call, "argmax")),
  intrinsic("argmin", "place of the smallest along an axis (the first among equals)", ["x", "over"], (call) => place(call, "argmin")),
  intrinsic("unbiased", "a variance over n elements times n / (n - 1)", ["variance"], unbiased),
]; // prettier-ignore

interface Reduced {
  readonly x: TensorValue;
  readonly places: readonly number[];
  readonly kept: readonly Axis[];
  readonly count: number;
}

/** Which axes go: those named, or all but those to keep, or all. */
function reduced(call: IntrinsicCall, x: TensorValue): Reduced {
  const over = optionalPlaces(call, "over", x);
  const keep = optionalPlaces(call, "keep", x);
  const all = x.axes.map((_, i) => i);
  const places = over ?? all.filter((i) => !(keep ?? []).includes(i));
  const kept = x.axes.filter((_, i) => !places.includes(i));
  const count = places.reduce((product, i) => product * x.axes[i]!.size, 1);
  return { x, places, kept, count };
}

function sum(call: IntrinsicCall): Value {
  const list = sumOfList(call, valueOf(call, "x"));
  if (list !== undefined) return list;
  const { x, places, kept } = reduced(call, realTensorOf(call, "x"));
  const weighted = weights(call, x);
  const node = make(call, () => call.evaluator.builder.sum(weighted?.product ?? x.node, places));
  return tensor(node, kept);
}

function mean(call: IntrinsicCall): Value {
  const { x, places, kept, count } = reduced(call, realTensorOf(call, "x"));
  const weighted = weights(call, x);
  const g = call.evaluator.builder;
  if (weighted === undefined)
    return tensor(
      make(call, () => g.mean(x.node, places)),
      kept,
      count,
    );
  const node = make(call, () => {
    const total = g.sum(weighted.product, places);
    return g.divide(total, g.maximum(g.sum(weighted.weight, places), 1e-12));
  });
  return tensor(node, kept);
}

/** `where = hidden`: what does not hold counts nothing. */
function weights(
  call: IntrinsicCall,
  x: TensorValue,
): { readonly product: Node; readonly weight: Node } | undefined {
  const where = optionalValue(call, "where");
  if (where === undefined) return undefined;
  if (where.kind !== "tensor") {
    const found = describeValue(where, call.scope.roles);
    return stopWith(
      call.evaluator.fail(
        errors.argumentType(call.name, "where", "a tensor", found, call.at),
        call.scope,
      ),
    );
  }
  if (commonAxes(call.evaluator, [x, where], "where", call.scope, call.at) === undefined) {
    return stopWith(poison);
  }
  return make(call, () => {
    const weight = broadcastTo(
      call.evaluator,
      { ...where, node: asReal(call, where.node) },
      x.axes,
    );
    return { product: call.evaluator.builder.multiply(x.node, weight), weight };
  });
}

// ---------------------------------------------------------------------------------------------- min and max

function extreme(call: IntrinsicCall, name: "min" | "max"): Value {
  const [first, second] = call.list;
  if (first === undefined) return stopWith(poison);
  const x = read(call, first);
  const elements = elementsOf(x);
  if (elements !== undefined && call.list.length === 1) {
    const numbers = asNumbers(call, elements);
    const value = Math[name](...numbers.map((each) => each.value));
    return numbers.every((each) => each.isWhole) ? whole(value) : real(value);
  }
  const isReduction = x.kind === "tensor" && (second === undefined || namesAxes(x, second, call));
  if (isReduction && call.list.length <= 2) return reduceExtreme(call, x, name);
  const rest = call.list.slice(1).map((each) => read(call, each));
  return rest.reduce<Value>((a, b) => ofTwo(call, name, a, b), x);
}

/** Whether an argument names axes that the tensor has: then it is `over`, not another operand. */
function namesAxes(x: TensorValue, given: IntrinsicArgument, call: IntrinsicCall): boolean {
  const { expression, scope } = given;
  if (expression?.kind === "tuple") return true;
  if (expression?.kind !== "name") return false;
  const value = scope.get(expression.name);
  if (value?.kind === "axis" || value?.kind === "tuple" || value?.kind === "none") return true;
  if (value !== undefined) return false;
  const role = scope.roles.get(expression.name);
  const isAxis = role !== undefined && x.axes.some((axis) => axis.role === role);
  return isAxis || call.scope.sizeOf(expression.name) === undefined;
}

function reduceExtreme(call: IntrinsicCall, given: TensorValue, name: "min" | "max"): Value {
  const { x, places, kept } = reduced(call, given);
  const node = make(call, () => call.evaluator.builder[name](asReal(call, x.node), places));
  return tensor(node, kept);
}

function ofTwo(call: IntrinsicCall, name: "min" | "max", a: Value, b: Value): Value {
  if (a.kind === "number" && b.kind === "number") {
    const value = Math[name](a.value, b.value);
    return a.isWhole && b.isWhole ? whole(value) : real(value);
  }
  const operation = name === "min" ? "minimum" : "maximum";
  if (a.kind === "tensor" || b.kind === "tensor") {
    return elementwise(call.evaluator, operation, [a, b], call.scope, call.at);
  }
  const [left, right] = [hostOf(a), hostOf(b)];
  if (left !== undefined && right !== undefined) {
    return { kind: "host", expression: hostApply(operation, left, right) };
  }
  const odd = left === undefined ? a : b;
  return stopWith(
    call.evaluator.fail(errors.operandKind(name, odd, call.scope.roles, call.at), call.scope),
  );
}

function place(call: IntrinsicCall, name: "argmax" | "argmin"): Value {
  const x = realTensorOf(call, "x");
  const over = placeOf(call, "over", x);
  const node = make(call, () => call.evaluator.builder[name](x.node, [over]));
  return tensor(
    node,
    x.axes.filter((_, i) => i !== over),
  );
}

function unbiased(call: IntrinsicCall): Value {
  const variance = tensorOf(call, "variance");
  const n = variance.averaged;
  if (n === undefined) return call.evaluator.fail(errors.notAMean(call.at), call.scope);
  const [sum, scale] = scaledSum(variance.node);
  const node = make(call, () => call.evaluator.builder.multiply(sum, n > 1 ? (scale * n) / (n - 1) : scale)); // prettier-ignore
  return tensor(node, variance.axes);
}

/**
 * A mean as its sum and a factor. Two factors, one behind the other, a device may make one, or not, as kernels are cut:
 * from the sum on there is one, so that the bits do not depend on that.
 */
function scaledSum(mean: Node): readonly [Node, number] {
  const [sum, by] = mean.inputs;
  if (mean.op !== "multiply" || by?.op !== "constant") return [mean, 1];
  return [sum!, Number(by.attributes["value"])];
}
