// `when`, `if` and `match`: on settings, decided while compiling. Only an `if` between values may go by the step: then
// both are computed, and each step takes one.
import type { Expression, IfExpression, MatchExpression } from "../../../grammar/syntax.ts";
import { hostApply } from "../host-expression.ts";
import { elementwise } from "./elementwise.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { host, hostOf, isTruth } from "./host-value.ts";
import { sameValue } from "./operator.ts";
import type { Scope } from "./scope.ts";
import type { HostValue, Value } from "./value.ts";

/** Whether a condition holds: a bool, or an optional setting or input that is there. Undefined: reported. */
export function isTaken(e: Evaluator, condition: Expression, scope: Scope): boolean | undefined {
  return holds(e, e.evaluate(condition, scope), condition, scope);
}

/** The same of a condition that is known as a value. */
export function holds(
  e: Evaluator,
  value: Value,
  condition: Expression,
  scope: Scope,
): boolean | undefined {
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
      if (value.kind === "host" && isTruth(value.expression)) {
        e.fail(errors.dependsOnStep(e.at(condition.span, scope)), scope);
        return undefined;
      }
      if (isNamed) return true;
      e.fail(errors.notACondition(value, scope.roles, e.at(condition.span, scope)), scope);
      return undefined;
  }
}

/** `if step < 5 epochs then a else b`: both are computed, and each step takes one. */
export function chooseByStep(
  e: Evaluator,
  condition: HostValue,
  expression: IfExpression,
  scope: Scope,
): Value {
  const yes = e.evaluate(expression.then, scope);
  const no = e.evaluate(expression.else, scope);
  const quiet = [yes, no].find((value) => value.kind === "poison" || value.kind === "absent");
  if (quiet !== undefined) return quiet;
  const [a, b] = [hostOf(yes), hostOf(no)];
  if (a && b) return host(hostApply("select", condition.expression, a, b));
  const at = e.at(expression.span, scope);
  if (yes.kind !== "tensor" && no.kind !== "tensor") {
    const odd = a ? no : yes;
    return e.fail(errors.chosenByStep(odd, scope.roles, at), scope);
  }
  return elementwise(e, "select", [condition, yes, no], scope, at, "if");
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
