// Calls where a setting is evaluated: arithmetic on numbers and lists, sizes of data sets, and schedules, which are
// `.vit` functions whose body is evaluated here, on the host's side.
import type {
  Argument,
  CallExpression,
  Expression,
  FunctionDeclaration,
  Span,
} from "../../../grammar/syntax.ts";
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
import type { RecipeValue } from "./recipe-value.ts";
import { fitType } from "./setting-types.ts";
import { evaluateSetting, listItems, sameValue, toHost, truthOf, withBinding } from "./settings.ts";
import type { SettingScope } from "./settings.ts";

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
] as const;

/** Names of the functions that settings may use without any declaration. */
export const settingFunctions: readonly string[] = [...Object.keys(onNumbers), ...onLists];

export function callSetting(call: CallExpression, scope: SettingScope): RecipeValue {
  if (call.callee.kind !== "name") return notCallable(scope, call.callee.span, "this");
  const { name } = call.callee;
  const declared = scope.lookup(name);
  if (declared?.kind === "function")
    return applyFunction(declared.declaration, declared.file, call, scope);
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
  const values = call.arguments.map((argument) =>
    argument.kind === "argument" ? evaluateSetting(argument.value, scope) : unknownValue,
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

/** A `.vit` function on settings: its fields are bound and checked, its `let`s and `require`s evaluated in order. */
export function applyFunction(
  declaration: FunctionDeclaration,
  file: string,
  call: CallExpression,
  scope: SettingScope,
): RecipeValue {
  const { text: name } = declaration.name;
  if (scope.applying.includes(name)) {
    scope.problems.error(
      "recursion",
      `\`${name}\` would apply itself: ${[...scope.applying, name].join(" -> ")}`,
      scope.file,
      call.span,
    );
    return unknownValue;
  }
  const before = scope.problems.found.length;
  const bound = bindFields(declaration, file, call.arguments, call.span, scope);
  if (!bound || scope.problems.found.length > before) return unknownValue;
  let inner: SettingScope = {
    ...scope,
    file,
    isCourse: true,
    applying: [...scope.applying, name],
    lookup: (wanted) => bound.get(wanted) ?? globalOnly(scope.lookup(wanted)),
    names: () => [...bound.keys(), ...scope.names()],
  };
  for (const statement of declaration.body.statements) {
    if (statement.kind === "let") {
      const value = evaluateSetting(statement.value, inner);
      inner = withBinding(
        inner,
        statement.binding.names.map((part) => part.text),
        statement.binding.isTuple,
        value,
      );
    } else if (statement.kind === "require") {
      if (!holds(statement.condition, inner)) {
        scope.problems.error("requirement", statement.message.value, scope.file, call.span, {
          note: `in \`${name}\``,
        });
        return unknownValue;
      }
    } else {
      scope.problems.error(
        "not-a-setting",
        `\`${name}\` computes on tensors; here only settings are known`,
        scope.file,
        call.callee.span,
      );
      return unknownValue;
    }
  }
  return evaluateSetting(declaration.body.result, inner);
}

/** A function sees other functions of its file and of `std`, not the settings of the recipe that calls it. */
function globalOnly(value: RecipeValue | undefined): RecipeValue | undefined {
  return value?.kind === "function" ? value : undefined;
}

function holds(condition: Expression, scope: SettingScope): boolean {
  return truthOf(evaluateSetting(condition, scope)) !== false;
}

function bindFields(
  declaration: FunctionDeclaration,
  file: string,
  given: readonly Argument[],
  span: Span,
  scope: SettingScope,
): Map<string, RecipeValue> | undefined {
  const fields = declaration.fields;
  const names = fields.map((field) => field.name.text);
  const of = declaration.name.text;
  const bound = new Map<string, RecipeValue>();
  let place = 0;
  for (const argument of given) {
    if (argument.kind !== "argument") {
      scope.problems.error(
        "not-a-setting",
        `\`${of}\` has no parameters to initialise`,
        scope.file,
        argument.span,
      );
      return undefined;
    }
    const field = argument.name
      ? fields.find((candidate) => candidate.name.text === argument.name!.text)
      : fields[place++];
    if (!field) {
      reportUnknownSetting(
        argument.name?.text,
        of,
        names,
        scope,
        argument.name?.span ?? argument.span,
      );
      continue;
    }
    const value = evaluateSetting(argument.value, scope, field.type);
    bound.set(
      field.name.text,
      fitType(field.type, value, { name: field.name.text, of }, scope, argument.value.span),
    );
  }
  for (const field of fields) {
    if (bound.has(field.name.text)) continue;
    if (!field.default) {
      scope.problems.error(
        "missing-setting",
        `\`${of}\` needs \`${field.name.text}\``,
        scope.file,
        span,
      );
      return undefined;
    }
    const inner = {
      ...scope,
      file,
      lookup: (name: string) => bound.get(name) ?? globalOnly(scope.lookup(name)),
    };
    bound.set(
      field.name.text,
      fitType(
        field.type,
        evaluateSetting(field.default, inner, field.type),
        { name: field.name.text, of },
        inner,
        field.span,
      ),
    );
  }
  return bound;
}

/** `cosine` has no setting `warmpu`. */
export function reportUnknownSetting(
  name: string | undefined,
  of: string,
  names: readonly string[],
  scope: SettingScope,
  span: Span,
): void {
  if (name === undefined) {
    scope.problems.error(
      "wrong-arguments",
      `\`${of}\` takes ${names.length} setting${names.length === 1 ? "" : "s"}, but is given more`,
      scope.file,
      span,
      {
        hints: names.length > 0 ? [`in order: ${names.join(", ")}`] : [],
      },
    );
    return;
  }
  scope.problems.error(
    "unknown-setting",
    `\`${of}\` has no setting \`${name}\``,
    scope.file,
    span,
    nearestHint(name, names),
  );
}
