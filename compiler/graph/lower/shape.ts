// Shapes in declarations: the axes that a `param`, a `draw` or a function like `one_hot` makes, and the patterns of
// inputs and results, which meet a value's axes by place.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Axis as ShapeAxis, Expression, Shape } from "../../../grammar/syntax.ts";
import type { Axis, Role, SizeOrigin } from "./axis.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, type TensorValue } from "./value.ts";

/** The axes that a shape makes: each size is known, or given. Undefined: reported. */
export function axesOfShape(
  e: Evaluator,
  shape: Shape,
  scope: Scope,
  by = "declared",
): Axis[] | undefined {
  const axes: Axis[] = [];
  for (const item of shape.axes) {
    const made = axesOfItem(e, item, scope, { by, at: e.at(item.span, scope) });
    if (made === undefined) return undefined;
    axes.push(...made);
  }
  return axes;
}

function axesOfItem(
  e: Evaluator,
  item: ShapeAxis,
  scope: Scope,
  origin: SizeOrigin,
): readonly Axis[] | undefined {
  const at = e.at(item.span, scope);
  if (item.kind === "axis-size") return unnamedAxes(e, item.size, scope, origin);
  if (item.kind === "axis-rest" && scope.rest !== undefined) return scope.rest;
  if (item.kind !== "axis-name") {
    e.fail(errors.notADeclaredAxis(at), scope);
    return undefined;
  }
  const { name, size } = item;
  const value = scope.get(name.text);
  if (size === undefined && value !== undefined && elementsOf(value) !== undefined) {
    return unnamedAxes(e, { kind: "name", name: name.text, span: name.span }, scope, origin);
  }
  const role = value?.kind === "axis" ? value.role : scope.roles.intern(name.text);
  if (size === undefined) {
    const known = scope.sizeOf(name.text);
    if (known === undefined) {
      if (value?.kind !== "poison" && !scope.broken)
        e.fail(errors.sizeUnknown(name.text, at), scope);
      return undefined;
    }
    if (!checkSize(e, known, at, scope)) return undefined;
    return [{ role, size: known, origin }];
  }
  const given = sizeFrom(e, size, scope);
  if (given === undefined) return undefined;
  scope.bindSize(name.text, given);
  return [{ role, size: given, origin: { ...origin, derivation: derivationOf(size, scope) } }];
}

/** A bare size is an axis without a name; a list stands for as many. */
function unnamedAxes(
  e: Evaluator,
  expression: Expression,
  scope: Scope,
  origin: SizeOrigin,
): readonly Axis[] | undefined {
  const value = e.evaluate(expression, scope);
  const at = e.at(expression.span, scope);
  const sizes: number[] = [];
  for (const each of elementsOf(value) ?? [value]) {
    if (each.kind === "poison") return undefined;
    if (each.kind !== "number") {
      e.fail(errors.notASize(each, scope.roles, at), scope);
      return undefined;
    }
    if (!checkSize(e, each.value, at, scope)) return undefined;
    sizes.push(each.value);
  }
  return sizes.map((size) => ({ role: undefined, size, origin }));
}

/** A size written in a shape. Undefined: reported. */
export function sizeFrom(e: Evaluator, expression: Expression, scope: Scope): number | undefined {
  const value = e.evaluate(expression, scope);
  if (value.kind === "poison" || value.kind === "absent") return undefined;
  const at = e.at(expression.span, scope);
  if (value.kind !== "number") {
    e.fail(errors.notASize(value, scope.roles, at), scope);
    return undefined;
  }
  return checkSize(e, value.value, at, scope) ? value.value : undefined;
}

function checkSize(e: Evaluator, size: number, at: FileSpan, scope: Scope): boolean {
  if (Number.isInteger(size) && size >= 1) return true;
  e.fail(errors.badSize(size, at), scope);
  return false;
}

/** The text of a size that was computed, for messages: `grid ^ 2 + extra`. */
function derivationOf(size: Expression, scope: Scope): string | undefined {
  if (size.kind === "number" || size.kind === "name") return undefined;
  return scope.file.syntax.text.slice(size.span.start, size.span.end).replace(/\s+/g, " ");
}

// ---------------------------------------------------------------------------------------------- patterns

/** What a pattern meets, one by one: `rest` takes any number of axes. */
export type Pairing =
  | { readonly kind: "one"; readonly item: ShapeAxis; readonly axis: Axis; readonly place: number }
  | { readonly kind: "rest"; readonly axes: readonly Axis[]; readonly place: number };

/** Pairs a shape with axes by place. Undefined where their numbers differ (the caller reports). */
export function pairByPlace(shape: Shape, axes: readonly Axis[]): Pairing[] | undefined {
  const rest = shape.axes.findIndex((item) => item.kind === "axis-rest");
  const taken = axes.length - (shape.axes.length - 1);
  if (rest === -1 ? axes.length !== shape.axes.length : taken < 0) return undefined;
  const pairs: Pairing[] = [];
  let place = 0;
  for (const item of shape.axes) {
    if (item.kind === "axis-rest") {
      pairs.push({ kind: "rest", axes: axes.slice(place, place + taken), place });
      place += taken;
    } else {
      pairs.push({ kind: "one", item, axis: axes[place]!, place });
      place++;
    }
  }
  return pairs;
}

/**
 * A value given to an input: its axes take the names of the pattern, by place. A name binds at first sight (to the
 * caller's axis and its size) and must agree ever after.
 */
export function matchInput(
  e: Evaluator,
  name: string,
  shape: Shape,
  value: TensorValue,
  scope: Scope,
  use: { readonly scope: Scope; readonly at: FileSpan; readonly callee: string },
): TensorValue | undefined {
  const pairs = pairByPlace(shape, value.axes);
  const declared = e.at(shape.span, scope);
  if (pairs === undefined) {
    const wanted = textOf(shape, scope);
    e.fail(
      errors.inputRank(use.callee, name, wanted, value, use.scope.roles, use.at, declared),
      use.scope,
    );
    return undefined;
  }
  const axes: Axis[] = [];
  for (const pair of pairs) {
    if (pair.kind === "rest") {
      scope.bindRest(pair.axes);
      axes.push(...pair.axes);
    } else {
      const axis = matchInputAxis(e, name, pair.item, pair.axis, scope, use);
      if (axis === undefined) return undefined;
      axes.push(axis);
    }
  }
  return { ...value, axes };
}

function matchInputAxis(
  e: Evaluator,
  input: string,
  item: ShapeAxis,
  axis: Axis,
  scope: Scope,
  use: { readonly scope: Scope; readonly at: FileSpan; readonly callee: string },
): Axis | undefined {
  const wrong = (name: string, wanted: number) => {
    const origin: SizeOrigin = { by: "declared", at: e.at(item.span, scope) };
    e.fail(errors.inputSize(use.callee, input, name, wanted, origin, axis, use.at), use.scope);
    return undefined;
  };
  if (item.kind === "axis-size") {
    const wanted = sizeFrom(e, item.size, scope);
    if (wanted === undefined) return undefined;
    return wanted === axis.size ? { ...axis, role: undefined } : wrong("that axis", wanted);
  }
  if (item.kind !== "axis-name") {
    e.fail(errors.notADeclaredAxis(e.at(item.span, scope)), scope);
    return undefined;
  }
  const name = item.name.text;
  const setting = scope.get(name);
  if (setting?.kind === "axis") {
    return setting.role === axis.role ? axis : wrong(name, axis.size);
  }
  const isFree = item.size?.kind === "wildcard";
  const wanted =
    item.size === undefined
      ? scope.sizeOf(name)
      : isFree
        ? undefined
        : sizeFrom(e, item.size, scope);
  if (item.size !== undefined && !isFree && wanted === undefined) return undefined;
  if (wanted !== undefined && wanted !== axis.size) return wrong(name, wanted);
  if (!isFree) scope.bindSize(name, axis.size);
  return { ...axis, role: boundRole(name, axis.role, scope) };
}

/** The role that a name has in this body: the first axis it met. */
function boundRole(name: string, met: Role | undefined, scope: Scope): Role {
  const known = scope.roles.get(name);
  if (known !== undefined) return known;
  return met === undefined ? scope.roles.intern(name) : scope.roles.bind(name, met);
}

export function textOf(shape: Shape, scope: Scope): string {
  return scope.file.syntax.text.slice(shape.span.start, shape.span.end).replace(/\s+/g, " ");
}

/**
 * What a body gives, in the words of the caller: a name of an input is the caller's axis, a new one names that axis
 * for the caller, and what hides behind `..` keeps the name that it has in the body.
 */
export function matchResult(
  e: Evaluator,
  shape: Shape,
  value: TensorValue,
  signature: Scope,
  caller: Scope,
  callee: string,
): TensorValue | undefined {
  const at = e.at(shape.span, signature);
  const pairs = pairByPlace(shape, value.axes);
  if (pairs === undefined) {
    e.fail(
      errors.resultRank(callee, textOf(shape, signature), value, signature.roles, at),
      signature,
    );
    return undefined;
  }
  const axes: Axis[] = [];
  for (const pair of pairs) {
    if (pair.kind === "rest") axes.push(...pair.axes.map((axis) => lent(axis, signature, caller)));
    else {
      const axis = matchResultAxis(e, pair.item, pair.axis, value, signature, caller, callee);
      if (axis === undefined) return undefined;
      axes.push(axis);
    }
  }
  const site = e.calls.at(-1);
  if (site !== undefined && signature.file.isStandard && !caller.file.isStandard) {
    axes.forEach((axis, i) => (axes[i] = seenFromOutside(axis, callee, site.at, signature)));
  }
  const twice = axes.find(
    (axis, i) => axes.findIndex((each) => each.role === axis.role) < i && axis.role,
  );
  if (twice !== undefined) {
    e.fail(errors.axisTwice(caller.roles.nameOf(twice.role!), at), signature);
    return undefined;
  }
  return { ...value, axes };
}

function matchResultAxis(
  e: Evaluator,
  item: ShapeAxis,
  axis: Axis,
  value: TensorValue,
  signature: Scope,
  caller: Scope,
  callee: string,
): Axis | undefined {
  const at = e.at(item.span, signature);
  if (item.kind === "axis-size") {
    const wanted = sizeFrom(e, item.size, signature);
    if (wanted === undefined) return undefined;
    if (wanted === axis.size) return { ...axis, role: undefined };
    e.fail(errors.resultSize(callee, "that axis", wanted, axis, at), signature);
    return undefined;
  }
  if (item.kind !== "axis-name") {
    e.fail(errors.notADeclaredAxis(at), signature);
    return undefined;
  }
  const name = item.name.text;
  const isFree = item.size?.kind === "wildcard";
  const wanted =
    item.size === undefined
      ? signature.sizeOf(name)
      : isFree
        ? undefined
        : sizeFrom(e, item.size, signature);
  if (item.size !== undefined && !isFree && wanted === undefined) return undefined;
  const setting = signature.get(name);
  const own = setting?.kind === "axis" ? setting.role : signature.roles.get(name);
  const elsewhere =
    own !== undefined && axis.role !== own && value.axes.some((each) => each.role === own);
  if (elsewhere) {
    e.fail(errors.resultOrder(callee, name, value, signature.roles, at), signature);
    return undefined;
  }
  if (wanted !== undefined && wanted !== axis.size) {
    e.fail(errors.resultSize(callee, name, wanted, axis, at), signature);
    return undefined;
  }
  const outside = own && signature.roles.outsideOf(own);
  return { ...axis, role: outside ?? caller.roles.intern(name) };
}

/** What a block of the standard library made is, for its user, made by the call. */
function seenFromOutside(axis: Axis, callee: string, at: FileSpan, signature: Scope): Axis {
  if (axis.origin?.at?.file !== signature.file.name) return axis;
  return { ...axis, origin: { by: `\`${callee}\``, at } };
}

/** An axis that leaves its body: one of the body's own gets the caller's role of that name. */
function lent(axis: Axis, signature: Scope, caller: Scope): Axis {
  if (axis.role === undefined) return axis;
  const outside = signature.roles.outsideOf(axis.role);
  return { ...axis, role: outside ?? caller.roles.intern(signature.roles.nameOf(axis.role)) };
}
