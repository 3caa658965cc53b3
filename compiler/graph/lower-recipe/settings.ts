// An expression of a recipe or a schedule -> its value before anything is computed on tensors.
// Numbers may depend on the step (`step`, `epoch`): then they are host expressions, and a choice between two is a
// `select`; everything else must be known. What is wrong is reported once and gives `unknown`, which nobody reports again.
import type {
  BinaryExpression,
  Expression,
  IfExpression,
  IndexExpression,
  MatchExpression,
  MemberExpression,
  NameExpression,
  Span,
  Type,
} from "../../../grammar/syntax.ts";
import { hostApply, hostNumber, hostVariable, hostVariables } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { callSetting } from "./setting-calls.ts";
import { nearestHint } from "./nearest-hint.ts";
import {
  describeValue,
  hostValue,
  knownNumber,
  numberValue,
  unknownValue,
} from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { listItems, partsOf, sameValue, toHost, truthOf, withBinding } from "./setting-scope.ts";
import type { SettingScope } from "./setting-scope.ts";
import { wordsOf } from "./setting-types.ts";

/** Evaluates; `expected` lets a bare word be one of a closed set. */
export function evaluateSetting(
  expression: Expression,
  scope: SettingScope,
  expected?: Type,
): RecipeValue {
  switch (expression.kind) {
    case "missing":
      return unknownValue;
    case "number":
      return numberValue(expression.value);
    case "quantity":
      return { kind: "duration", amount: expression.amount.value, unit: expression.unit };
    case "string":
      return { kind: "string", value: expression.value };
    case "name":
      return evaluateName(expression, scope, expected);
    case "tuple":
      return {
        kind: "tuple",
        items: expression.elements.map((element, i) =>
          evaluateSetting(
            element,
            scope,
            expected?.kind === "type-tuple" ? expected.elements[i] : undefined,
          ),
        ),
      };
    case "list":
      return {
        kind: "list",
        items: expression.elements.map((element) =>
          evaluateSetting(
            element,
            scope,
            expected?.kind === "type-list" ? expected.element : undefined,
          ),
        ),
      };
    case "comprehension": {
      const items = listItems(evaluateSetting(expression.over, scope), scope, expression.over.span);
      if (!items) return unknownValue;
      return {
        kind: "list",
        items: items.map((item) =>
          evaluateSetting(expression.element, withBinding(scope, expression.binding, item)),
        ),
      };
    }
    case "record":
      return {
        kind: "record",
        fields: new Map(
          expression.fields.map((field) => [
            field.path.segments.map((segment) => segment.text).join("."),
            evaluateSetting(field.value, scope),
          ]),
        ),
      };
    case "call":
      return callSetting(expression, scope);
    case "member":
      return evaluateMember(expression, scope);
    case "index":
      return evaluateIndex(expression, scope);
    case "unary": {
      const operand = evaluateSetting(expression.operand, scope);
      if (expression.operator === "not") {
        if (operand.kind === "bool") return { kind: "bool", value: !operand.value };
        if (operand.kind === "none") return { kind: "bool", value: true };
        const host = toHost(operand, scope, expression.span);
        return host ? hostValue(hostApply("subtract", hostNumber(1), host)) : unknownValue;
      }
      const host = toHost(operand, scope, expression.span);
      return host ? hostValue(hostApply("negate", host)) : unknownValue;
    }
    case "binary":
      return evaluateBinary(expression, scope);
    case "range":
    case "course": {
      const end = (side: Expression | undefined): RecipeValue =>
        side ? evaluateSetting(side, scope) : { kind: "none" };
      return { kind: expression.kind, from: end(expression.from), to: end(expression.to) };
    }
    case "if":
      return evaluateIf(expression, scope, expected);
    case "match":
      return evaluateMatch(expression, scope, expected);
    case "pipe":
    case "braces":
    case "braced":
    case "shape":
    case "next-value":
    case "wildcard":
      return refuse(scope, expression.span);
  }
}

function refuse(scope: SettingScope, span: Span): RecipeValue {
  scope.problems.error(
    "not-a-setting",
    "a setting is needed here: a number, a duration, a word, a list or a choice between them",
    scope.file,
    span,
  );
  return unknownValue;
}

function evaluateName(
  expression: NameExpression,
  scope: SettingScope,
  expected: Type | undefined,
): RecipeValue {
  const { name } = expression;
  const words = expected ? wordsOf(expected) : [];
  if (words.includes(name))
    return name === "none" ? { kind: "none" } : { kind: "word", word: name };
  const known = scope.lookup(name);
  const variable = hostVariables.find((candidate) => candidate === name);
  // `steps` by itself is the length of the run, `steps(…)` the schedule.
  if (known && !(variable && scope.isCourse && known.kind === "function")) return known;
  switch (name) {
    case "true":
    case "false":
      return { kind: "bool", value: name === "true" };
    case "none":
      return { kind: "none" };
    case "pi":
      return numberValue(Math.PI);
  }
  if (variable && scope.isCourse) return hostValue(hostVariable(variable));
  // One of a closed set was meant: the check of the setting's type says which there are.
  if (words.length > 0) return { kind: "word", word: name };
  const isElsewhere = scope.names().includes(name);
  const detail = variable
    ? {
        hints: [
          `\`${name}\` changes as the run goes on: it may stand in dataflow, in \`lr\`, and in settings of nets, optimizers and twins`,
        ],
      }
    : isElsewhere
      ? { hints: ["settings and views are made before a step: they cannot read tensors or what a step draws"] } // prettier-ignore
      : nearestHint(name, scope.names());
  scope.problems.error(
    "unknown-name",
    isElsewhere ? `\`${name}\` is not known here` : `there is nothing called \`${name}\` here`,
    scope.file,
    expression.span,
    detail,
  );
  return unknownValue;
}

function evaluateMember(expression: MemberExpression, scope: SettingScope): RecipeValue {
  const target = evaluateSetting(expression.target, scope);
  const name = expression.member.text;
  if (target.kind === "unknown") return target;
  if (target.kind === "record") {
    const field = target.fields.get(name);
    if (field) return field;
  }
  const parts = partsOf(target);
  const part = /^\d+$/.test(name) ? parts[Number(name)] : undefined;
  if (part) return part;
  scope.problems.error(
    "unknown-member",
    `${describeValue(target)} has no part \`${name}\``,
    scope.file,
    expression.member.span,
    target.kind === "record" ? nearestHint(name, [...target.fields.keys()]) : {},
  );
  return unknownValue;
}

function evaluateIndex(expression: IndexExpression, scope: SettingScope): RecipeValue {
  const target = evaluateSetting(expression.target, scope);
  const [index] = expression.indices;
  if (target.kind === "unknown") return target;
  if (
    (target.kind !== "list" && target.kind !== "tuple") ||
    index?.kind !== "index-position" ||
    expression.indices.length !== 1
  ) {
    scope.problems.error(
      "not-a-list",
      `a list is needed before [ ], but this is ${describeValue(target)}`,
      scope.file,
      expression.target.span,
    );
    return unknownValue;
  }
  const at = evaluateSetting(index.value, scope);
  if (at.kind === "range") {
    const from = at.from.kind === "none" ? 0 : (knownNumber(at.from) ?? 0);
    const to =
      at.to.kind === "none" ? target.items.length : (knownNumber(at.to) ?? target.items.length);
    return { kind: "list", items: target.items.slice(from, to) };
  }
  const place = knownNumber(at);
  if (place === undefined) return selectByStep(target.items, at, scope, index.span);
  const item = Number.isInteger(place) ? target.items[place] : undefined;
  if (item) return item;
  scope.problems.error(
    "index-out-of-range",
    `there is no element ${place}: the list has ${target.items.length}, counted from 0`,
    scope.file,
    index.span,
  );
  return unknownValue;
}

/** `rates[passed]` where `passed` changes with the step: a chain of choices. */
function selectByStep(
  items: readonly RecipeValue[],
  at: RecipeValue,
  scope: SettingScope,
  span: Span,
): RecipeValue {
  const place = toHost(at, scope, span);
  const hosts = items.map((item) => toHost(item, scope, span));
  if (!place || hosts.length === 0 || hosts.some((host) => host === undefined)) return unknownValue;
  const last = hosts.length - 1;
  return hostValue(
    hosts
      .slice(0, last)
      .reduceRight<HostExpression>(
        (rest, host, i) =>
          hostApply("select", hostApply("less_equal", place, hostNumber(i)), host!, rest),
        hosts[last]!,
      ),
  );
}

const arithmetic = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "^": "power",
} as const;

function evaluateBinary(expression: BinaryExpression, scope: SettingScope): RecipeValue {
  const { operator } = expression;
  const left = evaluateSetting(expression.left, scope);
  if (operator === "and" || operator === "or") return evaluateLogic(expression, left, scope);
  const right = asWord(left, expression.right) ?? evaluateSetting(expression.right, scope);
  if (left.kind === "unknown" || right.kind === "unknown") return unknownValue;
  const areDurations = left.kind === "duration" && right.kind === "duration";
  if ((operator === "==" || operator === "!=") && !areDurations) {
    return evaluateEquality(operator, left, right);
  }
  if (operator === "in") {
    const items = listItems(right, scope, expression.right.span);
    return items
      ? { kind: "bool", value: items.some((item) => sameValue(item, left)) }
      : unknownValue;
  }
  const a = toHost(left, scope, expression.left.span);
  const b = toHost(right, scope, expression.right.span);
  if (!a || !b) return unknownValue;
  switch (operator) {
    case "+":
    case "-":
    case "*":
    case "/":
    case "^":
      return (
        scaledDuration(operator, left, right) ?? hostValue(hostApply(arithmetic[operator], a, b))
      );
    case "%":
      return hostValue(
        hostApply(
          "subtract",
          a,
          hostApply("multiply", b, hostApply("floor", hostApply("divide", a, b))),
        ),
      );
    case "==":
    case "!=":
      return evaluateEquality(operator, hostValue(a), hostValue(b));
    case "<":
      return truth(hostApply("less", a, b));
    case "<=":
      return truth(hostApply("less_equal", a, b));
    case ">":
      return truth(hostApply("less", b, a));
    case ">=":
      return truth(hostApply("less_equal", b, a));
  }
}

/** `length / 2` of `300 epochs` is `150 epochs`: the unit stays. */
function scaledDuration(
  operator: string,
  left: RecipeValue,
  right: RecipeValue,
): RecipeValue | undefined {
  const factor = knownNumber(right);
  if (left.kind === "duration" && factor !== undefined && (operator === "*" || operator === "/")) {
    return { ...left, amount: operator === "*" ? left.amount * factor : left.amount / factor };
  }
  const first = knownNumber(left);
  if (right.kind === "duration" && first !== undefined && operator === "*")
    return { ...right, amount: first * right.amount };
  return undefined;
}

/** The name on the right of `policy == light1` is a word because the left is one. */
function asWord(left: RecipeValue, right: Expression): RecipeValue | undefined {
  if ((left.kind !== "word" && left.kind !== "none") || right.kind !== "name") return undefined;
  return right.name === "none" ? { kind: "none" } : { kind: "word", word: right.name };
}

/** A comparison of known numbers is a bool, one of a number that changes with the step is 1 or 0 at each step. */
function truth(host: HostExpression): RecipeValue {
  return host.kind === "number" ? { kind: "bool", value: host.value !== 0 } : hostValue(host);
}

function evaluateEquality(
  operator: "==" | "!=",
  left: RecipeValue,
  right: RecipeValue,
): RecipeValue {
  if (left.kind === "number" && right.kind === "number") {
    const same = hostApply("equal", left.host, right.host);
    return truth(operator === "==" ? same : hostApply("subtract", hostNumber(1), same));
  }
  return { kind: "bool", value: sameValue(left, right) === (operator === "==") };
}

function evaluateLogic(
  expression: BinaryExpression,
  left: RecipeValue,
  scope: SettingScope,
): RecipeValue {
  const decided = expression.operator === "or";
  if (left.kind === "bool" && left.value === decided) return left;
  const right = evaluateSetting(expression.right, scope);
  if (left.kind === "bool") return right;
  const a = toHost(left, scope, expression.left.span);
  const b = toHost(right, scope, expression.right.span);
  if (!a || !b) return unknownValue;
  return truth(hostApply(decided ? "maximum" : "multiply", a, b));
}

function evaluateIf(
  expression: IfExpression,
  scope: SettingScope,
  expected: Type | undefined,
): RecipeValue {
  const condition = evaluateSetting(expression.condition, scope);
  if (condition.kind === "unknown") return condition;
  const known = truthOf(condition);
  if (known !== undefined)
    return evaluateSetting(known ? expression.then : expression.else, scope, expected);
  const test = toHost(condition, scope, expression.condition.span);
  const a = toHost(evaluateSetting(expression.then, scope), scope, expression.then.span);
  const b = toHost(evaluateSetting(expression.else, scope), scope, expression.else.span);
  return test && a && b ? hostValue(hostApply("select", test, a, b)) : unknownValue;
}

function evaluateMatch(
  expression: MatchExpression,
  scope: SettingScope,
  expected: Type | undefined,
): RecipeValue {
  const subject = evaluateSetting(expression.subject, scope);
  if (subject.kind === "unknown") return subject;
  for (const arm of expression.arms) {
    if (!arm.pattern || matches(arm.pattern, subject, scope))
      return evaluateSetting(arm.value, scope, expected);
  }
  scope.problems.error(
    "no-match",
    `no case for ${describeValue(subject)}`,
    scope.file,
    expression.span,
    { hints: ["add it, or `else => …`"] },
  );
  return unknownValue;
}

function matches(pattern: Expression, subject: RecipeValue, scope: SettingScope): boolean {
  if (pattern.kind === "name" && (subject.kind === "word" || subject.kind === "none")) {
    return pattern.name === (subject.kind === "word" ? subject.word : "none");
  }
  return sameValue(evaluateSetting(pattern, scope), subject);
}
