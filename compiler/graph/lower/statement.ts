// The statements of a body: each defines a name, or says something of the state or of what must hold.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type {
  Expression,
  Identifier,
  InitStatement,
  LetStatement,
  NextStatement,
  ParamStatement,
  RequireStatement,
  StateStatement,
  Statement,
  TensorDraw,
} from "../../../grammar/syntax.ts";
import { pathText } from "../../../grammar/syntax.ts";
import type { DType, Initializer, Node } from "../graph.ts";
import { showAxes, sizesOf, type Axis } from "./axis.ts";
import { bindTuple } from "./binding.ts";
import { isTaken } from "./choice.ts";
import { describeValue, showValue } from "./describe-value.ts";
import { drawTensor } from "./draw.ts";
import { broadcastTo, commonAxes } from "./elementwise.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { isTruth } from "./host-value.ts";
import { evaluateDistribution, initializerFor } from "./initializer.ts";
import { addRule } from "./initializer-rules.ts";
import { takePath } from "./labels.ts";
import type { Scope } from "./scope.ts";
import { axesOfShape } from "./shape.ts";
import { poison, tensor, type DistributionValue, type Value } from "./value.ts";

export function evaluateStatement(e: Evaluator, statement: Statement, scope: Scope): void {
  switch (statement.kind) {
    case "let":
      return evaluateLet(e, statement, scope);
    case "net":
      return scope.define(statement.name.text, e.net(statement.name.text, statement.value, scope));
    case "param":
      return evaluateParam(e, statement, scope);
    case "state":
      return evaluateState(e, statement, scope);
    case "draw":
      if (!isDrawn(e, statement, scope)) return;
      return scope.define(statement.name.text, drawTensor(e, statement, scope));
    case "draw-setting":
      e.fail(errors.drawOutsideRecipe(e.at(statement.span, scope)), scope);
      return scope.define(statement.name.text, poison);
    case "next":
      return evaluateNext(e, statement, scope);
    case "init":
      return evaluateInit(e, statement, scope);
    case "require":
      return evaluateRequire(e, statement, scope);
  }
}

function evaluateLet(e: Evaluator, statement: LetStatement, scope: Scope): void {
  const value = e.evaluate(statement.value, scope);
  bindTuple(e, statement.binding, value, scope);
}

/** `when` on a declaration; a name that is not declared keeps the meaning that it had. */
function holds(
  e: Evaluator,
  statement: { readonly when: Expression | undefined; readonly name: Identifier },
  scope: Scope,
): boolean {
  if (statement.when === undefined) return true;
  const taken = isTaken(e, statement.when, scope);
  if (taken === undefined) scope.define(statement.name.text, poison);
  return taken === true;
}

/** Where the step decides, there is a draw at each step: what reads it chooses by the step as well. */
function isDrawn(e: Evaluator, statement: TensorDraw, scope: Scope): boolean {
  const value = statement.when && e.evaluate(statement.when, scope);
  return (value?.kind === "host" && isTruth(value.expression)) || holds(e, statement, scope);
}

// ---------------------------------------------------------------------------------------------- arrays

function evaluateParam(e: Evaluator, statement: ParamStatement, scope: Scope): void {
  if (!holds(e, statement, scope)) return;
  const name = statement.name.text;
  scope.define(name, poison);
  const axes = axesOfShape(e, statement.shape, scope);
  const declared = evaluateDistribution(e, statement.distribution, scope);
  if (axes === undefined || declared === undefined) return;
  const at = e.at(statement.name.span, scope);
  const path = takePath(e, scope, name, at);
  if (path === undefined) return;
  const node = parameterNode(e, path, axes, declared, scope, at);
  if (node !== undefined) scope.define(name, tensor(node, axes));
}

function parameterNode(
  e: Evaluator,
  path: string,
  axes: readonly Axis[],
  declared: DistributionValue,
  scope: Scope,
  at: FileSpan,
): Node | undefined {
  const { place } = scope;
  const shape = sizesOf(axes);
  const initializer = initializerFor(e.instances, place, path, declared, shape);
  const known = e.instances.parameters.get(path) ?? e.instances.states.get(path);
  if (!checkArray(e, path, shape, known?.shape, scope, at)) return undefined;
  const origin = e.origin(scope, at);
  if (place.ownership.kind === "twin") {
    const follows = place.ownership.of + path.slice(place.ownership.twin.length);
    e.instances.follows.set(path, follows);
    const copy: Initializer = { kind: "copy", settings: { path: follows } };
    return stateLeaf(e, path, shape, "f32", copy, scope, at);
  }
  const trainable = !e.instances.isFrozen(path);
  const parameter = {
    path,
    shape,
    dtype: "f32" as const,
    initializer,
    trainable,
    block: place.block,
    origin,
  };
  if (!e.instances.parameters.has(path)) e.instances.parameters.set(path, parameter);
  return e.builder.parameter(e.instances.parameters.get(path)!);
}

/** One array a path: not two in one application, and the same shape in every application. */
function checkArray(
  e: Evaluator,
  path: string,
  shape: readonly number[],
  known: readonly number[] | undefined,
  scope: Scope,
  at: FileSpan,
): boolean {
  if (!e.instances.claim(path, scope.place.application)) {
    e.fail(errors.arrayTwice(path, at), scope);
    return false;
  }
  if (known === undefined || known.join() === shape.join()) return true;
  e.fail(errors.arrayChanged(path, known, shape, at), scope);
  return false;
}

function stateLeaf(
  e: Evaluator,
  path: string,
  shape: readonly number[],
  dtype: DType,
  initializer: Initializer,
  scope: Scope,
  at: FileSpan,
): Node {
  const state = { path, shape, dtype, initializer, origin: e.origin(scope, at) };
  if (!e.instances.states.has(path)) e.instances.states.set(path, state);
  const node = e.states.get(path) ?? e.builder.state(e.instances.states.get(path)!);
  e.states.set(path, node);
  return node;
}

const elementTypes: Readonly<Record<string, DType>> = {
  real: "f32", f32: "f32", f16: "f16", bf16: "bf16", int: "i32", i32: "i32", u32: "u32", bool: "bool",
}; // prettier-ignore

function evaluateState(e: Evaluator, statement: StateStatement, scope: Scope): void {
  if (!holds(e, statement, scope)) return;
  const name = statement.name.text;
  scope.define(name, poison);
  const axes = axesOfState(e, statement, scope);
  const declared = evaluateDistribution(e, statement.distribution, scope);
  if (axes === undefined || declared === undefined) return;
  const at = e.at(statement.name.span, scope);
  const path = takePath(e, scope, name, at);
  if (path === undefined) return;
  const shape = sizesOf(axes);
  if (!checkArray(e, path, shape, e.instances.states.get(path)?.shape, scope, at)) return;
  const initializer = initializerFor(e.instances, scope.place, path, declared, shape);
  const dtype = dtypeOfState(statement);
  if (dtype === undefined) {
    e.fail(errors.unknownElement(Object.keys(elementTypes), e.at(statement.span, scope)), scope);
    return;
  }
  const { ownership } = scope.place;
  if (ownership.kind === "twin")
    e.instances.statistics.set(path, ownership.of + path.slice(ownership.twin.length));
  const node = stateLeaf(e, path, shape, dtype, initializer, scope, at);
  scope.define(name, tensor(node, axes));
  scope.define(stateKey(name), { kind: "string", value: path });
}

/** Beside the value of a state, its scope keeps its path under a name that no text can have. */
function stateKey(name: string): string {
  return `state ${name}`;
}

function dtypeOfState(statement: StateStatement): DType | undefined {
  const { type } = statement;
  if (type === undefined || type.kind !== "type-tensor" || type.element === undefined) return "f32";
  return elementTypes[type.element.text];
}

function axesOfState(
  e: Evaluator,
  statement: StateStatement,
  scope: Scope,
): readonly Axis[] | undefined {
  const { type, like } = statement;
  if (like !== undefined) {
    const model = e.evaluate(like, scope);
    return e.tensor(model, scope, e.at(like.span, scope))?.axes;
  }
  if (type?.kind === "type-tensor") return axesOfShape(e, type.shape, scope);
  e.fail(errors.stateWithoutShape(statement.name.text, e.at(statement.span, scope)), scope);
  return undefined;
}

function evaluateNext(e: Evaluator, statement: NextStatement, scope: Scope): void {
  const name = statement.name.text;
  if (statement.when !== undefined && isTaken(e, statement.when, scope) !== true) return;
  const path = scope.get(stateKey(name));
  const state = scope.get(name);
  const at = e.at(statement.name.span, scope);
  if (state?.kind === "poison") return;
  if (path?.kind !== "string" || state?.kind !== "tensor") {
    e.fail(errors.nextOfNothing(name, at), scope);
    return;
  }
  const value = e.evaluate(statement.value, scope);
  const x = e.tensor(value, scope, e.at(statement.value.span, scope));
  if (x === undefined) return;
  const fits = commonAxes(e, [state, x], `next ${name}`, scope, at);
  if (fits === undefined) return;
  if (x.axes.length > state.axes.length) {
    e.fail(
      errors.nextShape(name, showAxes(state.axes, scope.roles), showAxes(x.axes, scope.roles), at),
      scope,
    );
    return;
  }
  const node = e.guarded(scope, at, () =>
    e.builder.cast(broadcastTo(e, x, state.axes), state.node.dtype),
  );
  if (node === undefined) return;
  e.renewState(path.value, node);
  scope.renew(name, tensor(node, state.axes));
}

// ---------------------------------------------------------------------------------------------- rules and claims

/** `init Linear.weight ~ …`: from here on, for every such block below. */
function evaluateInit(e: Evaluator, statement: InitStatement, scope: Scope): void {
  if (statement.when !== undefined && isTaken(e, statement.when, scope) !== true) return;
  const [block, ...rest] = statement.path.segments;
  const initializer = evaluateDistribution(e, statement.distribution, scope);
  if (block === undefined || initializer === undefined) return;
  const at = e.at(statement.path.span, scope);
  if (rest.length === 0) {
    e.fail(errors.initWithoutBlock(pathText(statement.path), at), scope);
    return;
  }
  const path = rest.map((segment) => segment.text).join(".");
  addRule(e, { block: block.text, path, initializer }, scope, at);
}

function evaluateRequire(e: Evaluator, statement: RequireStatement, scope: Scope): void {
  const value = e.evaluate(statement.condition, scope);
  if (value.kind === "poison" || (value.kind === "bool" && value.value)) return;
  const at = e.at(statement.condition.span, scope);
  if (value.kind !== "bool") {
    e.fail(errors.notACondition(value, scope.roles, at), scope);
    return;
  }
  scope.stop();
  e.fail(errors.requirement(filled(statement.message.value, scope), at), scope);
}

/** `{size}` in the message of a `require` is what `size` is. */
function filled(message: string, scope: Scope): string {
  return message.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value: Value | undefined = scope.get(name);
    const size = scope.boundSize(name);
    if (value !== undefined) {
      return value.kind === "tensor"
        ? describeValue(value, scope.roles)
        : showValue(value, scope.roles);
    }
    return size === undefined ? hole : String(size);
  });
}
