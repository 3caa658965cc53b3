// Calls, in an expression and as a stage of a pipe. A block's first list holds settings and its second tensors;
// a function and a net have one list. Settings alone make a block-valued setting.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type {
  Argument,
  BracedExpression,
  CallExpression,
  Expression,
  Identifier,
} from "../../../grammar/syntax.ts";
import { applyFunctionCall, isFunction } from "./apply-function.ts";
import { withSettings, missingSettings } from "./bind-settings.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { evaluateCallee } from "./name.ts";
import { withNetSettings, withOtherSettings } from "./net.ts";
import { within } from "./labels.ts";
import type { Scope } from "./scope.ts";
import { poison, type CallableValue, type NetValue, type Value } from "./value.ts";

/** A call as a value: nothing flows in. */
export function evaluateCall(e: Evaluator, call: CallExpression, scope: Scope): Value {
  return dispatch(e, call, call.arguments, undefined, scope, undefined);
}

export function applyCallStage(
  e: Evaluator,
  call: CallExpression,
  incoming: Value | undefined,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  return dispatch(e, call, call.arguments, incoming, scope, label);
}

/** `residual { … }` as a value. */
export function evaluateBraced(e: Evaluator, braced: BracedExpression, scope: Scope): Value {
  return applyBracedStage(e, braced, undefined, scope, undefined);
}

/** The braces are the last setting of the target. */
export function applyBracedStage(
  e: Evaluator,
  braced: BracedExpression,
  incoming: Value | undefined,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  const { target } = braced;
  const given = target.kind === "call" ? target.arguments : [];
  const last: Argument = {
    kind: "argument",
    name: undefined,
    value: braced.braces,
    span: braced.braces.span,
  };
  const callee = target.kind === "call" ? target.callee : target;
  const call: CallExpression = {
    kind: "call",
    callee,
    arguments: [...given, last],
    span: braced.span,
  };
  return dispatch(e, call, call.arguments, incoming, scope, label, true);
}

/** A name as a stage: `|> gelu`, `|> norm: LayerNorm`, `|> tower`. */
export function applyNamedStage(
  e: Evaluator,
  operation: Expression,
  incoming: Value,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  const callee = evaluateCallee(e, operation, scope);
  const at = e.at(operation.span, scope);
  if (callee.kind === "callable" && isFunction(callee)) {
    const call: CallExpression = {
      kind: "call",
      callee: operation,
      arguments: [],
      span: operation.span,
    };
    return within(e, scope, label, (inner) => applyFunctionCall(e, callee, call, incoming, inner));
  }
  if (callee.kind === "callable" || callee.kind === "net") {
    return e.apply(callee, [incoming], { scope, at, label, name: nameOf(operation) });
  }
  return callee.kind === "poison"
    ? poison
    : e.fail(notCallable(callee, operation, at, scope), scope);
}

function dispatch(
  e: Evaluator,
  call: CallExpression,
  args: readonly Argument[],
  incoming: Value | undefined,
  scope: Scope,
  label: Identifier | undefined,
  hasBraces = false,
): Value {
  const at = e.at(call.span, scope);
  const isSecondList = call.callee.kind === "call" || call.callee.kind === "braced";
  const callee = evaluateCallee(e, call.callee, scope);
  if (callee.kind === "poison") return poison;
  if (callee.kind === "callable" && isFunction(callee)) {
    return within(e, scope, label, (inner) =>
      applyFunctionCall(e, callee, call, incoming, inner, hasBraces),
    );
  }
  if (callee.kind === "net") {
    const changed =
      incoming === undefined ? withNetSettings(e, callee, args, scope, at) : undefined;
    return changed ?? applyToArguments(e, callee, call, args, incoming, scope, label);
  }
  if (callee.kind !== "callable") return e.fail(notCallable(callee, call.callee, at, scope), scope);
  if (isSecondList || takesTensors(callee, call.callee, incoming, scope)) {
    return applyToArguments(e, callee, call, args, incoming, scope, label);
  }
  const configured = withSettings(e, callee, args, scope, at, hasBraces);
  if (configured === undefined) return poison;
  if (incoming === undefined) {
    return label === undefined ? configured : e.fail(errors.nothingFlows(at), scope);
  }
  return e.apply(configured, [incoming], { scope, at, label, name: nameOf(call.callee) });
}

/** Of a block-valued setting that lacks no setting, a call in an expression is an application: `inner(x)`. */
function takesTensors(
  callee: CallableValue,
  expression: Expression,
  incoming: Value | undefined,
  scope: Scope,
): boolean {
  if (callee.target.kind === "braces" || callee.target.kind === "stage") return true;
  if (incoming !== undefined || expression.kind !== "name") return false;
  return scope.get(expression.name) !== undefined && missingSettings(callee).length === 0;
}

function applyToArguments(
  e: Evaluator,
  callee: CallableValue | NetValue,
  call: CallExpression,
  args: readonly Argument[],
  incoming: Value | undefined,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  const inputs: Value[] = incoming === undefined ? [] : [incoming];
  const named = new Map<string, { readonly value: Value; readonly at: FileSpan }>();
  for (const argument of args) {
    const at = e.at(argument.span, scope);
    if (argument.kind === "initializer") return e.fail(errors.initializerAmongTensors(at), scope);
    const value = e.evaluate(argument.value, scope);
    if (argument.name === undefined) inputs.push(value);
    else named.set(argument.name.text, { value, at });
  }
  const at = e.at(call.span, scope);
  return e.apply(callee, inputs, { scope, at, label, named, name: nameOf(call.callee) });
}

/** The name that an instance without a label gets its path from. */
function nameOf(expression: Expression): string {
  if (expression.kind === "name") return expression.name.replace(withOtherSettings, "");
  if (expression.kind === "member") return expression.member.text;
  return expression.kind === "call" ? nameOf(expression.callee) : "";
}

function notCallable(value: Value, expression: Expression, at: FileSpan, scope: Scope) {
  const name = expression.kind === "name" ? expression.name : undefined;
  return errors.notCallable(name, describeValue(value, scope.roles), at);
}
