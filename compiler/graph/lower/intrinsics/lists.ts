// Functions of lists of settings, and of numbers that lie along a course.
import { hostApply, hostNumber } from "../../host-expression.ts";
import { describeValue } from "../describe-value.ts";
import * as errors from "../errors.ts";
import { host, hostOf } from "../host-value.ts";
import { sameValue } from "../operator.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { elementsOf, real, whole, type NumberValue, type Value } from "../value.ts";
import { intrinsic, numberOf, stopWith, valueOf } from "./arguments.ts";

export const listFunctions: readonly Intrinsic[] = [
  intrinsic("product", "product of a list", ["list"], (call) =>
    total(numbersOf(call), (a, b) => a * b, 1),
  ),
  intrinsic("len", "how many a list, tuple or set of axes has", ["list"], (call) =>
    whole(listOf(call).length),
  ),
  intrinsic("distinct", "a list without repetitions, in order", ["list"], (call) => {
    const kept: Value[] = [];
    for (const each of listOf(call))
      if (!kept.some((other) => sameValue(each, other))) kept.push(each);
    return { kind: "list", elements: kept };
  }),
  intrinsic("count", "how often a list holds a value", ["list", "value"], (call) => {
    const value = valueOf(call, "value");
    return whole(listOf(call).filter((each) => sameValue(each, value)).length);
  }),
  intrinsic(
    "ramp",
    "the i-th of n numbers from one end of a course to the other",
    ["course", "i", "n"],
    ramp,
  ),
];

/** The sum of a list, for `sum(depths[..s])`. */
export function sumOfList(call: IntrinsicCall, value: Value): Value | undefined {
  const elements = elementsOf(value);
  if (elements === undefined) return undefined;
  return total(asNumbers(call, elements), (a, b) => a + b, 0);
}

function total(
  numbers: readonly NumberValue[],
  join: (a: number, b: number) => number,
  empty: number,
): Value {
  const value = numbers.reduce((sum, each) => join(sum, each.value), empty);
  return numbers.every((each) => each.isWhole) ? whole(value) : real(value);
}

function listOf(call: IntrinsicCall): readonly Value[] {
  const value = valueOf(call, "list");
  if (value.kind === "axis") return [value];
  const elements = elementsOf(value);
  if (elements !== undefined) return elements;
  const at = call.arguments.get("list")!.at;
  return stopWith(call.evaluator.fail(errors.notAList(value, call.scope.roles, at), call.scope));
}

function numbersOf(call: IntrinsicCall): readonly NumberValue[] {
  return asNumbers(call, listOf(call));
}

export function asNumbers(call: IntrinsicCall, values: readonly Value[]): readonly NumberValue[] {
  return values.map((each) => {
    if (each.kind === "number") return each;
    if (each.kind === "poison") return stopWith(each);
    const found = describeValue(each, call.scope.roles);
    return stopWith(
      call.evaluator.fail(
        errors.argumentType(call.name, "list", "numbers", found, call.at),
        call.scope,
      ),
    );
  });
}

/** `ramp(0 to drop, i, n)`: both ends are reached; of one number it is the first end. */
function ramp(call: IntrinsicCall): Value {
  const course = valueOf(call, "course");
  const [i, n] = [numberOf(call, "i"), numberOf(call, "n")];
  const ends = course.kind === "course" ? [hostOf(course.from), hostOf(course.to)] : [];
  const [from, to] = ends;
  if (!from || !to) {
    const found = describeValue(course, call.scope.roles);
    return call.evaluator.fail(
      errors.argumentType("ramp", "course", "a course such as `0 to drop`", found, call.at),
      call.scope,
    );
  }
  const share = n > 1 ? i / (n - 1) : 0;
  const way = hostApply("multiply", hostApply("subtract", to, from), hostNumber(share));
  return host(hostApply("add", from, way));
}
