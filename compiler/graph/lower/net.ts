// Named instances: `net tower = Transformer(depth)`, and their parts by themselves: `online.encoder`.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Argument, Expression, Pipe, Stage } from "../../../grammar/syntax.ts";
import { withSettings } from "./bind-settings.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { isUnder, joinPath } from "./path-frame.ts";
import { takePath } from "./labels.ts";
import type { Scope } from "./scope.ts";
import { poison, type CallableValue, type NetValue, type PoisonValue } from "./value.ts";

/** The value of a `net` statement or clause: it takes its path at once and makes nothing until applied. */
export function makeNet(
  e: Evaluator,
  name: string,
  expression: Expression,
  scope: Scope,
): NetValue | PoisonValue {
  const value = e.evaluate(expression, scope);
  const at = e.at(expression.span, scope);
  if (value.kind === "poison") return poison;
  if (
    value.kind !== "callable" ||
    value.target.kind === "function" ||
    value.target.kind === "intrinsic"
  ) {
    return e.fail(errors.notANet(describeValue(value, scope.roles), at), scope);
  }
  const path = takePath(e, scope, name, at);
  if (path === undefined) return poison;
  return { kind: "net", path, callable: value, ownership: scope.place.ownership };
}

/** A part of a net as a net of its own, over the same parameters. */
export function partOf(
  e: Evaluator,
  net: NetValue,
  name: string,
  scope: Scope,
  at: FileSpan,
): NetValue | PoisonValue {
  const path = joinPath(net.path, name);
  const { ownership } = net;
  const callable = stageOf(e, net, name) ?? e.instances.modules.get(path)?.callable;
  if (callable !== undefined) return { kind: "net", path, callable, ownership };
  const known = [...e.instances.modules.keys()].filter(
    (each) => isUnder(each, net.path) && each !== net.path,
  );
  const names = [
    ...labelsOf(net),
    ...known.map((each) => each.slice(net.path.length + 1).split(".")[0]!),
  ];
  return e.fail(errors.noPart(name, net.path, [...new Set(names)], at), scope);
}

/** The stage of that label in the braces that a net is made of. */
function stageOf(e: Evaluator, net: NetValue, name: string): CallableValue | undefined {
  const { target } = net.callable;
  if (target.kind !== "braces") return undefined;
  const stage = stagesOf(target.braces.result).find((each) => each.label?.text === name);
  if (
    stage === undefined ||
    stage.operation.kind === "arrow" ||
    stage.operation.kind === "repeat"
  ) {
    return undefined;
  }
  const { operation } = stage;
  const inner = target.scope.inner();
  for (const statement of target.braces.lets) e.statement(statement, inner);
  const value = e.evaluate(operation, inner);
  if (value.kind === "callable" && value.target.kind === "block") return value;
  return {
    kind: "callable",
    target: { kind: "stage", operation, scope: inner },
    name: "",
    given: new Map(),
    overrides: [],
  };
}

function labelsOf(net: NetValue): string[] {
  const { target } = net.callable;
  if (target.kind !== "braces") return [];
  return stagesOf(target.braces.result).flatMap((stage) => (stage.label ? [stage.label.text] : []));
}

function stagesOf(expression: Expression): readonly Stage[] {
  return expression.kind === "pipe" ? pipeStages(expression) : [];
}

function pipeStages(pipe: Pipe): readonly Stage[] {
  return [pipe.head, ...pipe.stages];
}

// ---------------------------------------------------------------------------------------------- other settings

/** Ends the name of a stage that has been given other settings: no name of a text ends so. */
export const withOtherSettings = " with other settings";

/**
 * `online(size = 384)`: the same net with other settings, for one application. In braces they go to the first stage
 * that has them all. Undefined where the arguments are not settings: then they are inputs.
 */
export function withNetSettings(
  e: Evaluator,
  net: NetValue,
  args: readonly Argument[],
  scope: Scope,
  at: FileSpan,
): NetValue | PoisonValue | undefined {
  if (args.length === 0) return undefined;
  const { target } = net.callable;
  if (target.kind === "block") {
    if (!hasSettings(net.callable, args)) return undefined;
    const callable = changed(e, net.callable, args, scope, at);
    return callable === undefined ? poison : { ...net, callable };
  }
  if (target.kind !== "braces" || target.braces.result.kind !== "pipe") return undefined;
  const pipe = target.braces.result;
  const inner = target.scope.inner();
  for (const stage of stagesOf(pipe)) {
    const block = blockOfStage(e, stage, inner);
    if (block === undefined || !hasSettings(block, args)) continue;
    const callable = changed(e, block, args, scope, at);
    if (callable === undefined) return poison;
    const name = callable.name + withOtherSettings;
    inner.define(name, callable);
    const other: Stage = {
      ...stage,
      operation: { kind: "name", name, span: stage.operation.span },
    };
    const put = (each: Stage) => (each === stage ? other : each);
    const result: Pipe = { ...pipe, head: put(pipe.head), stages: pipe.stages.map(put) };
    const braces = { ...target.braces, result };
    return { ...net, callable: { ...net.callable, target: { ...target, braces, scope: inner } } };
  }
  return undefined;
}

function blockOfStage(e: Evaluator, stage: Stage, scope: Scope): CallableValue | undefined {
  const { operation } = stage;
  const name = operation.kind === "call" ? operation.callee : operation;
  if (name.kind !== "name" || !/^[A-Z]/.test(name.name) || operation.kind === "repeat")
    return undefined;
  if (operation.kind === "arrow") return undefined;
  const value = e.evaluate(operation, scope);
  return value.kind === "callable" && value.target.kind === "block" ? value : undefined;
}

function hasSettings(callable: CallableValue, args: readonly Argument[]): boolean {
  if (callable.target.kind !== "block") return false;
  const settings = callable.target.declaration.settings.map((setting) => setting.name.text);
  return args.every((argument) => {
    if (argument.kind === "initializer") return false;
    return argument.name !== undefined && settings.includes(argument.name.text);
  });
}

/** Other settings win over those that the net was named with. */
function changed(
  e: Evaluator,
  callable: CallableValue,
  args: readonly Argument[],
  scope: Scope,
  at: FileSpan,
): CallableValue | undefined {
  const fresh = withSettings(e, { ...callable, given: new Map() }, args, scope, at);
  return fresh && { ...fresh, given: new Map([...callable.given, ...fresh.given]) };
}
