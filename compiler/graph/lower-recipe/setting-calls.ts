// Calls where a setting is evaluated: arithmetic on numbers and lists, sizes of data sets, and schedules, which are
// `.vit` functions whose body is evaluated here, on the host's side.
import type { CallExpression, Span } from "../../../grammar/syntax.ts";
import { hostApply } from "../host-expression.ts";
import type { HostOperation } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { nearestHint } from "./nearest-hint.ts";
import {
  describeValue,
  hostValue,
  knownNumber,
  numberValue,
  unknownValue,
} from "./recipe-value.ts";
import type { FunctionValue, RecipeValue } from "./recipe-value.ts";
import { enterFunction } from "./function-scope.ts";
import { listItems, sameValue, toHost } from "./setting-scope.ts";
import type { SettingScope } from "./setting-scope.ts";
import { spreadOrders } from "./spread-orders.ts";

const onNumbers: Readonly<
  Record<string, { readonly operation: HostOperation; readonly takes: number }>
> = {
  floor: { operation: "floor", takes: 1 },
  ceil: { operation: "ceil", takes: 1 },
  round: { operation: "round", takes: 1 },
  abs: { operation: "absolute", takes: 1 },
  sqrt: { operation: "sqrt", takes: 1 },
  exp: { operation: "exp", takes: 1 },
  ln: { operation: "log", takes: 1 },
  log: { operation: "log", takes: 1 },
  sin: { operation: "sin", takes: 1 },
  cos: { operation: "cos", takes: 1 },
};

const onLists = [
  "min",
  "max",
  "sum",
  "product",
  "len",
  "distinct",
  "count",
  "ramp",
  "size",
  "spread_permutations",
] as const;

/** Names of the functions that settings may use without any declaration. */
export const settingFunctions: readonly string[] = [...Object.keys(onNumbers), ...onLists];

export function callSetting(call: CallExpression, scope: SettingScope): RecipeValue {
  if (call.callee.kind !== "name") return notCallable(scope, call.callee.span, "this");
  const { name } = call.callee;
  const declared = scope.lookup(name);
  if (declared?.kind === "function") return applyFunction(declared, call, scope);
  if (declared && declared.kind !== "number")
    return notCallable(scope, call.callee.span, describeValue(declared));
  if (settingFunctions.includes(name)) return callBuiltIn(name, call, scope);
  scope.problems.error(
    "unknown-function",
    `there is no function \`${name}\` for settings`,
    scope.file,
    call.callee.span,
    nearestHint(name, [
      ...settingFunctions,
      ...scope.names().filter((known) => scope.lookup(known)?.kind === "function"),
    ]),
  );
  return unknownValue;
}

function notCallable(scope: SettingScope, span: Span, what: string): RecipeValue {
  scope.problems.error("not-a-function", `${what} is not a function`, scope.file, span);
  return unknownValue;
}

function callBuiltIn(name: string, call: CallExpression, scope: SettingScope): RecipeValue {
  if (name === "spread_permutations") return spreadOrders(call, scope);
  const values = call.arguments.map((argument) =>
    argument.kind === "argument" ? scope.evaluate(argument.value, scope) : unknownValue,
  );
  if (values.some((value) => value.kind === "unknown")) return unknownValue;
  const spanOf = (i: number): Span => call.arguments[i]?.span ?? call.span;
  const numeric = onNumbers[name];
  if (numeric) {
    if (!hasCount(values, numeric.takes, name, call, scope)) return unknownValue;
    const host = toHost(values[0]!, scope, spanOf(0));
    return host ? hostValue(hostApply(numeric.operation, host)) : unknownValue;
  }
  switch (name) {
    case "min":
    case "max":
      return extreme(name === "min" ? "minimum" : "maximum", values, scope, call.span);
    case "sum":
    case "product":
      return fold(name === "sum" ? "add" : "multiply", values, scope, call.span);
    case "len": {
      const items =
        hasCount(values, 1, name, call, scope) && listItems(values[0]!, scope, spanOf(0));
      return items ? numberValue(items.length) : unknownValue;
    }
    case "distinct": {
      const items =
        hasCount(values, 1, name, call, scope) && listItems(values[0]!, scope, spanOf(0));
      if (!items) return unknownValue;
      return {
        kind: "list",
        items: items.filter((item, i) => items.findIndex((other) => sameValue(item, other)) === i),
      };
    }
    case "count": {
      const items =
        hasCount(values, 2, name, call, scope) && listItems(values[0]!, scope, spanOf(0));
      return items
        ? numberValue(items.filter((item) => sameValue(item, values[1]!)).length)
        : unknownValue;
    }
    case "ramp":
      return ramp(values, call, scope);
    default:
      return sizeOf(values, call, scope);
  }
}

function hasCount(
  values: readonly RecipeValue[],
  count: number,
  name: string,
  call: CallExpression,
  scope: SettingScope,
): boolean {
  if (values.length === count) return true;
  scope.problems.error(
    "wrong-arguments",
    `\`${name}\` takes ${count === 1 ? "one value" : `${count} values`}, but is given ${values.length}`,
    scope.file,
    call.span,
  );
  return false;
}

function extreme(
  operation: HostOperation,
  values: readonly RecipeValue[],
  scope: SettingScope,
  span: Span,
): RecipeValue {
  const items = values.length === 1 ? (listItems(values[0]!, scope, span) ?? []) : values;
  return foldHosts(operation, items, scope, span);
}

function fold(
  operation: HostOperation,
  values: readonly RecipeValue[],
  scope: SettingScope,
  span: Span,
): RecipeValue {
  const items = values.length === 1 ? listItems(values[0]!, scope, span) : values;
  if (!items) return unknownValue;
  if (items.length === 0) return numberValue(operation === "add" ? 0 : 1);
  return foldHosts(operation, items, scope, span);
}

function foldHosts(
  operation: HostOperation,
  items: readonly RecipeValue[],
  scope: SettingScope,
  span: Span,
): RecipeValue {
  const hosts: HostExpression[] = [];
  for (const item of items) {
    const host = toHost(item, scope, span);
    if (!host) return unknownValue;
    hosts.push(host);
  }
  if (hosts.length === 0) return unknownValue;
  return hostValue(hosts.reduce((a, b) => hostApply(operation, a, b)));
}

/** `ramp(a to b, i, n)`: the i-th of n values from a to b, evenly. */
function ramp(
  values: readonly RecipeValue[],
  call: CallExpression,
  scope: SettingScope,
): RecipeValue {
  if (!hasCount(values, 3, "ramp", call, scope)) return unknownValue;
  const [course, i, n] = values;
  const [from, to] =
    course!.kind === "course" ? [knownNumber(course!.from), knownNumber(course!.to)] : [];
  const [at, count] = [knownNumber(i!), knownNumber(n!)];
  if (from === undefined || to === undefined || at === undefined || count === undefined) {
    scope.problems.error(
      "wrong-arguments",
      "`ramp` takes a course, a place and a count: `ramp(0 to drop, i, depth)`",
      scope.file,
      call.span,
    );
    return unknownValue;
  }
  return numberValue(count <= 1 ? from : from + ((to - from) * at) / (count - 1));
}

function sizeOf(
  values: readonly RecipeValue[],
  call: CallExpression,
  scope: SettingScope,
): RecipeValue {
  const [data] = values;
  if (values.length !== 1 || data?.kind !== "dataset") {
    scope.problems.error(
      "wrong-arguments",
      "`size` takes a data set here: `size(train)`",
      scope.file,
      call.span,
    );
    return unknownValue;
  }
  if (data.facts.size !== null) return numberValue(data.facts.size);
  scope.problems.error(
    "unknown-length",
    `how many examples \`${data.dataset.name}\` has is not known before its files are there`,
    scope.file,
    call.span,
  );
  return unknownValue;
}

/** A `.vit` function on settings: a schedule. */
export function applyFunction(
  value: FunctionValue,
  call: CallExpression,
  scope: SettingScope,
): RecipeValue {
  const { fields } = value.declaration;
  const inner = enterFunction(value, fields, call.arguments, call.span, scope);
  return inner
    ? inner.evaluate(value.declaration.body.result, { ...inner, isCourse: true })
    : unknownValue;
}
