// Named instances: `net tower = Transformer(depth)`, and their parts by themselves: `online.encoder`.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Expression, Pipe, Stage } from "../../../grammar/syntax.ts";
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
