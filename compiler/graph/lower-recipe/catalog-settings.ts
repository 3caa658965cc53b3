// The arguments of a data set or a sample operation -> complete settings as JSON, each checked against its type.
// A setting of a closed set takes a bare word (`normalize(imagenet)`); everything else is evaluated as a setting.
import type { Argument, Expression, Span } from "../../../grammar/syntax.ts";
import type { CatalogSetting, Settings, SettingType, SettingValue } from "../../model/catalog.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { Detail } from "./problems.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { reportUnknownSetting } from "./function-scope.ts";
import type { SettingScope } from "./setting-scope.ts";

/** What is called, and where. */
export interface CatalogCall {
  readonly name: string;
  readonly settings: readonly CatalogSetting[];
  readonly arguments: readonly Argument[];
  readonly span: Span;
}

/** Complete settings, in declared order; undefined where something is wrong (and reported). */
export function resolveSettings(call: CatalogCall, scope: SettingScope): Settings | undefined {
  const given = new Map<string, SettingValue>();
  const names = call.settings.map((setting) => setting.name);
  let isSound = true;
  let place = 0;
  for (const argument of call.arguments) {
    if (argument.kind !== "argument") {
      scope.problems.error(
        "not-a-setting",
        `\`${call.name}\` has no parameters to initialise`,
        scope.file,
        argument.span,
      );
      isSound = false;
      continue;
    }
    const name = argument.name?.text;
    const setting =
      name === undefined
        ? call.settings[place++]
        : call.settings.find((candidate) => candidate.name === name);
    if (!setting) {
      reportUnknownSetting(name, call.name, names, scope, argument.name?.span ?? argument.span);
      isSound = false;
      continue;
    }
    const value = resolveSetting(setting, call.name, argument.value, scope);
    if (value === undefined) isSound = false;
    else given.set(setting.name, value);
  }
  const complete: Record<string, SettingValue> = {};
  for (const setting of call.settings) {
    const value = given.get(setting.name) ?? setting.default;
    if (value !== undefined) complete[setting.name] = value;
    else if (isSound) {
      scope.problems.error(
        "missing-setting",
        `\`${call.name}\` needs \`${setting.name}\`: ${setting.about}`,
        scope.file,
        call.span,
      );
      isSound = false;
    }
  }
  return isSound ? complete : undefined;
}

function resolveSetting(
  setting: CatalogSetting,
  of: string,
  expression: Expression,
  scope: SettingScope,
): SettingValue | undefined {
  if (setting.type.kind === "shape") return resolveShape(setting, of, expression, scope);
  const options = optionsOf(setting.type);
  const isWord = expression.kind === "name" && options.includes(expression.name);
  const isMisspelt =
    expression.kind === "name" && options.length > 0 && !isWord && scope.lookup(expression.name) === undefined &&
    !["none", "true", "false"].includes(expression.name); // prettier-ignore
  const value: RecipeValue =
    isWord || isMisspelt
      ? { kind: "word", word: expression.name }
      : scope.evaluate(expression, scope);
  if (value.kind === "unknown") return undefined;
  if (value.kind === "none" && setting.default === null) return null;
  const fitted = fit(setting.type, value);
  if (fitted !== undefined) return fitted;
  scope.problems.error(
    "wrong-setting",
    `\`${setting.name}\` of \`${of}\` takes ${inWords(setting.type)}, but this is ${describeValue(value)}`,
    scope.file,
    expression.span,
    detailOf(setting, value),
  );
  return undefined;
}

/** `[rows = 14, cols = 14]`: every axis has a name and a size of at least 1. */
function resolveShape(
  setting: CatalogSetting,
  of: string,
  expression: Expression,
  scope: SettingScope,
): SettingValue | undefined {
  const axes = expression.kind === "shape" ? expression.axes : [];
  const found = axes.map((axis): SettingValue | "unknown" | undefined => {
    if (axis.kind !== "axis-name" || !axis.size) return undefined;
    const value = scope.evaluate(axis.size, scope);
    if (value.kind === "unknown") return "unknown";
    const size = knownNumber(value);
    const isExtent = size !== undefined && Number.isInteger(size) && size >= 1;
    return isExtent ? [axis.name.text, size] : undefined;
  });
  if (found.includes("unknown")) return undefined;
  if (found.length > 0 && found.every((axis) => axis !== undefined)) return found;
  scope.problems.error(
    "wrong-setting",
    `\`${setting.name}\` of \`${of}\` takes ${inWords(setting.type)}`,
    scope.file,
    expression.span,
  );
  return undefined;
}

function optionsOf(type: SettingType): readonly string[] {
  switch (type.kind) {
    case "choice":
      return type.options;
    case "either":
      return type.of.flatMap(optionsOf);
    default:
      return [];
  }
}

/** The value as JSON, or undefined where it does not fit. */
function fit(type: SettingType, value: RecipeValue): SettingValue | undefined {
  const number = knownNumber(value);
  switch (type.kind) {
    case "int":
      return number !== undefined && Number.isInteger(number) && isWithin(number, type)
        ? number
        : undefined;
    case "real":
      return number !== undefined && isWithin(number, type) ? number : undefined;
    case "prob":
      return number !== undefined && number >= 0 && number <= 1 ? number : undefined;
    case "bool":
      return value.kind === "bool" ? value.value : undefined;
    case "string":
      return value.kind === "string" ? value.value : undefined;
    case "choice": {
      const word =
        value.kind === "word" ? value.word : value.kind === "string" ? value.value : undefined;
      return word !== undefined && type.options.includes(word) ? word : undefined;
    }
    case "range": {
      if (value.kind !== "range") return undefined;
      const [from, to] = [knownNumber(value.from), knownNumber(value.to)];
      const isSound =
        from !== undefined &&
        to !== undefined &&
        from <= to &&
        isWithin(from, type) &&
        isWithin(to, type);
      return isSound ? [from, to] : undefined;
    }
    case "pair": {
      if (value.kind !== "tuple" || value.items.length !== 2) return undefined;
      return fitAll(type.of, value.items);
    }
    case "list":
      return value.kind === "list" || value.kind === "tuple"
        ? fitAll(type.of, value.items)
        : undefined;
    case "shape":
      return undefined; // read from its expression, by resolveShape
    case "either":
      for (const option of type.of) {
        const fitted = fit(option, value);
        if (fitted !== undefined) return fitted;
      }
      return undefined;
  }
}

function fitAll(type: SettingType, items: readonly RecipeValue[]): SettingValue | undefined {
  const fitted = items.map((item) => fit(type, item));
  return fitted.every((item) => item !== undefined) ? fitted : undefined;
}

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

function isWithin(number: number, { least = -Infinity, most = Infinity }: Bounds): boolean {
  return number >= least && number <= most;
}

/** What the type takes, in words: `a whole number of at least 1`. */
export function inWords(type: SettingType): string {
  switch (type.kind) {
    case "int":
      return `a whole number${boundsInWords(type)}`;
    case "real":
      return `a number${boundsInWords(type)}`;
    case "prob":
      return "a probability, from 0 (0%) to 1 (100%)";
    case "bool":
      return "true or false";
    case "string":
      return "a text in quotes";
    case "choice":
      return type.options.length === 1
        ? `\`${type.options[0]}\``
        : `one of ${type.options.join(", ")}`;
    case "range":
      return `a range such as 0..1${type.least !== undefined || type.most !== undefined ? `, each end${boundsInWords(type)}` : ""}, the smaller end first`;
    case "pair":
      return `a pair in parentheses, each ${inWords(type.of)}`;
    case "list":
      return `a list, each ${inWords(type.of)}`;
    case "shape":
      return "named axes in brackets, such as `[rows = 14, cols = 14]`";
    case "either":
      return type.of.map(inWords).join(", or ");
  }
}

function boundsInWords({ least, most }: Bounds): string {
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most !== undefined ? ` of at most ${most}` : "";
}

function detailOf(setting: CatalogSetting, value: RecipeValue): Detail {
  const number = knownNumber(value);
  if (setting.type.kind === "prob" && number !== undefined && number > 1 && number <= 100) {
    return { hints: [`\`${number}%\``] };
  }
  const options = optionsOf(setting.type);
  if (value.kind === "word") return nearestHint(value.word, options);
  return {};
}
