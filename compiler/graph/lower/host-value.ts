// Numbers of the step: what a number is as an expression that the host computes, and which of them are conditions.
import { hostNumber } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { bool, real, type Value } from "./value.ts";

export function host(expression: HostExpression): Value {
  return expression.kind === "number" ? real(expression.value) : { kind: "host", expression };
}

/** A number as an expression of the step; undefined for what is none. */
export function hostOf(value: Value): HostExpression | undefined {
  if (value.kind === "host") return value.expression;
  return value.kind === "number" ? hostNumber(value.value) : undefined;
}

/** A condition as a value: known, or one that each step decides. */
export function hostTruth(expression: HostExpression): Value {
  return expression.kind === "number" ? bool(expression.value !== 0) : { kind: "host", expression };
}

/** Whether an expression is 1 or 0 at every step, and so a condition: `step < 100`. */
export function isTruth(expression: HostExpression): boolean {
  if (expression.kind !== "apply") return false;
  const [first, second] = expression.arguments;
  switch (expression.operation) {
    case "less":
    case "less_equal":
    case "equal":
      return true;
    case "subtract": // `not`
      return first!.kind === "number" && first!.value === 1 && isTruth(second!);
    case "multiply": // `and`
    case "maximum": // `or`
      return expression.arguments.every(isTruth);
    default:
      return false;
  }
}
