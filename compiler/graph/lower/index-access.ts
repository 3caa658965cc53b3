// `depths[s]`, `depths[..s]` on lists; `x[tokens = 1..]`, `k[tokens as keys]` on tensors.
import type { IndexExpression, RenameIndex, SliceIndex } from "../../../grammar/syntax.ts";
import { axisOf, type Axis } from "./axis.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, poison, type TensorValue, type Value } from "./value.ts";

export function evaluateIndex(e: Evaluator, expression: IndexExpression, scope: Scope): Value {
  const target = e.evaluate(expression.target, scope);
  if (target.kind === "poison" || target.kind === "absent") return target;
  const at = e.at(expression.span, scope);
  if (elementsOf(target) !== undefined) return indexList(e, expression, target, scope);
  if (target.kind !== "tensor") {
    return e.fail(errors.notIndexable(describeValue(target, scope.roles), at), scope);
  }
  let value: TensorValue = target;
  const renames: RenameIndex[] = [];
  for (const index of expression.indices) {
    if (index.kind === "index-position") {
      return e.fail(errors.indexWithoutAxis(e.at(index.span, scope)), scope);
    }
    if (index.kind === "index-rename") renames.push(index);
    else {
      const sliced = slice(e, value, index, scope);
      if (sliced === undefined) return poison;
      value = sliced;
    }
  }
  return rename(e, value, renames, scope);
}

function indexList(e: Evaluator, expression: IndexExpression, target: Value, scope: Scope): Value {
  const elements = elementsOf(target)!;
  const [index] = expression.indices;
  const at = e.at(expression.span, scope);
  if (expression.indices.length !== 1 || index?.kind !== "index-position") {
    return e.fail(errors.listIndex(at), scope);
  }
  const value = e.evaluate(index.value, scope);
  if (value.kind === "poison") return poison;
  if (value.kind === "number") {
    const place = value.value < 0 ? elements.length + value.value : value.value;
    return (
      elements[place] ?? e.fail(errors.noElement(String(value.value), elements.length, at), scope)
    );
  }
  if (value.kind !== "range") return e.fail(errors.listIndex(at), scope);
  const from = endOf(value.from, 0, elements.length);
  const to = endOf(value.to, elements.length, elements.length);
  if (from === undefined || to === undefined) return e.fail(errors.listIndex(at), scope);
  return { kind: "list", elements: elements.slice(from, to) };
}

/** An end of a range as a place; below zero counts from the back. Undefined: not a whole number. */
function endOf(end: Value | undefined, open: number, size: number): number | undefined {
  if (end === undefined) return open;
  if (end.kind !== "number" || !Number.isInteger(end.value)) return undefined;
  return end.value < 0 ? size + end.value : end.value;
}

/** Finds the axis that a name means in this value. Undefined: reported. */
function placeOf(
  e: Evaluator,
  value: TensorValue,
  name: string,
  index: SliceIndex | RenameIndex,
  scope: Scope,
): number | undefined {
  const setting = scope.get(name);
  const role = setting?.kind === "axis" ? setting.role : scope.roles.get(name);
  const place = role === undefined ? -1 : axisOf(value.axes, role);
  if (place !== -1) return place;
  e.fail(errors.noSuchAxis(name, value, scope.roles, e.at(index.span, scope)), scope);
  return undefined;
}

function slice(
  e: Evaluator,
  value: TensorValue,
  index: SliceIndex,
  scope: Scope,
): TensorValue | undefined {
  const place = placeOf(e, value, index.axis.text, index, scope);
  if (place === undefined) return undefined;
  const range = e.evaluate(index.range, scope);
  if (range.kind === "poison") return undefined;
  const at = e.at(index.span, scope);
  const axis = value.axes[place]!;
  const from = range.kind === "range" ? endOf(range.from, 0, axis.size) : undefined;
  const to = range.kind === "range" ? endOf(range.to, axis.size, axis.size) : undefined;
  if (from === undefined || to === undefined) {
    e.fail(errors.notASlice(describeValue(range, scope.roles), index.axis.text, at), scope);
    return undefined;
  }
  if (from < 0 || to > axis.size || from >= to) {
    e.fail(errors.sliceOutside(from, to, axis, scope.roles, at), scope);
    return undefined;
  }
  const node = e.guarded(scope, at, () => e.builder.sliceAxis(value.node, place, from, to - from));
  if (node === undefined) return undefined;
  const before = axis.origin?.derivation ?? String(axis.size);
  const origin = { by: "the slice", at, derivation: `${before} - ${axis.size - (to - from)}` };
  const axes = value.axes.map((each, i): Axis =>
    i === place ? { ...each, size: to - from, origin } : each,
  );
  return { kind: "tensor", node, axes };
}

/** All renames at once, so that two names may change places. */
function rename(
  e: Evaluator,
  value: TensorValue,
  renames: readonly RenameIndex[],
  scope: Scope,
): Value {
  const axes = [...value.axes];
  for (const index of renames) {
    const place = placeOf(e, value, index.from.text, index, scope);
    if (place === undefined) return poison;
    axes[place] = { ...axes[place]!, role: scope.roles.intern(index.to.text) };
  }
  for (const [i, axis] of axes.entries()) {
    if (axis.role === undefined || axisOf(axes, axis.role) === i) continue;
    const index =
      renames.find((each) => scope.roles.get(each.to.text) === axis.role) ?? renames[0]!;
    return e.fail(errors.axisTwice(scope.roles.nameOf(axis.role), e.at(index.span, scope)), scope);
  }
  return { ...value, axes };
}
