// Rough work of expressions, in cycles of a vector of four: what decides the vector axis, unrolling,
// and whether a kernel is worth a second thread.
import { indicesOf, partsOf } from "../kernels/expression.ts";
import type { Expression } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import type { ScalarInstruction } from "../ops/op.ts";
import type { FactTable } from "./expression-facts.ts";
import { isUniformCondition, laneStride } from "./lanes.ts";

/** Below this a second thread costs more than it brings: a meeting of threads that are awake takes about 1 us. */
export const parallelFromNanoseconds = 15_000;
/** Measured on Zen 3: several instructions go by in a cycle. */
export const nanosecondsPerCycle = 0.15;
export const nanosecondsPerMultiplyAdd = 0.022;
/** In attention, exponentials and packing included. */
export const nanosecondsPerAttentionMultiplyAdd = 0.05;

const heavy: { readonly [instruction in ScalarInstruction]?: number } = {
  exp: 16,
  log: 22,
  log1p: 40,
  expm1: 30,
  sigmoid: 24,
  tanh: 32,
  erf: 40,
  sin: 24,
  cos: 24,
  power: 90,
  atan2: 40,
  divide: 5,
  sqrt: 5,
  rsqrt: 10,
  reciprocal: 5,
  modulo: 8,
};

/** Access to `index` with four lanes along `axis`. */
export function accessCost(index: Index, axis: number, facts: FactTable): number {
  const stride = laneStride(index, axis, facts);
  if (stride === 0 || stride === 1) return 1;
  return stride === undefined ? 12 : 5;
}

/** Of one evaluation with four lanes along `axis` (-1: one lane). */
export function expressionCost(
  expression: Expression,
  axis: number,
  facts: FactTable,
  seen: Set<Expression> = new Set(),
): number {
  if (seen.has(expression)) return 0;
  seen.add(expression);
  const parts = partsOf(expression).reduce(
    (sum, part) => sum + expressionCost(part, axis, facts, seen),
    0,
  );
  return parts + ownCost(expression, axis, facts);
}

function ownCost(expression: Expression, axis: number, facts: FactTable): number {
  switch (expression.kind) {
    case "load":
    case "position":
      return accessCost(expression.index, axis, facts);
    case "apply":
      return heavy[expression.instruction] ?? 1;
    case "guard": {
      const isUniform = expression.conditions.every((condition) =>
        isUniformCondition(condition, axis, facts),
      );
      return (isUniform ? 2 : 14) * indicesOf(expression).length;
    }
    case "random":
      return 80;
    case "constant":
    case "reduced":
    case "accumulator":
      return 0;
  }
}

/** How much of a vector's work is lost when `extent` is no multiple of four. */
export function vectorWaste(extent: number): number {
  return (Math.floor(extent / 4) + (extent % 4)) / (extent / 4);
}
