// Settings: an expression where a declared type is expected -> a checked value. Words of a closed set and names of
// axes mean something only here, so the type comes first.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { ChoiceType, Expression, Type } from "../../../grammar/syntax.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, none, poison, real, type Value } from "./value.ts";

/** The value of a setting. Poison where it does not fit (reported). */
export function evaluateSetting(
  e: Evaluator,
  expression: Expression,
  type: Type,
  scope: Scope,
  name = "",
): Value {
  switch (type.kind) {
    case "type-optional":
      if (isWord(expression, "none") && scope.get("none") === undefined) return none;
      // what is passed on may be none itself
      if (!isReadByType(type.of) && expression.kind !== "tuple") break;
      return evaluateSetting(e, expression, type.of, scope, name);
    case "type-choice":
      return evaluateChoice(e, expression, type, scope);
    case "type-name":
      if (type.name === "axis") return evaluateAxes(e, expression, scope);
      break;
    case "type-tuple":
      if (expression.kind === "tuple" && expression.elements.length === type.elements.length) {
        const elements = expression.elements.map((each, i) =>
          evaluateSetting(e, each, type.elements[i]!, scope, name),
        );
        return elements.some((each) => each.kind === "poison")
          ? poison
          : { kind: "tuple", elements };
      }
      break;
    default:
      break;
  }
  const value = e.evaluate(expression, scope);
  return coerce(e, value, type, name, scope, e.at(expression.span, scope));
}

/** Whether what is written means something only to this type: words of a choice, names of axes. */
function isReadByType(type: Type): boolean {
  return type.kind === "type-choice" || (type.kind === "type-name" && type.name === "axis");
}

function isWord(expression: Expression, word: string): boolean {
  return expression.kind === "name" && expression.name === word;
}

// ---------------------------------------------------------------------------------------------- words and axes

function evaluateChoice(
  e: Evaluator,
  expression: Expression,
  type: ChoiceType,
  scope: Scope,
): Value {
  const options = type.options.map((option) => option.text);
  if (!type.areQuoted) return expectWord(e, expression, options, scope);
  const value = e.evaluate(expression, scope);
  if (value.kind === "poison") return poison;
  if (value.kind === "string" && options.includes(value.value)) return value;
  const at = e.at(expression.span, scope);
  return e.fail(errors.unknownOption(describeValue(value, scope.roles), options, at), scope);
}

/** One of a closed set of words, written as such or passed on by a setting of the same set. */
export function expectWord(
  e: Evaluator,
  expression: Expression,
  options: readonly string[],
  scope: Scope,
): Value {
  const at = e.at(expression.span, scope);
  if (expression.kind === "name") {
    const passed = scope.get(expression.name);
    if (passed?.kind === "choice" || passed?.kind === "poison")
      return fitting(e, passed, options, at, scope);
    if (expression.name === "none" || passed?.kind === "none") {
      return options.includes("none")
        ? none
        : e.fail(errors.unknownWord("none", options, at), scope);
    }
    if (options.includes(expression.name))
      return { kind: "choice", word: expression.name, options };
    return e.fail(errors.unknownWord(expression.name, options, at), scope);
  }
  return fitting(e, e.evaluate(expression, scope), options, at, scope);
}

function fitting(
  e: Evaluator,
  value: Value,
  options: readonly string[],
  at: FileSpan,
  scope: Scope,
): Value {
  if (value.kind === "poison") return poison;
  if (value.kind === "none" && options.includes("none")) return none;
  if (value.kind !== "choice") {
    return e.fail(errors.unknownOption(describeValue(value, scope.roles), options, at), scope);
  }
  if (options.includes(value.word)) return { ...value, options };
  return e.fail(errors.unknownWord(value.word, options, at), scope);
}

/** The name of an axis, or a tuple of them. */
export function evaluateAxes(e: Evaluator, expression: Expression, scope: Scope): Value {
  if (expression.kind === "tuple") {
    const elements = expression.elements.map((each) => evaluateAxes(e, each, scope));
    return elements.some((each) => each.kind === "poison") ? poison : { kind: "tuple", elements };
  }
  const at = e.at(expression.span, scope);
  if (expression.kind === "name") {
    const value = scope.get(expression.name);
    if (value !== undefined && isAxes(value)) return value;
    const role = scope.roles.get(expression.name);
    if (role !== undefined) return { kind: "axis", role };
    if (value?.kind === "poison") return poison;
    if (value?.kind === "none" || expression.name === "none") return none;
    if (scope.broken) return poison;
    return e.fail(errors.unknownAxis(expression.name, scope.roles.names(), at), scope);
  }
  const value = e.evaluate(expression, scope);
  if (isAxes(value) || value.kind === "poison") return value;
  return e.fail(errors.needsAxis(describeValue(value, scope.roles), at), scope);
}

function isAxes(value: Value): boolean {
  return value.kind === "axis" || (value.kind === "tuple" && value.elements.every(isAxes));
}

// ---------------------------------------------------------------------------------------------- plain values

/** A value as a type asks for it: whole numbers become reals, one number becomes a list. */
export function coerce(
  e: Evaluator,
  value: Value,
  type: Type,
  name: string,
  scope: Scope,
  at: FileSpan,
): Value {
  if (value.kind === "poison" || value.kind === "absent") return value;
  const wrong = () => {
    const found = describeValue(value, scope.roles);
    return e.fail(
      errors.settingType(name, describeType(type), found, at, value.kind === "tensor"),
      scope,
    );
  };
  switch (type.kind) {
    case "type-optional":
      return value.kind === "none" ? value : coerce(e, value, type.of, name, scope, at);
    case "type-name":
      return coerceNamed(e, value, type.name, name, scope, at) ?? wrong();
    case "type-list": {
      const elements = elementsOf(value) ?? [value];
      const each = elements.map((element) => coerce(e, element, type.element, name, scope, at));
      return each.some((element) => element.kind === "poison")
        ? poison
        : { kind: "list", elements: each };
    }
    case "type-tuple": {
      const elements = elementsOf(value);
      if (elements?.length !== type.elements.length) return wrong();
      const each = elements.map((element, i) =>
        coerce(e, element, type.elements[i]!, name, scope, at),
      );
      return each.some((element) => element.kind === "poison")
        ? poison
        : { kind: "tuple", elements: each };
    }
    case "type-tensor":
      return ["tensor", "number", "host", "diagonal"].includes(value.kind) ? value : wrong();
    default:
      return value;
  }
}

/** Undefined where the value is of another type. */
function coerceNamed(
  e: Evaluator,
  value: Value,
  type: string,
  name: string,
  scope: Scope,
  at: FileSpan,
): Value | undefined {
  switch (type) {
    case "int":
      if (value.kind !== "number") return undefined;
      if (value.isWhole) return value;
      return Number.isInteger(value.value) ? { ...value, isWhole: true } : undefined;
    case "real":
      if (value.kind === "host") return value;
      return value.kind === "number" ? real(value.value) : undefined;
    case "prob":
      if (value.kind === "host") return value;
      if (value.kind !== "number") return undefined;
      if (value.value >= 0 && value.value <= 1) return real(value.value);
      return e.fail(errors.notAProbability(name, value, at), scope);
    case "bool":
      return value.kind === "bool" ? value : undefined;
    case "string":
      return value.kind === "string" ? value : undefined;
    case "duration":
      return value.kind === "duration" ? value : undefined;
    case "axis":
      return isAxes(value) ? value : undefined;
    case "block":
      if (value.kind === "net") return value;
      return value.kind === "callable" ? value : undefined;
    case "function":
      return value.kind === "callable" && value.target.kind !== "block" ? value : undefined;
    default:
      return value;
  }
}

/** A type in words: `a whole number`, `token or mean`. */
export function describeType(type: Type): string {
  switch (type.kind) {
    case "type-optional":
      return `${describeType(type.of)} or none`;
    case "type-choice":
      return type.options.map((option) => option.text).join(" | ");
    case "type-list":
      return `a list of ${pluralOf(type.element)}`;
    case "type-tuple":
      return `a tuple of ${type.elements.length}`;
    case "type-tensor":
      return "a tensor";
    case "type-record":
      return "a record";
    case "type-name":
      return namedTypes[type.name] ?? `a ${type.name}`;
  }
}

const namedTypes: Readonly<Record<string, string>> = {
  int: "a whole number",
  real: "a number",
  prob: "a probability",
  bool: "true or false",
  string: "a text",
  duration: "a duration such as `300 epochs`",
  axis: "the name of an axis",
  block: "a block",
  function: "a function",
};

function pluralOf(type: Type): string {
  if (type.kind !== "type-name") return "values";
  return { int: "whole numbers", real: "numbers", prob: "probabilities" }[type.name] ?? "values";
}

/** Every type name that a setting may have. */
export const settingTypes = [
  "int", "real", "prob", "bool", "string", "duration", "axis", "block", "function", "list", "dataset",
  "image", "audio", "video", "text", "example", "course",
]; // prettier-ignore
