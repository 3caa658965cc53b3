// `+ - * / % ^`, comparisons and logic on settings; what has a tensor in it goes to elementwise.ts.
// Whole numbers stay whole and divide exactly, or inside of floor, ceil and round.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type {
  BinaryExpression,
  BinaryOperator,
  Expression,
  UnaryExpression,
} from "../../../grammar/syntax.ts";
import { hostApply, hostNumber, type HostOperation } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { elementwise, negated } from "./elementwise.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { host, hostOf, hostTruth, isTruth } from "./host-value.ts";
import { expectWord } from "./settings.ts";
import type { Scope } from "./scope.ts";
import { bool, elementsOf, poison, real, whole, type NumberValue, type Value } from "./value.ts";

export function evaluateUnary(e: Evaluator, expression: UnaryExpression, scope: Scope): Value {
  const operand = e.evaluate(expression.operand, scope);
  const at = e.at(expression.span, scope);
  if (operand.kind === "poison" || operand.kind === "absent") return operand;
  if (expression.operator === "not") {
    if (operand.kind === "bool") return bool(!operand.value);
    if (operand.kind === "none") return bool(true);
    if (operand.kind === "tensor") return negated(e, operand, "not", scope, at);
    if (operand.kind === "host" && isTruth(operand.expression))
      return host(hostApply("subtract", hostNumber(1), operand.expression));
    const isNamed = expression.operand.kind === "name";
    return isNamed
      ? bool(false)
      : e.fail(errors.operandKind("not", operand, scope.roles, at), scope);
  }
  if (operand.kind === "number") return { ...operand, value: -operand.value };
  if (operand.kind === "host") return host(hostApply("negate", operand.expression));
  if (operand.kind === "tensor") return negated(e, operand, "negate", scope, at);
  return e.fail(errors.operandKind("-", operand, scope.roles, at), scope);
}

export function evaluateBinary(e: Evaluator, expression: BinaryExpression, scope: Scope): Value {
  const { operator } = expression;
  if (operator === "and" || operator === "or") return evaluateLogic(e, expression, scope);
  const [left, right] = bothSides(e, expression, scope);
  const labels = [
    labelOf(expression.left, "left of it"),
    labelOf(expression.right, "right of it"),
  ] as const;
  return applyOperator(e, operator, left, right, scope, e.at(expression.span, scope), labels);
}

/** How messages call an operand: by its name where it has one. */
export function labelOf(expression: Expression | undefined, otherwise: string): string {
  return expression?.kind === "name" ? `\`${expression.name}\` has` : otherwise;
}

/** A word of a closed set stands on either side of a comparison. */
function bothSides(e: Evaluator, expression: BinaryExpression, scope: Scope): [Value, Value] {
  const { left, right, operator } = expression;
  if (operator !== "==" && operator !== "!=" && operator !== "in") {
    return [e.evaluate(left, scope), e.evaluate(right, scope)];
  }
  const first = e.evaluate(left, scope);
  if (first.kind === "choice") return [first, wordsAmong(e, right, first.options, scope)];
  if (first.kind === "none") return [first, wordsBesideNone(e, right, scope)];
  return [first, e.evaluate(right, scope)];
}

/** Of a closed set that may be `none` only the word is known, not the set: a name that stands for nothing is a word. */
function wordsBesideNone(e: Evaluator, expression: Expression, scope: Scope): Value {
  if (expression.kind === "tuple" || expression.kind === "list") {
    const elements = expression.elements.map((each) => wordsBesideNone(e, each, scope));
    return { kind: "tuple", elements };
  }
  if (expression.kind === "name" && expression.name !== "none") {
    const { name } = expression;
    if (scope.get(name) === undefined) return { kind: "choice", word: name, options: [name] };
  }
  return e.evaluate(expression, scope);
}

function wordsAmong(
  e: Evaluator,
  expression: Expression,
  options: readonly string[],
  scope: Scope,
): Value {
  if (expression.kind === "tuple" || expression.kind === "list") {
    const elements = expression.elements.map((each) => wordsAmong(e, each, options, scope));
    return { kind: "tuple", elements };
  }
  return expectWord(e, expression, options, scope);
}

function evaluateLogic(e: Evaluator, expression: BinaryExpression, scope: Scope): Value {
  const isAnd = expression.operator === "and";
  const left = asBool(e, e.evaluate(expression.left, scope), expression.left, scope);
  if (left.kind === "poison" || left.kind === "absent") return left;
  if (left.kind === "bool" && left.value !== isAnd) return left;
  const right = asBool(e, e.evaluate(expression.right, scope), expression.right, scope);
  if (right.kind === "poison" || right.kind === "absent" || left.kind === "bool") return right;
  if (right.kind === "bool") return right.value === isAnd ? left : right;
  if (left.kind === "host" && right.kind === "host")
    return host(hostApply(isAnd ? "multiply" : "maximum", left.expression, right.expression));
  return elementwise(e, isAnd ? "and" : "or", [left, right], scope, e.at(expression.span, scope));
}

/** For `and` and `or`: a bool, a bool tensor, what a step decides, or whether an optional setting is there. */
function asBool(e: Evaluator, value: Value, expression: Expression, scope: Scope): Value {
  if (value.kind === "host" && isTruth(value.expression)) return value;
  if (value.kind === "bool" || value.kind === "poison") return value;
  if (value.kind === "tensor" && value.node.dtype === "bool") return value;
  if (value.kind === "none" || value.kind === "absent") return bool(false);
  if (expression.kind === "name") return bool(true);
  return e.fail(errors.notACondition(value, scope.roles, e.at(expression.span, scope)), scope);
}

const elementwiseOps: { readonly [operator in BinaryOperator]?: string } = {
  "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo", "^": "power",
  "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}; // prettier-ignore

/** One operator on two values, whatever they are. */
export function applyOperator(
  e: Evaluator,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  scope: Scope,
  at: FileSpan,
  labels: readonly [string, string] = ["left of it", "right of it"],
): Value {
  if (left.kind === "poison" || right.kind === "poison") return poison;
  if (left.kind === "absent") return left;
  if (right.kind === "absent") return right;
  if (operator === "in") return membership(e, left, right, scope, at);
  if (left.kind === "tensor" || right.kind === "tensor") {
    return elementwise(e, elementwiseOps[operator]!, [left, right], scope, at, operator, labels);
  }
  if (left.kind === "number" && right.kind === "number") {
    return onNumbers(e, operator, left, right, scope, at);
  }
  if (left.kind === "host" || right.kind === "host") {
    const [a, b] = [inSteps(e, left), inSteps(e, right)];
    if (a && b) return onHost(operator, a, b);
  }
  if (operator === "==") return bool(sameValue(left, right));
  if (operator === "!=") return bool(!sameValue(left, right));
  if (left.kind === "duration" || right.kind === "duration") {
    const scaled = onDurations(operator, left, right);
    if (scaled !== undefined) return scaled;
  }
  const odd = hostOf(left) === undefined ? left : right;
  return e.fail(errors.operandKind(operator, odd, scope.roles, at), scope);
}

function onNumbers(
  e: Evaluator,
  operator: BinaryOperator,
  left: NumberValue,
  right: NumberValue,
  scope: Scope,
  at: FileSpan,
): Value {
  const [a, b] = [left.value, right.value];
  const areWhole = left.isWhole && right.isWhole;
  const number = (value: number) => (areWhole ? whole(value) : real(value));
  switch (operator) {
    case "+":
      return number(a + b);
    case "-":
      return number(a - b);
    case "*":
      return number(a * b);
    case "/":
      if (b === 0) return e.fail(errors.divisionByZero(at), scope);
      if (!areWhole || e.rounding > 0) return areWhole && a % b === 0 ? whole(a / b) : real(a / b);
      return a % b === 0 ? whole(a / b) : e.fail(errors.inexactDivision(a, b, at), scope);
    case "%":
      if (b === 0) return e.fail(errors.divisionByZero(at), scope);
      return number(a - b * Math.floor(a / b));
    case "^":
      return areWhole && b >= 0 ? whole(a ** b) : real(a ** b);
    case "<":
      return bool(a < b);
    case "<=":
      return bool(a <= b);
    case ">":
      return bool(a > b);
    case ">=":
      return bool(a >= b);
    case "==":
      return bool(a === b);
    default:
      return bool(a !== b);
  }
}

function onDurations(operator: BinaryOperator, left: Value, right: Value): Value | undefined {
  if (left.kind === "duration" && right.kind === "number") {
    if (operator === "*") return { ...left, amount: left.amount * right.value };
    if (operator === "/" && right.value !== 0)
      return { ...left, amount: left.amount / right.value };
  }
  if (left.kind === "number" && right.kind === "duration" && operator === "*") {
    return { ...right, amount: right.amount * left.value };
  }
  return undefined;
}

const comparisons: readonly BinaryOperator[] = ["<", "<=", "=="];

const hostOperations: { readonly [operator in BinaryOperator]?: HostOperation } = {
  "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "^": "power",
  "<": "less", "<=": "less_equal", "==": "equal",
}; // prettier-ignore

/** Beside a number of the step, a duration is its steps: `step < 5 epochs`. */
function inSteps(e: Evaluator, value: Value): HostExpression | undefined {
  if (value.kind !== "duration") return hostOf(value);
  const steps = e.steps?.count(value);
  return steps === undefined ? undefined : hostNumber(steps);
}

function onHost(operator: BinaryOperator, a: HostExpression, b: HostExpression): Value {
  const operation = hostOperations[operator];
  if (operation !== undefined) {
    const result = hostApply(operation, a, b);
    return comparisons.includes(operator) ? hostTruth(result) : host(result);
  }
  if (operator === ">") return hostTruth(hostApply("less", b, a));
  if (operator === ">=") return hostTruth(hostApply("less_equal", b, a));
  if (operator === "!=")
    return hostTruth(hostApply("subtract", hostNumber(1), hostApply("equal", a, b)));
  const times = hostApply("floor", hostApply("divide", a, b));
  return host(hostApply("subtract", a, hostApply("multiply", b, times)));
}

function membership(e: Evaluator, left: Value, right: Value, scope: Scope, at: FileSpan): Value {
  const elements = elementsOf(right);
  if (elements !== undefined) return bool(elements.some((each) => sameValue(left, each)));
  if (right.kind === "range" && left.kind === "number") {
    const low = right.from?.kind === "number" ? right.from.value : -Infinity;
    const high = right.to?.kind === "number" ? right.to.value : Infinity;
    return bool(low <= left.value && left.value <= high);
  }
  return e.fail(errors.notAList(right, scope.roles, at), scope);
}

/** Whether two settings are the same. */
export function sameValue(a: Value, b: Value): boolean {
  if (a.kind === "number" && b.kind === "number") return a.value === b.value;
  if (a.kind === "bool" && b.kind === "bool") return a.value === b.value;
  if (a.kind === "string" && b.kind === "string") return a.value === b.value;
  if (a.kind === "choice" && b.kind === "choice") return a.word === b.word;
  if (a.kind === "choice" && b.kind === "string") return a.word === b.value;
  if (a.kind === "axis" && b.kind === "axis") return a.role === b.role;
  if (a.kind === "duration" && b.kind === "duration") {
    return a.amount === b.amount && a.unit === b.unit;
  }
  const [first, second] = [elementsOf(a), elementsOf(b)];
  if (first !== undefined && second !== undefined) {
    return first.length === second.length && first.every((each, i) => sameValue(each, second[i]!));
  }
  return a.kind === "none" && b.kind === "none";
}
