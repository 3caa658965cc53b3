// A declared type (`prob`, `duration`, `list[int]`, `token | mean`, `int?`) and a value -> the value as that type has
// it, or an error that says what was wanted. The types of a recipe's settings and of schedules.
import type { Span, Type } from "../../../grammar/syntax.ts";
import { durationInSteps } from "./clock.ts";
import { nearestHints } from "../../model/nearest-name.ts";
import type { Detail } from "./problems.ts";
import { describeValue, knownNumber, unknownValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { refuseEpochs } from "./setting-scope.ts";
import type { SettingScope } from "./setting-scope.ts";

/** Where a value goes, for the message: setting `warmup` of `cosine`. */
export interface Destination {
  readonly name: string;
  readonly of: string;
}

/** The words that a bare name may be where this type is expected. */
export function wordsOf(type: Type): readonly string[] {
  switch (type.kind) {
    case "type-choice":
      return type.areQuoted ? [] : type.options.map((option) => option.text);
    case "type-optional":
      return [...wordsOf(type.of), "none"];
    default:
      return [];
  }
}

/** The value under this type; what does not fit is reported and becomes `unknown`. */
export function fitType(
  type: Type | undefined,
  value: RecipeValue,
  to: Destination,
  scope: SettingScope,
  span: Span,
): RecipeValue {
  if (!type || value.kind === "unknown") return value;
  const fitted = fit(type, value);
  if (typeof fitted !== "string" && isCountable(fitted, scope)) return fitted;
  if (typeof fitted !== "string") {
    // Said here, where the duration is given, and not deep inside of the schedule that counts with it.
    if (value.kind === "duration") refuseEpochs(value, scope, span);
    return unknownValue;
  }
  const detail = detailOf(type, value, to.name);
  scope.problems.error(
    "wrong-setting",
    `\`${to.name}\` of \`${to.of}\` takes ${fitted}, but this is ${describeValue(value)}`,
    scope.file,
    span,
    detail,
  );
  return unknownValue;
}

/** Epochs of data whose size is not known cannot be counted in steps. */
function isCountable(value: RecipeValue, { clock }: SettingScope): boolean {
  return value.kind !== "duration" || !clock || durationInSteps(value, clock) !== undefined;
}

/** The value, or what was wanted in words. */
function fit(type: Type, value: RecipeValue): RecipeValue | string {
  switch (type.kind) {
    case "type-name":
      return fitNamed(type.name, value);
    case "type-optional": {
      if (value.kind === "none") return value;
      const fitted = fit(type.of, value);
      return typeof fitted === "string" ? `${fitted} or none` : fitted;
    }
    case "type-choice": {
      const options = type.options.map((option) => option.text);
      const word =
        value.kind === "word"
          ? value.word
          : value.kind === "string" && type.areQuoted
            ? value.value
            : value.kind === "none"
              ? "none"
              : undefined;
      return word !== undefined && options.includes(word) ? value : `one of ${options.join(", ")}`;
    }
    case "type-list": {
      // A lone value is a list of one, so that `steps(0.1, …)` may start a course from one rate.
      const items = value.kind === "list" ? value.items : [value];
      const fitted = items.map((item) => fit(type.element, item));
      const wrong = fitted.find((item) => typeof item === "string");
      return wrong === undefined
        ? { kind: "list", items: fitted as RecipeValue[] }
        : `a list of which each is ${wrong}`;
    }
    case "type-tuple": {
      const wanted = `${type.elements.length} values in parentheses`;
      if (value.kind !== "tuple" || value.items.length !== type.elements.length) return wanted;
      const fitted = value.items.map((item, i) => fit(type.elements[i]!, item));
      const wrong = fitted.find((item) => typeof item === "string");
      return wrong === undefined
        ? { kind: "tuple", items: fitted as RecipeValue[] }
        : `${wanted}, of which one is ${wrong as string}`;
    }
    case "type-tensor":
    case "type-record":
      return value.kind === "text" ? value : "a tensor";
  }
}

function fitNamed(name: string, value: RecipeValue): RecipeValue | string {
  const number = knownNumber(value);
  switch (name) {
    case "int":
      return number !== undefined && Number.isInteger(number) ? value : "a whole number";
    case "real":
      return value.kind === "number" ? value : "a number";
    case "prob":
      return value.kind === "number" && (number === undefined || (number >= 0 && number <= 1))
        ? value
        : "a probability, from 0 (0%) to 1 (100%)";
    case "bool":
      return value.kind === "bool" ? value : "true or false";
    case "string":
      return value.kind === "string" ? value : "a text in quotes";
    case "duration":
      return value.kind === "duration" ? value : "a duration";
    case "course":
      return fitCourse(value);
    case "dataset":
      return value.kind === "source" ? value : "a data set";
    case "block":
    case "function":
    case "axis":
      return value.kind === "text" || value.kind === "function"
        ? value
        : `${name === "axis" ? "an" : "a"} ${name}`;
    default:
      return value;
  }
}

/** A number alone is a course that stays where it is. */
function fitCourse(value: RecipeValue): RecipeValue | string {
  if (value.kind === "course") return value;
  return value.kind === "number"
    ? { kind: "course", from: value, to: value }
    : "a course, such as `0.1 to 0`";
}

function detailOf(type: Type, value: RecipeValue, name: string): Detail {
  const inner = type.kind === "type-optional" ? type.of : type;
  const number = knownNumber(value);
  if (inner.kind === "type-name" && inner.name === "duration" && number !== undefined) {
    return {
      hints: [
        `say of what: \`${name} = ${number} epochs\`, \`${number} steps\` or \`${number} samples\``,
      ],
    };
  }
  if (
    inner.kind === "type-name" &&
    inner.name === "prob" &&
    number !== undefined &&
    number > 1 &&
    number <= 100
  ) {
    return { hints: [`\`${name} = ${number}%\``] };
  }
  if (inner.kind === "type-choice" && (value.kind === "word" || value.kind === "string")) {
    const options = inner.options.map((option) => option.text);
    return { hints: nearestHints(value.kind === "word" ? value.word : value.value, options) };
  }
  return {};
}
