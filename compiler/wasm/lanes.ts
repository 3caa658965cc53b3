// How an index changes over the four lanes of a vector along one axis whose position is a multiple of four.
// A known stride makes one vector load (or four loads at fixed distances) of it; else each lane is worked out alone.
import type { Index } from "../ops/index-expression.ts";
import type { FactTable } from "./expression-facts.ts";

/** factor * of, where `of` is an axis, a quotient, a remainder or data. */
export interface Term {
  readonly factor: number;
  readonly of: Index;
}

/** constant + sum of terms. */
export interface Form {
  readonly constant: number;
  readonly terms: readonly Term[];
}

export function formOf(index: Index, factor = 1): Form {
  switch (index.kind) {
    case "constant":
      return { constant: index.value * factor, terms: [] };
    case "multiply":
      return formOf(index.of, factor * index.by);
    case "add": {
      const parts = index.terms.map((term) => formOf(term, factor));
      return {
        constant: parts.reduce((sum, part) => sum + part.constant, 0),
        terms: parts.flatMap((part) => part.terms),
      };
    }
    case "axis":
    case "divide":
    case "modulo":
    case "data":
      return { constant: 0, terms: [{ factor, of: index }] };
  }
}

/** Whether the index is a multiple of 4 at lane 0, as far as can be told. */
function isAligned(index: Index, axis: number): boolean {
  const { constant, terms } = formOf(index);
  return (
    constant % 4 === 0 &&
    terms.every(({ factor, of }) => {
      if (factor % 4 === 0) return true;
      if (of.kind === "axis") return of.axis === axis;
      if (of.kind === "modulo") return of.by % 4 === 0 && isAligned(of.of, axis);
      return false;
    })
  );
}

/** Difference from lane to lane along `axis`, or undefined where it is not the same everywhere. */
export function laneStride(index: Index, axis: number, facts: FactTable): number | undefined {
  if (!facts.ofIndex(index).axes.has(axis)) return 0;
  switch (index.kind) {
    case "constant":
      return 0;
    case "axis":
      return 1;
    case "data":
      return undefined;
    case "multiply": {
      const stride = laneStride(index.of, axis, facts);
      return stride === undefined ? undefined : stride * index.by;
    }
    case "add": {
      let sum = 0;
      for (const term of index.terms) {
        const stride = laneStride(term, axis, facts);
        if (stride === undefined) return undefined;
        sum += stride;
      }
      return sum;
    }
    case "divide":
      return staysWithin(index.of, index.by, axis, facts) ? 0 : undefined;
    case "modulo":
      return staysWithin(index.of, index.by, axis, facts) ? 1 : undefined;
  }
}

/** Lanes 0..3 step by one and do not cross a multiple of `by`. */
function staysWithin(of: Index, by: number, axis: number, facts: FactTable): boolean {
  return by % 4 === 0 && laneStride(of, axis, facts) === 1 && isAligned(of, axis);
}

/** Whether `low <= index < high` holds for all four lanes or for none. */
export function isUniformCondition(
  condition: { readonly index: Index; readonly low: number; readonly high: number },
  axis: number,
  facts: FactTable,
): boolean {
  const stride = laneStride(condition.index, axis, facts);
  if (stride === 0) return true;
  const areBoundsAligned = condition.low % 4 === 0 && condition.high % 4 === 0;
  return stride === 1 && areBoundsAligned && isAligned(condition.index, axis);
}
