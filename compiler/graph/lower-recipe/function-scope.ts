// A `.vit` function called where settings are known -> the scope in which its result is evaluated: its fields bound and
// checked, its `require`s asked, its `let`s added in order. A function sees its own file and `std`, not its caller.
import type { Argument, Expression, Field, Span } from "../../../grammar/syntax.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { FunctionValue, RecipeValue } from "./recipe-value.ts";
import { fitType } from "./setting-types.ts";
import { truthOf, withBinding } from "./setting-scope.ts";
import type { SettingScope } from "./setting-scope.ts";

/** Undefined where something is wrong (and reported). `fields` are those that the call fills, an input before them not. */
export function enterFunction(
  value: FunctionValue,
  fields: readonly Field[],
  given: readonly Argument[],
  span: Span,
  scope: SettingScope,
): SettingScope | undefined {
  const { declaration, file } = value;
  const name = declaration.name.text;
  if (scope.applying.includes(name)) {
    const way = [...scope.applying, name].join(" -> ");
    scope.problems.error("recursion", `\`${name}\` would apply itself: ${way}`, scope.file, span);
    return undefined;
  }
  const outer: SettingScope = {
    ...scope,
    file,
    applying: [...scope.applying, name],
    isCourse: true,
    lookup: value.globals,
    names: () => fields.map((field) => field.name.text),
  };
  const bound = bindFields(name, fields, given, span, scope, outer);
  return (
    bound &&
    addStatements(
      value,
      { ...outer, lookup: (wanted) => bound.get(wanted) ?? value.globals(wanted) },
      span,
      scope,
    )
  );
}

function addStatements(
  value: FunctionValue,
  start: SettingScope,
  span: Span,
  caller: SettingScope,
): SettingScope | undefined {
  let scope = start;
  const name = value.declaration.name.text;
  for (const statement of value.declaration.body.statements) {
    if (statement.kind === "let") {
      const result = scope.evaluate(statement.value, scope);
      scope = withBinding(scope, statement.binding, result);
    } else if (statement.kind === "require") {
      if (holds(statement.condition, scope)) continue;
      caller.problems.error("requirement", statement.message.value, caller.file, span, {
        note: `in \`${name}\``,
      });
      return undefined;
    } else {
      caller.problems.error(
        "not-a-setting",
        `\`${name}\` computes on tensors; here only settings are known`,
        caller.file,
        span,
      );
      return undefined;
    }
  }
  return scope;
}

function holds(condition: Expression, scope: SettingScope): boolean {
  return truthOf(scope.evaluate(condition, scope)) !== false;
}

/** Fields by name, given or by default, each fitted to its type; undefined where one does not fit (and reported). */
export function bindFields(
  of: string,
  fields: readonly Field[],
  given: readonly Argument[],
  span: Span,
  caller: SettingScope,
  outer: SettingScope,
): ReadonlyMap<string, RecipeValue> | undefined {
  const before = caller.problems.found.length;
  const bound = new Map<string, RecipeValue>();
  let place = 0;
  for (const argument of given) {
    if (argument.kind !== "argument") {
      caller.problems.error(
        "not-a-setting",
        `\`${of}\` has no parameters to initialise`,
        caller.file,
        argument.span,
      );
      continue;
    }
    const name = argument.name?.text;
    const field =
      name === undefined
        ? fields[place++]
        : fields.find((candidate) => candidate.name.text === name);
    if (!field) {
      reportUnknownSetting(name, of, fields.map((known) => known.name.text), caller, argument.name?.span ?? argument.span); // prettier-ignore
      continue;
    }
    const value = caller.evaluate(argument.value, caller, field.type);
    bound.set(
      field.name.text,
      fitType(field.type, value, { name: field.name.text, of }, caller, argument.value.span),
    );
  }
  for (const field of fields) {
    if (bound.has(field.name.text)) continue;
    if (!field.default) {
      caller.problems.error(
        "missing-setting",
        `\`${of}\` needs \`${field.name.text}\``,
        caller.file,
        span,
      );
      continue;
    }
    const inner: SettingScope = {
      ...outer,
      lookup: (wanted) => bound.get(wanted) ?? outer.lookup(wanted),
    };
    const value = inner.evaluate(field.default, inner, field.type);
    bound.set(
      field.name.text,
      fitType(field.type, value, { name: field.name.text, of }, inner, field.span),
    );
  }
  if (caller.problems.found.length > before) return undefined;
  // In declared order, whatever the order of the call.
  return new Map(fields.map(({ name }) => [name.text, bound.get(name.text)!]));
}

/** `cosine` has no setting `warmpu`. */
export function reportUnknownSetting(
  name: string | undefined,
  of: string,
  names: readonly string[],
  scope: Pick<SettingScope, "problems" | "file">,
  span: Span,
): void {
  if (name !== undefined) {
    scope.problems.error(
      "unknown-setting",
      `\`${of}\` has no setting \`${name}\``,
      scope.file,
      span,
      nearestHint(name, names),
    );
    return;
  }
  const count =
    names.length === 0
      ? "no settings"
      : names.length === 1
        ? "one setting"
        : `${names.length} settings`;
  scope.problems.error(
    "wrong-arguments",
    `\`${of}\` takes ${count}, but is given more`,
    scope.file,
    span,
    {
      hints: names.length > 0 ? [`in order: ${names.join(", ")}`] : [],
    },
  );
}
