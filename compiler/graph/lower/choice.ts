// `when`, `if` and `match`: on settings only, decided while compiling.
import type { Expression, MatchExpression } from "../../../grammar/syntax.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { sameValue } from "./operator.ts";
import type { Scope } from "./scope.ts";
import type { Value } from "./value.ts";

/** Whether a condition holds: a bool, or an optional setting or input that is there. Undefined: reported. */
export function isTaken(e: Evaluator, condition: Expression, scope: Scope): boolean | undefined {
  const value = e.evaluate(condition, scope);
  const isCertain = condition.kind === "name" && scope.isCertain(condition.name);
  const isNamed = (condition.kind === "name" && !isCertain) || condition.kind === "member";
  switch (value.kind) {
    case "poison":
      return undefined;
    case "bool":
      return value.value;
    case "none":
    case "absent":
      return false;
    case "tensor":
      if (condition.kind === "name" || isNamed) return true;
      e.fail(errors.dependsOnData(e.at(condition.span, scope)), scope);
      return undefined;
    default:
      if (isNamed) return true;
      e.fail(errors.notACondition(value, scope.roles, e.at(condition.span, scope)), scope);
      return undefined;
  }
}

/** The value of the arm that fits, to be evaluated by the caller. Undefined: reported. */
export function chooseArm(
  e: Evaluator,
  expression: MatchExpression,
  scope: Scope,
): Expression | undefined {
  const subject = e.evaluate(expression.subject, scope);
  if (subject.kind === "poison") return undefined;
  let chosen: Expression | undefined;
  for (const arm of expression.arms) {
    const isElse = arm.pattern === undefined;
    const fits = isElse ? chosen === undefined : fitsPattern(e, subject, arm.pattern, scope);
    if (fits === undefined) return undefined;
    if (fits && chosen === undefined) chosen = arm.value;
  }
  if (chosen === undefined) {
    e.fail(errors.noArm(subject, scope.roles, e.at(expression.span, scope)), scope);
  }
  return chosen;
}

function fitsPattern(
  e: Evaluator,
  subject: Value,
  pattern: Expression,
  scope: Scope,
): boolean | undefined {
  if (subject.kind === "choice" && pattern.kind === "name") {
    if (pattern.name === subject.word) return true;
    if (pattern.name === "none" || subject.options.includes(pattern.name)) return false;
    e.fail(errors.unknownWord(pattern.name, subject.options, e.at(pattern.span, scope)), scope);
    return undefined;
  }
  // Of a closed set that may be `none` only the word is known, not the set: any other word does not fit.
  if (subject.kind === "none" && pattern.kind === "name") return pattern.name === "none";
  const value = e.evaluate(pattern, scope);
  return value.kind === "poison" ? undefined : sameValue(subject, value);
}
