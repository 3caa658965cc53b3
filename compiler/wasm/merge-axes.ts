// Axes of a kernel -> fewer axes: two neighbours become one wherever that needs no new division.
// A chain of elementwise work on a dense array becomes one long loop, whatever its shape.
import { AxisSubstitution, dataOf, indicesOf, partsOf } from "../kernels/expression.ts";
import type { Axis, Expression, Store } from "../kernels/kernel.ts";
import { axisIndex, constantIndex, divide, modulo } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";

/** What a kernel computes, as far as its axes matter. */
export interface AxisUse {
  readonly expressions: readonly Expression[];
  readonly indices: readonly Index[];
}

/**
 * Replacements for the axes of `groups` (each a list of neighbours, outermost first) and the axes that are left.
 * Axes of extent 1 vanish. New axes are numbered from `firstFree`.
 */
export function mergeAxes(
  groups: readonly (readonly Axis[])[],
  use: AxisUse,
  firstFree: number,
): { readonly groups: Axis[][]; readonly substitution: AxisSubstitution } {
  const replacements = new Map<number, Index>();
  let free = firstFree;
  const result = groups.map((group) => {
    for (const axis of group) if (axis.extent === 1) replacements.set(axis.id, constantIndex(0));
    return group.filter((axis) => axis.extent > 1);
  });
  let current = substituteUse(use, substitutionOf(replacements));
  for (const [number, group] of result.entries())
    for (let at = group.length - 2; at >= 0; at--) {
      const [outer, inner] = [group[at]!, group[at + 1]!];
      const merged: Axis = { id: free, extent: outer.extent * inner.extent };
      const whole = axisIndex(merged.id, merged.extent);
      const step = new Map<number, Index>([
        [outer.id, divide(whole, inner.extent)],
        [inner.id, modulo(whole, inner.extent)],
      ]);
      const next = substituteUse(current, substitutionOf(step));
      if (divisions(next) > divisions(current)) continue;
      free++;
      current = next;
      for (const [axis, index] of replacements)
        replacements.set(axis, substitutionOf(step).index(index));
      for (const [axis, index] of step) replacements.set(axis, index);
      result[number] = [...group.slice(0, at), merged, ...group.slice(at + 2)];
      group.splice(at, 2, merged);
    }
  return { groups: result, substitution: substitutionOf(replacements) };
}

/** One axis in place of several: positions become quotients and remainders of it. */
export function flattenAxes(
  axes: readonly Axis[],
  id: number,
): { axis: Axis; replacements: Map<number, Index> } {
  const extent = axes.reduce((product, axis) => product * axis.extent, 1);
  const whole = axisIndex(id, extent);
  const replacements = new Map<number, Index>();
  let stride = extent;
  for (const [place, axis] of axes.entries()) {
    stride /= axis.extent;
    const quotient = divide(whole, stride);
    replacements.set(axis.id, place === 0 ? quotient : modulo(quotient, axis.extent));
  }
  return { axis: { id, extent }, replacements };
}

/** Axes that `replacements` does not name stay. */
export function substitutionOf(replacements: ReadonlyMap<number, Index>): AxisSubstitution {
  return new AxisSubstitution(
    (axis, extent) => replacements.get(axis) ?? { kind: "axis", axis, extent },
  );
}

export function substituteStore(substitution: AxisSubstitution, store: Store): Store {
  return {
    ...store,
    index: substitution.index(store.index),
    value: substitution.expression(store.value),
  };
}

function substituteUse(use: AxisUse, substitution: AxisSubstitution): AxisUse {
  return {
    expressions: use.expressions.map((expression) => substitution.expression(expression)),
    indices: use.indices.map((index) => substitution.index(index)),
  };
}

/** Quotients and remainders that the indices take. */
function divisions(use: AxisUse): number {
  const seen = new Set<Expression>();
  const inIndex = (index: Index): number => {
    switch (index.kind) {
      case "axis":
      case "constant":
        return 0;
      case "data":
        return dataOf(index).reduce((sum, data) => sum + inExpression(data), 0);
      case "add":
        return index.terms.reduce((sum, term) => sum + inIndex(term), 0);
      case "multiply":
        return inIndex(index.of);
      case "divide":
      case "modulo":
        return 1 + inIndex(index.of);
    }
  };
  const inExpression = (expression: Expression): number => {
    if (seen.has(expression)) return 0;
    seen.add(expression);
    const own = indicesOf(expression).reduce((sum, index) => sum + inIndex(index), 0);
    return partsOf(expression).reduce((sum, part) => sum + inExpression(part), own);
  };
  return (
    use.expressions.reduce((sum, expression) => sum + inExpression(expression), 0) +
    use.indices.reduce((sum, index) => sum + inIndex(index), 0)
  );
}
