// Functions own nothing: tensors first, then settings, in one list. Declared ones walk their body in a scope of their
// own, at the path of their caller; intrinsic ones do what their entry says.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Argument, CallExpression, Expression, Field } from "../../../grammar/syntax.ts";
import type { ApplyOptions } from "./apply.ts";
import { RoleTable } from "./axis.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Intrinsic, IntrinsicArgument } from "./intrinsic.ts";
import type { Place } from "./place.ts";
import { isCourseType } from "./run-steps.ts";
import { Scope } from "./scope.ts";
import { coerce, evaluateSetting } from "./settings.ts";
import { leaveBody, meetInput } from "./signature.ts";
import { poison, type CallableValue, type Value } from "./value.ts";

export function isFunction(callee: CallableValue): boolean {
  return callee.target.kind === "function" || callee.target.kind === "intrinsic";
}

/** An argument in waiting: what flows in has a value, the rest is read as its parameter asks. */
type Pending = IntrinsicArgument & {
  readonly name?: string | undefined;
  readonly isBraces?: boolean;
};

export function applyFunctionCall(
  e: Evaluator,
  callee: CallableValue,
  call: CallExpression,
  incoming: Value | undefined,
  scope: Scope,
  hasBraces = false,
): Value {
  const at = e.at(call.span, scope);
  const { target } = callee;
  if (target.kind === "function" && isCourseType(target.declaration.result)) {
    if (incoming !== undefined) return e.fail(errors.courseInPipe(callee.name, at), scope);
    return e.steps?.course(target, call, scope) ?? e.fail(errors.courseWithoutSteps(callee.name, at), scope); // prettier-ignore
  }
  const pending: Pending[] =
    incoming === undefined ? [] : [{ expression: undefined, at, value: incoming, scope }];
  for (const [i, argument] of call.arguments.entries()) {
    if (argument.kind === "initializer")
      return e.fail(errors.functionOwnsNothing(callee.name, at), scope);
    pending.push(pendingOf(e, argument, scope, hasBraces && i === call.arguments.length - 1));
  }
  return run(e, callee, pending, scope, at);
}

function pendingOf(
  e: Evaluator,
  argument: Extract<Argument, { kind: "argument" }>,
  scope: Scope,
  isBraces: boolean,
): Pending {
  const at = e.at(argument.value.span, scope);
  return {
    expression: argument.value,
    at,
    value: undefined,
    scope,
    name: argument.name?.text,
    isBraces,
  };
}

/** A function given as a setting, applied to tensors: `activation(x)`. */
export function applyFunction(
  e: Evaluator,
  callee: CallableValue,
  inputs: readonly Value[],
  options: ApplyOptions,
): Value {
  const { scope, at } = options;
  const pending = inputs.map((value): Pending => ({ expression: undefined, at, value, scope }));
  for (const [name, named] of options.named ?? []) {
    pending.push({ expression: undefined, at: named.at, value: named.value, scope, name });
  }
  return run(e, callee, pending, scope, at);
}

function run(
  e: Evaluator,
  callee: CallableValue,
  pending: readonly Pending[],
  scope: Scope,
  at: FileSpan,
): Value {
  const { target } = callee;
  if (target.kind === "intrinsic") return runIntrinsic(e, target.intrinsic, pending, scope, at);
  if (target.kind !== "function") throw new Error(`${callee.name} is not a function`);
  return runDeclared(e, callee, pending, scope, at);
}

// ---------------------------------------------------------------------------------------------- intrinsic

function runIntrinsic(
  e: Evaluator,
  intrinsic: Intrinsic,
  pending: readonly Pending[],
  scope: Scope,
  at: FileSpan,
): Value {
  const { parameters, name } = intrinsic;
  const bound = new Map<string, IntrinsicArgument>();
  const list: IntrinsicArgument[] = [];
  const names = parameters.map((parameter) => parameter.name);
  let place = 0;
  for (const argument of pending) {
    if (argument.value?.kind === "poison") return poison;
    if (argument.name === undefined && intrinsic.isVariadic === true) list.push(argument);
    const wanted = argument.name ?? names[place++];
    if (wanted === undefined) {
      if (intrinsic.isVariadic === true) continue;
      return e.fail(errors.tooManyArguments(name, names, false, argument.at), scope);
    }
    if (!names.includes(wanted)) {
      return e.fail(errors.unknownSetting(name, wanted, names, argument.at), scope);
    }
    if (bound.has(wanted)) return e.fail(errors.settingTwice(name, wanted, argument.at), scope);
    bound.set(wanted, argument);
  }
  const missing = parameters.filter(
    (parameter) => !parameter.isOptional && !bound.has(parameter.name),
  );
  if (missing.length > 0) {
    return e.fail(
      errors.missingArguments(
        name,
        missing.map((each) => each.name),
        at,
      ),
      scope,
    );
  }
  return intrinsic.apply({ evaluator: e, name, at, scope, arguments: bound, list });
}

// ---------------------------------------------------------------------------------------------- declared

function runDeclared(
  e: Evaluator,
  callee: CallableValue,
  pending: readonly Pending[],
  caller: Scope,
  at: FileSpan,
): Value {
  if (callee.target.kind !== "function") return poison;
  const { declaration, file } = callee.target;
  const name = declaration.name.text;
  if (!e.mayGoOn(caller, at)) return poison;
  const bound = assign(e, name, declaration.fields, pending, caller, at);
  if (bound === undefined) return poison;
  const { place } = caller;
  const inside: Place = {
    ...place,
    functions: place.functions === "" ? name : `${place.functions}/${name}`,
  };
  const signature = new Scope(undefined, { file, roles: new RoleTable(), place: inside });
  e.calls.push({ name, at, isStandard: caller.file.isStandard });
  const result = defineFields(e, name, declaration.fields, bound, signature, { scope: caller, at });
  const value = result ?? bodyOf(e, callee, signature, caller);
  e.calls.pop();
  return value;
}

function bodyOf(e: Evaluator, callee: CallableValue, signature: Scope, caller: Scope): Value {
  if (callee.target.kind !== "function") return poison;
  const { declaration } = callee.target;
  if (e.calls.length > 200) {
    return e.fail(errors.tooDeep(callee.name, e.at(declaration.name.span, signature)), caller);
  }
  const body = signature.inner();
  for (const statement of declaration.body.statements) {
    if (["param", "state", "net", "next", "init"].includes(statement.kind)) {
      return e.fail(
        errors.functionOwnsNothing(callee.name, e.at(statement.span, signature)),
        signature,
      );
    }
    e.statement(statement, body);
    if (body.stopped) return poison;
  }
  const value = e.evaluate(declaration.body.result, body);
  return leaveBody(e, value, declaration.result, callee.name, signature, caller);
}

/** Which argument goes to which field. Undefined: reported. */
function assign(
  e: Evaluator,
  callee: string,
  fields: readonly Field[],
  pending: readonly Pending[],
  scope: Scope,
  at: FileSpan,
): Map<string, Pending> | undefined {
  const bound = new Map<string, Pending>();
  const names = fields.map((field) => field.name.text);
  let place = 0;
  let isFine = true;
  for (const argument of pending) {
    const isBlock = (field: Field) =>
      field.type?.kind === "type-name" && field.type.name === "block";
    const wanted = argument.isBraces
      ? fields.findLast(isBlock)?.name.text
      : (argument.name ?? names[place++]);
    if (wanted === undefined || !names.includes(wanted)) {
      isFine = false;
      const diagnostic =
        argument.name === undefined
          ? errors.tooManyArguments(callee, names, false, argument.at)
          : errors.unknownSetting(callee, argument.name, names, argument.at);
      e.fail(diagnostic, scope);
    } else if (bound.has(wanted)) {
      isFine = false;
      e.fail(errors.settingTwice(callee, wanted, argument.at), scope);
    } else bound.set(wanted, argument);
  }
  const isNeeded = (field: Field) =>
    field.default === undefined && field.type?.kind !== "type-optional";
  const missing = fields.filter((field) => isNeeded(field) && !bound.has(field.name.text));
  if (!isFine) return undefined;
  if (missing.length === 0) return bound;
  e.fail(
    errors.missingArguments(
      callee,
      missing.map((field) => field.name.text),
      at,
    ),
    scope,
  );
  return undefined;
}

/** Defines the fields in the function's scope. A value where the call ends early: poison, or an absent input. */
function defineFields(
  e: Evaluator,
  callee: string,
  fields: readonly Field[],
  bound: ReadonlyMap<string, Pending>,
  signature: Scope,
  use: { readonly scope: Scope; readonly at: FileSpan },
): Value | undefined {
  let isFine = true;
  for (const field of fields) {
    const argument = bound.get(field.name.text);
    const value =
      argument === undefined ? defaultOf(e, field, signature) : read(e, field, argument);
    if (value.kind === "absent") {
      if (field.type?.kind !== "type-optional") return value;
      signature.define(field.name.text, value);
      continue;
    }
    const met =
      value.kind === "poison"
        ? undefined
        : meetField(e, callee, field, value, signature, argument, use);
    signature.define(field.name.text, met ?? poison);
    if (met === undefined) isFine = false;
  }
  return isFine ? undefined : poison;
}

function meetField(
  e: Evaluator,
  callee: string,
  field: Field,
  value: Value,
  signature: Scope,
  argument: Pending | undefined,
  use: { readonly scope: Scope; readonly at: FileSpan },
): Value | undefined {
  if (value.kind === "none") return value;
  const at = argument?.at ?? use.at;
  return meetInput(e, callee, field, value, signature, { scope: use.scope, at });
}

function defaultOf(e: Evaluator, field: Field, signature: Scope): Value {
  if (field.default === undefined) return { kind: "none" };
  return readAs(e, field, field.default, signature);
}

function read(e: Evaluator, field: Field, argument: Pending): Value {
  if (argument.expression !== undefined)
    return readAs(e, field, argument.expression, argument.scope);
  const value = argument.value ?? poison;
  if (field.type === undefined) return value;
  return coerce(e, value, field.type, field.name.text, argument.scope, argument.at);
}

function readAs(e: Evaluator, field: Field, expression: Expression, scope: Scope): Value {
  return field.type === undefined
    ? e.evaluate(expression, scope)
    : evaluateSetting(e, expression, field.type, scope, field.name.text);
}
