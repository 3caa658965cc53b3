// The settings of a block: what a call gives, by place or name, and a row of its variants; then defaults.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Argument, Expression, Field, VariantRow } from "../../../grammar/syntax.ts";
import { variantsOf } from "../../model/library.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { evaluateDistribution } from "./initializer.ts";
import type { Scope } from "./scope.ts";
import { evaluateSetting } from "./settings.ts";
import type { CallableValue, Override, Value } from "./value.ts";

/** The callable with more settings; what it has already wins. Undefined: reported. */
export function withSettings(
  e: Evaluator,
  callable: CallableValue,
  args: readonly Argument[],
  scope: Scope,
  at: FileSpan,
  hasBraces = false,
): CallableValue | undefined {
  const { target } = callable;
  if (target.kind !== "block") {
    if (args.length === 0) return callable;
    e.fail(errors.bracesTakeNoSettings(at), scope);
    return undefined;
  }
  const given = new Map<string, Value>();
  const overrides: Override[] = [];
  const row = rowOf(e, callable, args, scope);
  if (row === null) return undefined;
  if (row !== undefined) {
    if (!bindRow(e, callable, row.row, given)) return undefined;
  }
  const fields = target.declaration.settings;
  const explicit = bindArguments(e, fields, row === undefined ? args : args.slice(1), scope, {
    callee: callable.name,
    at,
    hasBraces,
    startsAfterRow: row !== undefined,
  });
  if (explicit === undefined) return undefined;
  for (const [name, value] of explicit) given.set(name, value);
  for (const argument of args) {
    if (argument.kind !== "initializer") continue;
    const initializer = evaluateDistribution(e, argument.distribution, scope);
    if (initializer === undefined) return undefined;
    const path = argument.path.segments.map((segment) => segment.text);
    overrides.push({ path, initializer, at: e.at(argument.path.span, scope) });
  }
  for (const [name, value] of callable.given) given.set(name, value);
  return { ...callable, given, overrides: [...callable.overrides, ...overrides] };
}

/** The row that a first text picks. Null: there is none of that name (reported). */
function rowOf(
  e: Evaluator,
  callable: CallableValue,
  args: readonly Argument[],
  scope: Scope,
): { readonly row: VariantRow } | undefined | null {
  const [first] = args;
  if (callable.target.kind !== "block" || first?.kind !== "argument" || first.name !== undefined) {
    return undefined;
  }
  const { declaration, file } = callable.target;
  const variants = variantsOf({ declaration, file });
  if (variants === undefined) return undefined;
  if (first.value.kind !== "string" && first.value.kind !== "name") return undefined;
  const value = e.evaluate(first.value, scope);
  if (value.kind === "poison") return null;
  if (value.kind !== "string") return undefined;
  const row = variants.rows.find((each) => each.name.value === value.value);
  if (row !== undefined) return { row };
  const names = variants.rows.map((each) => each.name.value);
  e.fail(errors.unknownVariant(callable.name, value.value, names, e.at(first.span, scope)), scope);
  return null;
}

/** A row of the table, read in the file of the model. */
export function bindRow(
  e: Evaluator,
  callable: CallableValue,
  row: VariantRow,
  given: Map<string, Value>,
): boolean {
  if (callable.target.kind !== "block") return false;
  const { declaration, file } = callable.target;
  const variants = variantsOf({ declaration, file })!;
  const scope = e.scope(file, { training: false });
  if (row.values.length !== variants.columns.length) {
    const at = e.at(row.span, scope);
    e.fail(errors.rowLength(row.name.value, variants.columns.length, row.values.length, at), scope);
    return false;
  }
  for (const [i, argument] of row.values.entries()) {
    if (argument.kind !== "argument") continue;
    const column = variants.columns[i]!;
    const field = declaration.settings.find((each) => each.name.text === column.text);
    if (field === undefined) {
      const names = declaration.settings.map((each) => each.name.text);
      e.fail(
        errors.unknownSetting(declaration.name.text, column.text, names, e.at(column.span, scope)),
        scope,
      );
      return false;
    }
    const value = settingOf(e, field, argument.value, scope);
    if (value.kind === "poison") return false;
    given.set(column.text, value);
  }
  return true;
}

function settingOf(e: Evaluator, field: Field, expression: Expression, scope: Scope): Value {
  if (field.type === undefined) return e.evaluate(expression, scope);
  return evaluateSetting(e, expression, field.type, scope, field.name.text);
}

/** Arguments by place, then by name. Undefined: reported (all of a call's mistakes at once). */
export function bindArguments(
  e: Evaluator,
  fields: readonly Field[],
  args: readonly Argument[],
  scope: Scope,
  call: {
    readonly callee: string;
    readonly at: FileSpan;
    readonly hasBraces: boolean;
    readonly startsAfterRow?: boolean;
  },
): Map<string, Value> | undefined {
  const given = new Map<string, Value>();
  let isFine = true;
  let place = 0;
  for (const [i, argument] of args.entries()) {
    if (argument.kind === "initializer") continue;
    const at = e.at(argument.span, scope);
    const isBraces = call.hasBraces && i === args.length - 1;
    const field = isBraces
      ? lastBlock(fields, given)
      : fieldOf(fields, argument, place, call.startsAfterRow);
    if (argument.name === undefined && !isBraces) place++;
    if (field === undefined) {
      if (!isFine && argument.name === undefined) continue;
      isFine = false;
      const names = fields.map((each) => each.name.text);
      e.fail(
        argument.name === undefined
          ? errors.tooManyArguments(call.callee, names, call.startsAfterRow ?? false, at)
          : errors.unknownSetting(
              call.callee,
              argument.name.text,
              names,
              e.at(argument.name.span, scope),
            ),
        scope,
      );
      continue;
    }
    const name = field.name.text;
    if (given.has(name)) {
      isFine = false;
      e.fail(errors.settingTwice(call.callee, name, at), scope);
      continue;
    }
    const value = settingOf(e, field, argument.value, scope);
    given.set(name, value);
    if (value.kind === "poison") isFine = false;
  }
  return isFine ? given : undefined;
}

function fieldOf(
  fields: readonly Field[],
  argument: Extract<Argument, { kind: "argument" }>,
  place: number,
  startsAfterRow = false,
): Field | undefined {
  if (argument.name === undefined) return startsAfterRow ? undefined : fields[place];
  return fields.find((field) => field.name.text === argument.name!.text);
}

/** Braces fill the last setting that takes a block. */
function lastBlock(fields: readonly Field[], given: ReadonlyMap<string, Value>): Field | undefined {
  return fields.findLast(
    (field) =>
      field.type?.kind === "type-name" &&
      field.type.name === "block" &&
      !given.has(field.name.text),
  );
}

/** Settings that have neither a value nor a default. */
export function missingSettings(callable: CallableValue): Field[] {
  if (callable.target.kind !== "block") return [];
  return callable.target.declaration.settings.filter(
    (field) =>
      field.default === undefined && !isOptional(field) && !callable.given.has(field.name.text),
  );
}

function isOptional(field: Field): boolean {
  return field.type?.kind === "type-optional";
}

/** Defines all settings of a block in the scope of its signature; defaults see the settings before them. */
export function defineSettings(
  e: Evaluator,
  fields: readonly Field[],
  given: ReadonlyMap<string, Value>,
  signature: Scope,
): boolean {
  let isFine = true;
  for (const field of fields) {
    const name = field.name.text;
    const value =
      given.get(name) ??
      (field.default === undefined
        ? ({ kind: "none" } as const)
        : settingOf(e, field, field.default, signature));
    if (field.type === undefined || isOptional(field) || value.kind === "none")
      signature.define(name, value);
    else signature.defineCertain(name, value);
    if (value.kind === "poison") isFine = false;
  }
  return isFine;
}
