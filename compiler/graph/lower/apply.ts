// Applies a block, a net or braces to tensors: takes a path, completes the settings, meets the inputs, walks the body,
// and gives the result in the words of the caller. The instance tree (modules) is a by-product.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { BlockDeclaration, Field, Identifier } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { RoleTable } from "./axis.ts";
import { applyFunction, isFunction } from "./apply-function.ts";
import { defineSettings, missingSettings } from "./bind-settings.ts";
import { showTensor, showValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { joinPath, PathFrame, snakeCase } from "./path-frame.ts";
import { takePath, within } from "./labels.ts";
import { withNamedInputs } from "./named-inputs.ts";
import { newApplication, type Place, type PlacedOverride } from "./place.ts";
import { Scope } from "./scope.ts";
import { leaveBody, meetInput } from "./signature.ts";
import { poison, withParts, type CallableValue, type NetValue, type Value } from "./value.ts";

export interface ApplyOptions {
  /** The place of use: names of axes in results, training or not, where paths go. */
  readonly scope: Scope;
  readonly at: FileSpan;
  readonly label?: Identifier | undefined;
  /** Inputs by name. */
  readonly named?: ReadonlyMap<string, { readonly value: Value; readonly at: FileSpan }>;
  /** As written at the place of use: an instance without a label gets its path from it. */
  readonly name?: string;
}

/** How deep blocks may lie in each other: a cycle through block-valued settings would never end. */
const deepest = 200;

export function applyCallable(
  e: Evaluator,
  callee: CallableValue | NetValue,
  inputs: readonly Value[],
  options: ApplyOptions,
): Value {
  if (callee.kind === "net") return applyNet(e, callee, inputs, options);
  const { target } = callee;
  if (target.kind === "block") {
    const path = pathOfInstance(e, callee, options);
    return path === undefined ? poison : applyBlock(e, callee, path, inputs, options);
  }
  if (isFunction(callee)) {
    return within(e, options.scope, options.label, (scope) =>
      applyFunction(e, callee, inputs, { ...options, scope }),
    );
  }
  return within(e, options.scope, options.label, (scope) =>
    applyBraces(e, callee, inputs, scope, options),
  );
}

function pathOfInstance(
  e: Evaluator,
  callee: CallableValue,
  options: ApplyOptions,
): string | undefined {
  const { scope, label, at } = options;
  if (label !== undefined) return takePath(e, scope, label.text, e.at(label.span, scope));
  const name = snakeCase(
    options.name === undefined || options.name === "" ? callee.name : options.name,
  );
  const { target } = callee;
  const isModel = target.kind === "block" && target.declaration.kind === "model";
  const taken = scope.place.frame.takeUnlabelled(name, isModel, at);
  if (!("clash" in taken)) return taken.path;
  e.fail(errors.pathTwice(taken.path, taken.isUnlabelled, taken.clash, at), scope);
  return undefined;
}

// ---------------------------------------------------------------------------------------------- nets and braces

/** Every application of a net is a fresh walk over the same paths. */
function applyNet(
  e: Evaluator,
  net: NetValue,
  inputs: readonly Value[],
  options: ApplyOptions,
): Value {
  const application = newApplication();
  const outer = options.scope.place;
  const place: Place = {
    ...outer,
    frame: new PathFrame(net.path, "a block"),
    application,
    ownership: net.ownership,
    training: outer.training && !e.instances.isFrozen(net.path),
    overrides: [],
    functions: "",
  };
  const scope = options.scope.inner(place);
  const { target } = net.callable;
  let result: Value;
  if (target.kind === "block") {
    result = applyBlock(e, net.callable, net.path, inputs, { ...options, scope, label: undefined });
  } else {
    const origin = e.origin(scope, options.at);
    e.instances.enter(net.path, {
      path: net.path,
      block: "",
      settings: [],
      output: "",
      origin,
      callable: net.callable,
    });
    result = applyBraces(e, net.callable, inputs, scope, options);
    if (result.kind === "tensor") e.instances.leave(net.path, showTensor(result, scope.roles));
  }
  application.outputs.set(net.path, result);
  return withParts(result, { kind: "parts", application, path: net.path });
}

/** Braces see the names of where they were written; labels and `training` are those of the place of use. */
function applyBraces(
  e: Evaluator,
  callee: CallableValue,
  inputs: readonly Value[],
  scope: Scope,
  { at, named }: ApplyOptions,
): Value {
  const { target } = callee;
  const [incoming] = inputs;
  if (inputs.length !== 1 || incoming === undefined) {
    return e.fail(errors.bracesTakeOne(inputs.length, at), scope);
  }
  if (incoming.kind === "absent" || incoming.kind === "poison") return incoming;
  if (target.kind !== "braces" && target.kind !== "stage")
    throw new Error(`${callee.name} is not in braces`);
  const inner = target.scope.inner(scope.place);
  const written = target.kind === "braces" ? target.braces.result : target.operation;
  const operation = named?.size ? withNamedInputs(e, written, named, inner) : written;
  if (operation === undefined)
    return e.fail(errors.bracesTakeNoNamed([...named!.keys()].join(", "), at), scope);
  return target.kind === "braces"
    ? e.braces({ ...target.braces, result: operation }, incoming, inner)
    : e.stage(operation, incoming, inner);
}

// ---------------------------------------------------------------------------------------------- blocks

/** A model that is another one with other settings: its body owns nothing and is one application, without a label. */
function appliesOnly({ kind, body }: BlockDeclaration): boolean {
  const ownsNothing = body.statements.every(({ kind }) =>
    ["let", "require", "init"].includes(kind),
  );
  if (kind !== "model" || !ownsNothing) return false;
  const { result } = body;
  if (result.kind === "call") return true;
  return (
    result.kind === "pipe" && result.stages.length === 1 && result.stages[0]!.label === undefined
  );
}

function applyBlock(
  e: Evaluator,
  callee: CallableValue,
  path: string,
  inputs: readonly Value[],
  options: ApplyOptions,
): Value {
  const { target } = callee;
  if (target.kind !== "block") throw new Error(`${callee.name} is not a block`);
  const { declaration, file } = target;
  const caller = options.scope;
  const missing = missingSettings(callee);
  if (missing.length > 0) {
    const names = missing.map((field) => field.name.text);
    return e.fail(errors.missingSettings(callee.name, names, options.at), caller);
  }
  if (inputs.some((input) => input.kind === "poison") || !e.mayGoOn(caller, options.at))
    return poison;
  const site = { name: declaration.name.text, at: options.at, isStandard: caller.file.isStandard };
  if (e.calls.length > deepest)
    return e.fail(errors.tooDeep(declaration.name.text, options.at), caller);
  e.calls.push(site);
  const result = enterBlock(e, callee, declaration, file, path, inputs, options);
  e.calls.pop();
  return result;
}

function enterBlock(
  e: Evaluator,
  callee: CallableValue,
  declaration: BlockDeclaration,
  file: FileScope,
  path: string,
  inputs: readonly Value[],
  options: ApplyOptions,
): Value {
  const caller = options.scope;
  const placed = callee.overrides.map((override): PlacedOverride => ({
    path: joinPath(path, override.path.join(".")),
    override,
    used: { value: false },
  }));
  const place: Place = {
    ...caller.place,
    frame: new PathFrame(path, appliesOnly(declaration) ? "a model" : "nothing"),
    training: caller.place.training && !e.instances.isFrozen(path),
    rules: [...caller.place.rules],
    overrides: [...caller.place.overrides, ...placed],
    block: declaration.name.text,
    functions: "",
  };
  const signature = new Scope(undefined, { file, roles: new RoleTable(), place });
  // A setting that is wrong is poison: what does not depend on it is still checked.
  defineSettings(e, declaration.settings, callee.given, signature);
  const absent = bindInputs(e, declaration, inputs, signature, options);
  if (absent === undefined) return poison;
  if (absent.kind === "absent") return absent;
  enterModule(e, callee, declaration, path, signature, options.at);
  const body = signature.inner();
  for (const statement of declaration.body.statements)
    if (!body.stopped) e.statement(statement, body);
  const value = body.stopped ? poison : e.evaluate(declaration.body.result, body);
  const result = leaveBody(e, value, declaration.result, declaration.name.text, signature, caller);
  if (result.kind === "tensor") e.instances.leave(path, showTensor(result, caller.roles));
  caller.place.application.outputs.set(path, result);
  if (result.kind !== "poison") reportUnused(e, placed, path, caller);
  return result;
}

function enterModule(
  e: Evaluator,
  callee: CallableValue,
  declaration: BlockDeclaration,
  path: string,
  signature: Scope,
  at: FileSpan,
): void {
  const settings = declaration.settings.map((field) => ({
    name: field.name.text,
    value: showValue(signature.get(field.name.text)!, signature.roles),
  }));
  const block = declaration.name.text;
  e.instances.stand(path, { block, file: signature.file.name, settings });
  if (e.instances.modules.has(path) && e.instances.modules.get(path)!.callable !== undefined)
    return;
  const given = new Map(
    declaration.settings.map(
      (field) => [field.name.text, signature.get(field.name.text)!] as const,
    ),
  );
  const origin = { ...e.origin(signature, at), path };
  // A block that stands at the path of its braces takes the place of their record.
  e.instances.modules.set(path, {
    path,
    block,
    settings,
    output: "",
    origin,
    callable: { ...callee, given },
  });
}

/** An override that met no parameter names a path that does not exist. */
function reportUnused(
  e: Evaluator,
  placed: readonly PlacedOverride[],
  path: string,
  scope: Scope,
): void {
  for (const { override, used } of placed) {
    if (used.value) continue;
    const below = [...e.instances.parameters.keys()]
      .filter((each) => each.startsWith(path === "" ? "" : `${path}.`))
      .map((each) => (path === "" ? each : each.slice(path.length + 1)));
    e.fail(errors.unknownParameter(override.path.join("."), below, override.at), scope);
  }
}

// ---------------------------------------------------------------------------------------------- inputs

/** Defines the inputs. An absent value where one must be given makes the whole application absent. Undefined: reported. */
function bindInputs(
  e: Evaluator,
  declaration: BlockDeclaration,
  inputs: readonly Value[],
  signature: Scope,
  options: ApplyOptions,
): { readonly kind: "bound" } | Extract<Value, { kind: "absent" }> | undefined {
  const name = declaration.name.text;
  const fields = declaration.inputs;
  const given = collectInputs(e, name, fields, inputs, options);
  if (given === undefined) return undefined;
  for (const field of fields) {
    const input = field.name.text;
    const value = given.get(input);
    const isOptional = field.type?.kind === "type-optional" || field.default !== undefined;
    if (value === undefined && !isOptional) {
      e.fail(errors.missingInput(name, input, options.at), options.scope);
      return undefined;
    }
    if (value?.kind === "poison") return undefined;
    if (value === undefined || value.kind === "none" || (value.kind === "absent" && isOptional)) {
      signature.define(input, { kind: "absent", input });
      continue;
    }
    if (value.kind === "absent") return value;
    const met = meetInput(e, name, field, value, signature, options);
    if (met === undefined) return undefined;
    signature.define(input, met);
  }
  return { kind: "bound" };
}

/** Inputs by place and by name; a record alone fills the inputs of its names. */
function collectInputs(
  e: Evaluator,
  name: string,
  fields: readonly Field[],
  inputs: readonly Value[],
  options: ApplyOptions,
): Map<string, Value> | undefined {
  const given = new Map<string, Value>();
  const [first] = inputs;
  const names = fields.map((field) => field.name.text);
  if (
    first?.kind === "record" &&
    inputs.length === 1 &&
    names.some((each) => first.fields.has(each))
  ) {
    for (const each of names) {
      const value = first.fields.get(each);
      if (value !== undefined) given.set(each, value);
    }
  } else {
    if (inputs.length > fields.length) {
      e.fail(errors.tooManyInputs(name, names, inputs.length, options.at), options.scope);
      return undefined;
    }
    inputs.forEach((value, i) => given.set(names[i]!, value));
  }
  for (const [input, { value, at }] of options.named ?? []) {
    if (!names.includes(input)) {
      e.fail(errors.unknownInput(name, input, names, at), options.scope);
      return undefined;
    }
    if (given.has(input)) {
      e.fail(errors.settingTwice(name, input, at), options.scope);
      return undefined;
    }
    given.set(input, value);
  }
  return given;
}
