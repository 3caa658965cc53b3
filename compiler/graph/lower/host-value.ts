// Numbers of the step: what a number is as an expression that the host computes.
import { hostNumber } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { real, type Value } from "./value.ts";

export function host(expression: HostExpression): Value {
  return expression.kind === "number" ? real(expression.value) : { kind: "host", expression };
}

/** A number as an expression of the step; undefined for what is none. */
export function hostOf(value: Value): HostExpression | undefined {
  if (value.kind === "host") return value.expression;
  return value.kind === "number" ? hostNumber(value.value) : undefined;
}
