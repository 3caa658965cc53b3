// A pipe: a value goes through stages. Inside braces, repeats and the arms of a `match` the head is a stage too.
// The first stage that goes wrong ends the pipe; an input that is not given makes all of it absent.
import type {
  Braces,
  Expression,
  Identifier,
  Pipe,
  Repeat,
  Shape,
  Stage,
} from "../../../grammar/syntax.ts";
import { shapeOfList } from "../../../grammar/syntax.ts";
import { applyArrow, stateShape } from "./arrow.ts";
import { bindTuple } from "./binding.ts";
import { applyBracedStage, applyCallStage, applyNamedStage } from "./call.ts";
import { chooseArm, isTaken } from "./choice.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { underPath, within } from "./labels.ts";
import { joinPath } from "./path-frame.ts";
import type { Scope } from "./scope.ts";
import { itemsOf, poison, whole, type Value } from "./value.ts";

/** `incoming` is what the braces around were applied to; without it the head is a value. */
export function evaluatePipe(
  e: Evaluator,
  pipe: Pipe,
  scope: Scope,
  incoming: Value | undefined,
): Value {
  let value =
    incoming === undefined
      ? headValue(e, pipe.head, scope)
      : runStage(e, pipe.head, incoming, scope);
  for (const stage of pipe.stages) {
    if (value.kind === "poison") return poison;
    value = runStage(e, stage, value, scope);
  }
  return value;
}

/** The head of a pipe that begins with a value; `attn: CrossAttention(heads)(q, k)` has a label of its own. */
function headValue(e: Evaluator, stage: Stage, scope: Scope): Value {
  const at = e.at(stage.span, scope);
  if (stage.when !== undefined) return e.fail(errors.whenOnAHead(at), scope);
  const { operation, label } = stage;
  if (operation.kind === "repeat" || operation.kind === "arrow") {
    return e.fail(errors.nothingFlows(at), scope);
  }
  if (label === undefined) return e.evaluate(operation, scope);
  if (operation.kind === "call") return applyCallStage(e, operation, undefined, scope, label);
  return e.fail(errors.nothingFlows(at), scope);
}

export function runStage(e: Evaluator, stage: Stage, value: Value, scope: Scope): Value {
  if (stage.when !== undefined) {
    const taken = isTaken(e, stage.when, scope);
    if (taken === undefined) return poison;
    if (!taken) return value;
  }
  if (value.kind === "absent") return value;
  const { operation, label } = stage;
  if (operation.kind === "repeat") return runRepeat(e, operation, value, scope, label);
  if (operation.kind === "arrow") {
    const x = e.tensor(value, scope, e.at(operation.span, scope));
    return x === undefined ? poison : applyArrow(e, operation, x, scope);
  }
  return runOperation(e, operation, value, scope, label);
}

/** An expression as a stage: what it names is applied to the value. */
export function runOperation(
  e: Evaluator,
  operation: Expression,
  value: Value,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  switch (operation.kind) {
    case "name":
    case "member":
      return applyNamedStage(e, operation, value, scope, label);
    case "call":
      return applyCallStage(e, operation, value, scope, label);
    case "braced":
      return applyBracedStage(e, operation, value, scope, label);
    case "braces":
      return within(e, scope, label, (inner) => runBraces(e, operation, value, inner));
    case "shape":
      return stateStage(e, operation, value, scope);
    case "list":
      return stateStage(e, shapeOfList(operation), value, scope);
    case "match": {
      const arm = chooseArm(e, operation, scope);
      if (arm === undefined) return poison;
      return within(e, scope, label, (inner) => runOperation(e, arm, value, inner, undefined));
    }
    case "if": {
      const taken = isTaken(e, operation.condition, scope);
      if (taken === undefined) return poison;
      const chosen = taken ? operation.then : operation.else;
      return within(e, scope, label, (inner) => runOperation(e, chosen, value, inner, undefined));
    }
    case "pipe":
      return within(e, scope, label, (inner) => evaluatePipe(e, operation, inner, value));
    case "missing":
      return poison;
    default:
      return e.fail(errors.notAStage(e.at(operation.span, scope)), scope);
  }
}

function stateStage(e: Evaluator, shape: Shape, value: Value, scope: Scope): Value {
  const x = e.tensor(value, scope, e.at(shape.span, scope));
  return x === undefined ? poison : stateShape(e, shape, x, scope);
}

/** Braces applied to a value: their lets, then their pipe, whose head is a stage. */
export function runBraces(e: Evaluator, braces: Braces, value: Value, scope: Scope): Value {
  const inner = scope.inner();
  for (const statement of braces.lets) e.statement(statement, inner);
  return runOperation(e, braces.result, value, inner, undefined);
}

function runRepeat(
  e: Evaluator,
  repeat: Repeat,
  value: Value,
  scope: Scope,
  label: Identifier | undefined,
): Value {
  const at = e.at(repeat.span, scope);
  if (label === undefined) return poison; // reported by the parser
  const over = e.evaluate(repeat.over, scope);
  if (over.kind === "poison") return poison;
  const items = itemsOf(over);
  if (items === undefined) {
    return e.fail(errors.notAList(over, scope.roles, e.at(repeat.over.span, scope)), scope);
  }
  const isCount = over.kind === "number";
  return within(e, scope, label, (outer) => {
    let current = value;
    for (const [i, item] of items.entries()) {
      const path = joinPath(outer.place.frame.path, String(i));
      if (!e.mayGoOn(outer, at)) return poison;
      current = underPath(e, outer, path, at, (inner) => {
        if (!bindRound(e, repeat, i, item, isCount, inner)) return poison;
        return runBraces(e, repeat.body, current, inner);
      });
      if (current.kind === "poison") return poison;
    }
    return current;
  });
}

/** `as i` counts; `as (i, item)` goes through a list with its places. */
function bindRound(
  e: Evaluator,
  repeat: Repeat,
  i: number,
  item: Value,
  isCount: boolean,
  scope: Scope,
): boolean {
  const { binding } = repeat;
  if (binding === undefined) return true;
  if (!binding.isTuple) return bindTuple(e, binding, isCount ? whole(i) : item, scope);
  if (isCount) {
    e.fail(errors.countHasNoItems(e.at(binding.span, scope)), scope);
    return false;
  }
  return bindTuple(e, binding, { kind: "tuple", elements: [whole(i), item] }, scope);
}
