// An expression -> its value: literals, names, lists, choice, and what hands on to the other files of this folder.
import type {
  ComprehensionExpression,
  Expression,
  IfExpression,
  MatchExpression,
  RecordExpression,
} from "../../../grammar/syntax.ts";
import { pathText } from "../../../grammar/syntax.ts";
import { evaluateBinary, evaluateUnary } from "./operator.ts";
import { evaluateCall, evaluateBraced } from "./call.ts";
import { bindTuple } from "./binding.ts";
import { chooseArm, chooseByStep, holds } from "./choice.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { isTruth } from "./host-value.ts";
import { evaluateIndex } from "./index-access.ts";
import { evaluateMember } from "./member.ts";
import { evaluateName } from "./name.ts";
import { evaluatePipe } from "./pipe.ts";
import type { Scope } from "./scope.ts";
import { axesOfShape } from "./shape.ts";
import { itemsOf, poison, real, whole, type Value } from "./value.ts";

export function evaluateExpression(e: Evaluator, expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case "number":
      return expression.isWhole ? whole(expression.value) : real(expression.value);
    case "quantity":
      return { kind: "duration", amount: expression.amount.value, unit: expression.unit };
    case "string":
      return { kind: "string", value: expression.value };
    case "name":
      return evaluateName(e, expression, scope);
    case "next-value":
      return nextValue(e, expression.name.text, expression, scope);
    case "wildcard":
      return e.fail(errors.wildcardHere(e.at(expression.span, scope)), scope);
    case "missing":
      return poison;
    case "tuple":
      return {
        kind: "tuple",
        elements: expression.elements.map((each) => e.evaluate(each, scope)),
      };
    case "list":
      return { kind: "list", elements: expression.elements.map((each) => e.evaluate(each, scope)) };
    case "comprehension":
      return evaluateComprehension(e, expression, scope);
    case "record":
      return evaluateRecord(e, expression, scope);
    case "shape": {
      const axes = axesOfShape(e, expression, scope);
      return axes === undefined ? poison : { kind: "shape", axes };
    }
    case "braces":
      return {
        kind: "callable",
        target: { kind: "braces", braces: expression, scope },
        name: "",
        given: new Map(),
        overrides: [],
      };
    case "braced":
      return evaluateBraced(e, expression, scope);
    case "call":
      return evaluateCall(e, expression, scope);
    case "member":
      return evaluateMember(e, expression, scope);
    case "index":
      return evaluateIndex(e, expression, scope);
    case "unary":
      return evaluateUnary(e, expression, scope);
    case "binary":
      return evaluateBinary(e, expression, scope);
    case "range":
      return {
        kind: "range",
        from: expression.from && e.evaluate(expression.from, scope),
        to: expression.to && e.evaluate(expression.to, scope),
      };
    case "course":
      return {
        kind: "course",
        from: e.evaluate(expression.from, scope),
        to: e.evaluate(expression.to, scope),
      };
    case "if":
      return evaluateIf(e, expression, scope);
    case "match":
      return evaluateMatch(e, expression, scope);
    case "pipe":
      return evaluatePipe(e, expression, scope, undefined);
  }
}

function nextValue(e: Evaluator, name: string, expression: Expression, scope: Scope): Value {
  return (
    scope.renewedValue(name) ??
    e.fail(errors.nextBeforeIt(name, e.at(expression.span, scope)), scope)
  );
}

function evaluateIf(e: Evaluator, expression: IfExpression, scope: Scope): Value {
  const condition = e.evaluate(expression.condition, scope);
  if (condition.kind === "host" && isTruth(condition.expression))
    return chooseByStep(e, condition, expression, scope);
  const taken = holds(e, condition, expression.condition, scope);
  if (taken === undefined) return poison;
  return e.evaluate(taken ? expression.then : expression.else, scope);
}

function evaluateMatch(e: Evaluator, expression: MatchExpression, scope: Scope): Value {
  const arm = chooseArm(e, expression, scope);
  return arm === undefined ? poison : e.evaluate(arm, scope);
}

function evaluateRecord(e: Evaluator, expression: RecordExpression, scope: Scope): Value {
  const fields = new Map<string, Value>();
  for (const field of expression.fields) {
    const name = pathText(field.path);
    if (fields.has(name)) e.fail(errors.fieldTwice(name, e.at(field.path.span, scope)), scope);
    fields.set(name, e.evaluate(field.value, scope));
  }
  return { kind: "record", fields };
}

function evaluateComprehension(
  e: Evaluator,
  expression: ComprehensionExpression,
  scope: Scope,
): Value {
  const over = e.evaluate(expression.over, scope);
  const items = itemsOf(over);
  if (items === undefined) {
    if (over.kind === "poison") return poison;
    return e.fail(errors.notAList(over, scope.roles, e.at(expression.over.span, scope)), scope);
  }
  const elements: Value[] = [];
  for (const item of items) {
    const inner = scope.inner();
    if (!bindTuple(e, expression.binding, item, inner)) return poison;
    const element = e.evaluate(expression.element, inner);
    if (element.kind === "poison") return poison;
    elements.push(element);
  }
  return { kind: "list", elements };
}
