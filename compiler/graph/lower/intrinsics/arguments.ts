// How intrinsic functions read their arguments: as a tensor, a number, axes of a tensor, a shape, a word. What does not
// fit is reported and ends the call; an input that is not given makes the whole call absent.
import { shapeOfList } from "../../../../grammar/syntax.ts";
import type { Node } from "../../graph.ts";
import { axisOf, type Axis } from "../axis.ts";
import { describeValue } from "../describe-value.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicArgument, IntrinsicCall } from "../intrinsic.ts";
import { evaluateAxes, expectWord } from "../settings.ts";
import { axesOfShape } from "../shape.ts";
import { elementsOf, poison, tensor, type TensorValue, type Value } from "../value.ts";

/** Thrown inside of an intrinsic when it cannot go on; the call's value is `value`. */
class EndOfCall {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

type Parameter = Intrinsic["parameters"][number];

/** A parameter: `x`, `over?` (may be left out). Axes, shapes and words by their own readers below. */
export function parameters(...names: readonly string[]): readonly Parameter[] {
  return names.map((name) => ({
    name: name.replace("?", ""),
    takes: "value",
    isOptional: name.endsWith("?"),
  }));
}

/** An entry whose `apply` may read arguments with the functions of this file. */
export function intrinsic(
  name: string,
  about: string,
  names: readonly string[],
  apply: (call: IntrinsicCall) => Value,
  options: { readonly isVariadic?: boolean } = {},
): Intrinsic {
  return {
    name,
    about,
    parameters: parameters(...names),
    ...options,
    apply(call) {
      try {
        return apply(call);
      } catch (end) {
        if (end instanceof EndOfCall) return end.value;
        throw end;
      }
    },
  };
}

export function stopWith(value: Value): never {
  throw new EndOfCall(value);
}

export function argument(call: IntrinsicCall, name: string): IntrinsicArgument | undefined {
  return call.arguments.get(name);
}

/** The value of an argument; undefined where it was left out or is `none`. */
export function optionalValue(call: IntrinsicCall, name: string): Value | undefined {
  const given = call.arguments.get(name);
  if (given === undefined) return undefined;
  const value = read(call, given);
  return value.kind === "none" ? undefined : value;
}

export function read(call: IntrinsicCall, given: IntrinsicArgument): Value {
  const value = given.value ?? call.evaluator.evaluate(given.expression!, given.scope);
  if (value.kind === "poison" || value.kind === "absent") throw new EndOfCall(value);
  return value;
}

export function valueOf(call: IntrinsicCall, name: string): Value {
  return optionalValue(call, name) ?? wrong(call, name, "a value", { kind: "none" });
}

function wrong(call: IntrinsicCall, name: string, wanted: string, found: Value): never {
  const at = call.arguments.get(name)?.at ?? call.at;
  const described = describeValue(found, call.scope.roles);
  throw new EndOfCall(
    call.evaluator.fail(errors.argumentType(call.name, name, wanted, described, at), call.scope),
  );
}

export function tensorOf(call: IntrinsicCall, name: string): TensorValue {
  const value = valueOf(call, name);
  if (value.kind === "tensor") return value;
  if (value.kind === "number") return tensor(call.evaluator.builder.constant(value.value), []);
  if (value.kind === "host") return tensor(call.evaluator.scalarOfStep(value.expression), []);
  return wrong(call, name, "a tensor", value);
}

/** A tensor of reals: integers and truth values are cast. */
export function realTensorOf(call: IntrinsicCall, name: string): TensorValue {
  const x = tensorOf(call, name);
  return { ...x, node: asReal(call, x.node) };
}

export function asReal(call: IntrinsicCall, node: Node): Node {
  const isReal = node.dtype === "f32" || node.dtype === "f16" || node.dtype === "bf16";
  return isReal ? node : make(call, () => call.evaluator.builder.cast(node, "f32"));
}

export function numberOf(call: IntrinsicCall, name: string, otherwise?: number): number {
  const value = optionalValue(call, name);
  if (value === undefined && otherwise !== undefined) return otherwise;
  if (value?.kind === "number") return value.value;
  return wrong(call, name, "a number", value ?? { kind: "none" });
}

export function wholeOf(call: IntrinsicCall, name: string, otherwise?: number): number {
  const value = numberOf(call, name, otherwise);
  if (Number.isInteger(value)) return value;
  return wrong(call, name, "a whole number", { kind: "number", value, isWhole: false });
}

export function boolOf(call: IntrinsicCall, name: string, otherwise: boolean): boolean {
  const value = optionalValue(call, name);
  if (value === undefined) return otherwise;
  return value.kind === "bool" ? value.value : wrong(call, name, "true or false", value);
}

export function wordOf(
  call: IntrinsicCall,
  name: string,
  options: readonly string[],
  otherwise: string,
): string {
  const given = call.arguments.get(name);
  if (given?.expression === undefined) return otherwise;
  const value = expectWord(call.evaluator, given.expression, options, given.scope);
  if (value.kind === "choice") return value.word;
  throw new EndOfCall(poison);
}

/** Whole numbers for each of `count` axes; one number stands for all. */
export function countsOf(
  call: IntrinsicCall,
  name: string,
  count: number,
  otherwise: readonly number[],
): readonly number[] {
  const value = optionalValue(call, name);
  if (value === undefined) return otherwise;
  const elements = elementsOf(value) ?? [value];
  const numbers = elements.map((each) =>
    each.kind === "number" && Number.isInteger(each.value)
      ? each.value
      : wrong(call, name, "whole numbers", value),
  );
  if (numbers.length === count) return numbers;
  if (numbers.length === 1) return Array.from({ length: count }, () => numbers[0]!);
  return wrong(call, name, `${count} numbers, one for each axis`, value);
}

/** Places in `x` of the axes that an argument names; undefined where it was left out. */
export function optionalPlaces(
  call: IntrinsicCall,
  name: string,
  x: TensorValue,
): readonly number[] | undefined {
  const given = call.arguments.get(name);
  if (given === undefined) return undefined;
  const value =
    given.expression === undefined
      ? read(call, given)
      : evaluateAxes(call.evaluator, given.expression, given.scope);
  if (value.kind === "none") return undefined;
  return placesOfAxes(call, value, x, given);
}

export function placesOf(call: IntrinsicCall, name: string, x: TensorValue): readonly number[] {
  return (
    optionalPlaces(call, name, x) ?? wrong(call, name, "the name of an axis", { kind: "none" })
  );
}

export function placeOf(call: IntrinsicCall, name: string, x: TensorValue): number {
  const places = placesOf(call, name, x);
  if (places.length === 1) return places[0]!;
  return wrong(call, name, "one axis", { kind: "tuple", elements: [] });
}

function placesOfAxes(
  call: IntrinsicCall,
  value: Value,
  x: TensorValue,
  given: IntrinsicArgument,
): readonly number[] {
  if (value.kind === "tuple") {
    return value.elements.flatMap((each) => placesOfAxes(call, each, x, given));
  }
  if (value.kind !== "axis")
    throw new EndOfCall(value.kind === "poison" ? poison : badAxis(call, value, given));
  const place = axisOf(x.axes, value.role);
  if (place !== -1) return [place];
  const name = call.scope.roles.nameOf(value.role);
  throw new EndOfCall(
    call.evaluator.fail(errors.noSuchAxis(name, x, call.scope.roles, given.at), call.scope),
  );
}

function badAxis(call: IntrinsicCall, value: Value, given: IntrinsicArgument): Value {
  const found = describeValue(value, call.scope.roles);
  return call.evaluator.fail(errors.needsAxis(found, given.at), call.scope);
}

/** The axes that brackets make: `[classes = 10]`. */
export function shapeOf(call: IntrinsicCall, name: string, count?: number): readonly Axis[] {
  const given = call.arguments.get(name)!;
  const { expression } = given;
  const shape =
    expression?.kind === "list"
      ? shapeOfList(expression)
      : expression?.kind === "shape"
        ? expression
        : undefined;
  if (shape === undefined) {
    return wrong(call, name, "a shape such as `[classes = 10]`", given.value ?? read(call, given));
  }
  const axes = axesOfShape(call.evaluator, shape, given.scope, `\`${call.name}\``);
  if (axes === undefined) throw new EndOfCall(poison);
  if (count === undefined || axes.length === count) return axes;
  return wrong(call, name, count === 1 ? "a shape of one axis" : `a shape of ${count} axes`, {
    kind: "shape",
    axes,
  });
}

/** Runs builder calls at the place of the call. */
export function make<T>(call: IntrinsicCall, build: () => T): T {
  const made = call.evaluator.guarded(call.scope, call.at, build);
  if (made === undefined) throw new EndOfCall(poison);
  return made;
}
