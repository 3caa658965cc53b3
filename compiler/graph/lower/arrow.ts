// `[batch, (heads c)] -> [batch, heads, c]`: every reshape, transpose, split, merge and repetition. The left side
// meets the axes in order and takes them apart into atoms; the right side puts atoms together in a new order.
// A shape alone is a left side.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Arrow, Axis as ShapeAxis, AxisFactor, Shape } from "../../../grammar/syntax.ts";
import type { Node } from "../graph.ts";
import type { Axis, Role } from "./axis.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { pairByPlace, sizeFrom, textOf } from "./shape.ts";
import { poison, tensor, type TensorValue, type Value } from "./value.ts";

/** `|> [batch, tokens, width]`: states, checks and names what passes. */
export function stateShape(e: Evaluator, shape: Shape, value: TensorValue, scope: Scope): Value {
  const taken = takeApart(e, shape, value, scope);
  if (taken === undefined) return poison;
  const split = shape.axes.find((axis) => axis.kind === "axis-group");
  if (split !== undefined) return e.fail(errors.groupWithoutArrow(e.at(split.span, scope)), scope);
  return { ...value, axes: taken.atoms };
}

export function applyArrow(e: Evaluator, arrow: Arrow, value: TensorValue, scope: Scope): Value {
  const at = e.at(arrow.span, scope);
  const taken = takeApart(e, arrow.from, value, scope);
  if (taken === undefined) return poison;
  const { atoms, rest } = taken;
  const split = e.guarded(scope, at, () =>
    e.builder.reshape(
      value.node,
      atoms.map((atom) => atom.size),
    ),
  );
  if (split === undefined) return poison;
  const count = arrow.count?.value;
  if (count === undefined) return putTogether(e, arrow, split, { atoms, rest }, scope, at);
  const place = atoms.findIndex((atom) => atom.role === undefined && atom.size === count);
  if (place === -1) return e.fail(errors.noPlainFactor(count, at), scope);
  const others = atoms.filter((_, i) => i !== place);
  const elements: Value[] = [];
  for (let i = 0; i < count; i++) {
    const part = e.guarded(scope, at, () =>
      e.builder.reshape(
        e.builder.sliceAxis(split, place, i, 1),
        others.map((atom) => atom.size),
      ),
    );
    if (part === undefined) return poison;
    const element = putTogether(e, arrow, part, { atoms: others, rest }, scope, at);
    if (element.kind === "poison") return poison;
    elements.push(element);
  }
  return { kind: "tuple", elements };
}

// ---------------------------------------------------------------------------------------------- the left side

interface Taken {
  readonly atoms: readonly Axis[];
  /** Those of them that `..` met. */
  readonly rest: readonly Axis[];
}

/** The axes of the value under the names of the shape, groups split. Undefined: reported. */
function takeApart(
  e: Evaluator,
  shape: Shape,
  value: TensorValue,
  scope: Scope,
): Taken | undefined {
  const pairs = pairByPlace(shape, value.axes);
  if (pairs === undefined) {
    const at = e.at(shape.span, scope);
    e.fail(errors.patternRank(textOf(shape, scope), value, scope.roles, at), scope);
    return undefined;
  }
  const atoms: Axis[] = [];
  const rest: Axis[] = [];
  for (const pair of pairs) {
    if (pair.kind === "rest") {
      atoms.push(...pair.axes);
      rest.push(...pair.axes);
    } else {
      const met = meet(e, pair.item, pair.axis, value, scope);
      if (met === undefined) return undefined;
      atoms.push(...met);
    }
  }
  return checkDistinct(e, atoms, shape, scope) ? { atoms, rest } : undefined;
}

function checkDistinct(e: Evaluator, atoms: readonly Axis[], shape: Shape, scope: Scope): boolean {
  const seen = new Set<Role>();
  for (const atom of atoms) {
    if (atom.role === undefined) continue;
    if (seen.has(atom.role)) {
      e.fail(errors.axisTwice(scope.roles.nameOf(atom.role), e.at(shape.span, scope)), scope);
      return false;
    }
    seen.add(atom.role);
  }
  return true;
}

function meet(
  e: Evaluator,
  item: ShapeAxis,
  axis: Axis,
  value: TensorValue,
  scope: Scope,
): readonly Axis[] | undefined {
  const at = e.at(item.span, scope);
  switch (item.kind) {
    case "axis-name": {
      const size =
        item.size && item.size.kind !== "wildcard" ? sizeFrom(e, item.size, scope) : undefined;
      if (item.size && item.size.kind !== "wildcard" && size === undefined) return undefined;
      const named = nameAxis(e, item.name.text, size, axis, value, scope, at);
      return named && [named];
    }
    case "axis-size": {
      const size = sizeFrom(e, item.size, scope);
      if (size === undefined) return undefined;
      if (size === axis.size) return [{ ...axis, role: undefined }];
      e.fail(errors.patternSize("this axis", size, axis, scope.roles, at), scope);
      return undefined;
    }
    case "axis-group":
      return splitAxis(e, item.factors, axis, value, scope, at);
    default:
      e.fail(errors.renameOnTheLeft(at), scope);
      return undefined;
  }
}

/** A name that the value has must stand in its place; a new one names the axis and must fit the size it is known by. */
function nameAxis(
  e: Evaluator,
  name: string,
  given: number | undefined,
  axis: Axis,
  value: TensorValue,
  scope: Scope,
  at: FileSpan,
): Axis | undefined {
  const role = roleOfName(name, scope);
  if (axis.role !== role && value.axes.some((each) => each.role === role)) {
    e.fail(errors.wrongPlace(name, value, scope.roles, at), scope);
    return undefined;
  }
  const wanted = given ?? (axis.role === role ? undefined : scope.sizeOf(name));
  if (wanted !== undefined && wanted !== axis.size) {
    e.fail(errors.patternSize(`\`${name}\``, wanted, axis, scope.roles, at), scope);
    return undefined;
  }
  scope.bindSize(name, axis.size);
  return { ...axis, role };
}

function roleOfName(name: string, scope: Scope): Role {
  const value = scope.get(name);
  return value?.kind === "axis" ? value.role : scope.roles.intern(name);
}

/** `(heads c)`: each part has a known size or says it, one may be left to divide out. */
function splitAxis(
  e: Evaluator,
  factors: readonly AxisFactor[],
  axis: Axis,
  value: TensorValue,
  scope: Scope,
  at: FileSpan,
): readonly Axis[] | undefined {
  const sizes: (number | undefined)[] = [];
  for (const factor of factors) {
    const size =
      factor.size !== undefined
        ? sizeFrom(e, factor.size, scope)
        : factor.name && scope.sizeOf(factor.name.text);
    if (factor.size !== undefined && size === undefined) return undefined;
    sizes.push(size);
  }
  const known = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  const open = sizes.filter((size) => size === undefined).length;
  const names = factors.map((factor) => factor.name?.text ?? "");
  if (open > 1) {
    e.fail(
      errors.splitOpen(
        names.filter((_, i) => sizes[i] === undefined),
        at,
      ),
      scope,
    );
    return undefined;
  }
  if (axis.size % known !== 0 || (open === 0 && known !== axis.size)) {
    e.fail(errors.splitSize(names, sizes, axis, scope.roles, at), scope);
    return undefined;
  }
  const parts: Axis[] = [];
  for (const [i, factor] of factors.entries()) {
    const size = sizes[i] ?? axis.size / known;
    if (factor.name !== undefined) scope.bindSize(factor.name.text, size);
    const role = factor.name && roleOfName(factor.name.text, scope);
    if (role !== undefined && role !== axis.role && value.axes.some((each) => each.role === role)) {
      e.fail(errors.wrongPlace(factor.name!.text, value, scope.roles, at), scope);
      return undefined;
    }
    parts.push({ role, size, origin: { by: "the split", at } });
  }
  return parts;
}

// ---------------------------------------------------------------------------------------------- the right side

/** One axis of the result: the atoms that it is merged of (several, or none for a size of 1). */
interface Target {
  readonly atoms: readonly Axis[];
  readonly axis: Axis;
}

function putTogether(
  e: Evaluator,
  arrow: Arrow,
  node: Node,
  { atoms, rest }: Taken,
  scope: Scope,
  at: FileSpan,
): Value {
  const targets = targetsOf(e, arrow, atoms, rest, scope);
  if (targets === undefined) return poison;
  const wanted = targets.flatMap((target) => target.atoms);
  const kept = wanted.filter((atom) => atoms.includes(atom));
  const lost = atoms.find((atom) => !kept.includes(atom) && atom.size !== 1);
  if (lost !== undefined) {
    return e.fail(errors.axisLost(lost, scope.roles, e.at(arrow.to.span, scope)), scope);
  }
  const result = e.guarded(scope, at, () => {
    const present = e.builder.reshape(
      node,
      atoms.filter((atom) => kept.includes(atom)).map((atom) => atom.size),
    );
    const order = kept.map((atom) => atoms.filter((each) => kept.includes(each)).indexOf(atom));
    const moved = e.builder.permute(present, order);
    const places = kept.map((atom) => wanted.indexOf(atom));
    const full = e.builder.broadcast(
      moved,
      wanted.map((atom) => atom.size),
      places,
    );
    return e.builder.reshape(
      full,
      targets.map((target) => target.axis.size),
    );
  });
  if (result === undefined) return poison;
  const axes = targets.map((target) => target.axis);
  return checkDistinct(e, axes, arrow.to, scope) ? tensor(result, axes) : poison;
}

function targetsOf(
  e: Evaluator,
  arrow: Arrow,
  atoms: readonly Axis[],
  rest: readonly Axis[],
  scope: Scope,
): Target[] | undefined {
  const targets: Target[] = [];
  for (const item of arrow.to.axes) {
    if (item.kind === "axis-rest") {
      targets.push(...rest.map((atom) => ({ atoms: [atom], axis: atom })));
      continue;
    }
    const target = targetOf(e, item, atoms, scope);
    if (target === undefined) return undefined;
    targets.push(target);
  }
  return targets;
}

function targetOf(
  e: Evaluator,
  item: ShapeAxis,
  atoms: readonly Axis[],
  scope: Scope,
): Target | undefined {
  const at = e.at(item.span, scope);
  switch (item.kind) {
    case "axis-name": {
      const atom = atomOf(e, item.name.text, item.size, atoms, scope, at);
      return atom && { atoms: [atom], axis: atom };
    }
    case "axis-renamed": {
      const role = roleOfName(item.from.text, scope);
      const atom = atoms.find((each) => each.role === role);
      if (atom !== undefined) {
        return { atoms: [atom], axis: { ...atom, role: roleOfName(item.to.text, scope) } };
      }
      e.fail(errors.noSuchAtom(item.from.text, atoms, scope.roles, at), scope);
      return undefined;
    }
    case "axis-size": {
      const size = sizeFrom(e, item.size, scope);
      if (size === undefined) return undefined;
      const fresh: Axis = { role: undefined, size };
      return { atoms: [fresh], axis: fresh };
    }
    case "axis-group":
      return mergedAxis(
        e,
        item.factors,
        item.as && roleOfName(item.as.text, scope),
        atoms,
        scope,
        at,
      );
    case "axis-rest":
      return undefined;
  }
}

/** An atom of the left side by its name, or a new axis to repeat along. */
function atomOf(
  e: Evaluator,
  name: string,
  given: AxisFactor["size"],
  atoms: readonly Axis[],
  scope: Scope,
  at: FileSpan,
): Axis | undefined {
  const role = roleOfName(name, scope);
  const atom = atoms.find((each) => each.role === role);
  const size = given === undefined ? undefined : sizeFrom(e, given, scope);
  if (given !== undefined && size === undefined) return undefined;
  if (atom !== undefined) {
    if (size === undefined || size === atom.size) return atom;
    e.fail(errors.patternSize(`\`${name}\``, size, atom, scope.roles, at), scope);
    return undefined;
  }
  const known = size ?? scope.sizeOf(name);
  if (known !== undefined) return { role, size: known, origin: { by: "repeated", at } };
  e.fail(errors.noSuchAtom(name, atoms, scope.roles, at), scope);
  return undefined;
}

function mergedAxis(
  e: Evaluator,
  factors: readonly AxisFactor[],
  role: Role | undefined,
  atoms: readonly Axis[],
  scope: Scope,
  at: FileSpan,
): Target | undefined {
  const parts: Axis[] = [];
  for (const factor of factors) {
    const size =
      factor.name === undefined && factor.size ? sizeFrom(e, factor.size, scope) : undefined;
    const part =
      factor.name === undefined
        ? size === undefined ? undefined : { role: undefined, size }
        : atomOf(e, factor.name.text, factor.size, atoms, scope, at); // prettier-ignore
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const size = parts.reduce((product, part) => product * part.size, 1);
  const derivation = parts.map((part) => part.size).join(" * ");
  return { atoms: parts, axis: { role, size, origin: { by: "the arrow", at, derivation } } };
}
