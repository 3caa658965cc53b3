// A model of a file, with a variant and settings -> its graph for a batch in evaluation form, and its tree of modules.
// Counting a model allocates nothing of its size: a graph holds shapes, not numbers.
import type { Diagnostic, FileSpan, Sources } from "../../grammar/diagnostic.ts";
import { parse } from "../../grammar/parse.ts";
import type { Argument, BlockDeclaration } from "../../grammar/syntax.ts";
import { unknownName } from "../model/errors.ts";
import { findName, namesInReach, type FileScope, type Library } from "../model/library.ts";
import { op as opByName } from "../ops/registry.ts";
import { Builder } from "./builder.ts";
import type { Node, TensorGraph } from "./graph.ts";
import type { LoweredModel, Module } from "./lowered.ts";
import { missingSettings, withSettings } from "./lower/bind-settings.ts";
import * as errors from "./lower/errors.ts";
import { Evaluator } from "./lower/evaluator.ts";
import type { RuleUse } from "./lower/initializer-rules.ts";
import { Instances } from "./lower/instances.ts";
import { gathered } from "./lower/reporter.ts";
import type { Scope } from "./lower/scope.ts";
import type { CallableValue, TensorValue, Value } from "./lower/value.ts";
import { inputsOf, type InputShapes } from "./model-inputs.ts";

export interface ModelRequest {
  /** The file that declares the model, by its name in the library. */
  readonly file: string;
  /** A `model` or `block` of that file. */
  readonly model: string;
  readonly variant?: string;
  /** Overrides as `.vit` text: `{ size: "384", classes: "none" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** 1 unless said, for which multiply-adds are counted. */
  readonly batch?: number;
  /** Evaluation form unless said. */
  readonly training?: boolean;
  /** The inputs that are given, with their shapes, which size the batch and other open axes; all unless said. */
  readonly inputs?: InputShapes;
}

export interface ModelResult {
  /** Absent where there are errors. */
  readonly model?: LoweredModel;
  readonly diagnostics: readonly Diagnostic[];
  /** Rules for initial values that its bodies gave, and whether each has described any parameter. */
  readonly rules?: readonly RuleUse[];
  /** Texts for rendering them: those of the library, and the settings asked for. */
  readonly sources: Sources;
}

export function lowerModel(library: Library, request: ModelRequest): ModelResult {
  const file = library.files.get(request.file);
  if (file === undefined) throw new Error(`the library has no file ${request.file}`);
  const found = findName(library, file, request.model);
  const wholeFile: FileSpan = { file: file.name, start: 0, end: 0 };
  if (
    found === undefined ||
    (found.declaration.kind !== "model" && found.declaration.kind !== "block")
  ) {
    const names = namesInReach(library, file);
    return {
      diagnostics: [unknownName(request.model, names, wholeFile)],
      sources: library.sources,
    };
  }
  const args = argumentsOf(request, file);
  const callable = blockNamed(request.model, found.declaration, found.file);
  return lowerCallable(library, found.file, callable, args.list, {
    ...request,
    scopeFile: args.file ?? found.file,
    sources: args.sources,
  });
}

export function blockNamed(
  name: string,
  declaration: BlockDeclaration,
  file: FileScope,
): CallableValue {
  return {
    kind: "callable",
    name,
    target: { kind: "block", declaration, file },
    given: new Map(),
    overrides: [],
  };
}

/** The arguments of a request as syntax, in a file of their own, so that a mistake in them shows their text. */
function argumentsOf(
  request: ModelRequest,
  beside: FileScope,
): {
  readonly list: readonly Argument[];
  readonly file: FileScope | undefined;
  readonly sources: ReadonlyMap<string, string>;
} {
  const variant = request.variant === undefined ? [] : [JSON.stringify(request.variant)];
  const settings = Object.entries(request.settings ?? {}).map(
    ([name, text]) => `${name} = ${text}`,
  );
  const all = [...variant, ...settings];
  if (all.length === 0) return { list: [], file: undefined, sources: new Map() };
  const name = "the settings asked for";
  const text = `let asked = ${request.model}(${all.join(", ")})`;
  const { file: syntax } = parse(text, name);
  const [declaration] = syntax.declarations;
  const call =
    declaration?.kind === "let" && declaration.value.kind === "call"
      ? declaration.value
      : undefined;
  const file: FileScope = { ...beside, name, isStandard: false, syntax };
  return { list: call?.arguments ?? [], file, sources: new Map([[name, text]]) };
}

/** Lowers a block that is given by value; `args` are read in `scopeFile`. */
export function lowerCallable(
  library: Library,
  file: FileScope,
  callable: CallableValue,
  args: readonly Argument[],
  options: {
    readonly scopeFile: FileScope;
    readonly sources?: ReadonlyMap<string, string>;
    readonly variant?: string;
    readonly batch?: number;
    readonly training?: boolean;
    readonly inputs?: InputShapes;
  },
): ModelResult {
  const problems = gathered();
  if (library.cycles.length > 0) return { diagnostics: library.cycles, sources: library.sources };
  const instances = new Instances();
  const builder = new Builder();
  const subject =
    options.variant === undefined ? callable.name : `${callable.name}("${options.variant}")`;
  const sources = new Map([...library.sources, ...(options.sources ?? [])]);
  const evaluator = new Evaluator({
    library: { ...library, sources },
    builder,
    instances,
    subject,
    report: problems.report,
  });
  const asked = evaluator.scope(options.scopeFile, { training: options.training ?? false });
  const scope = evaluator.scope(file, { training: options.training ?? false });
  const at = placeOfName(callable, file);
  const configured = withSettings(evaluator, callable, args, asked, at);
  const refused = { diagnostics: problems.found, sources };
  if (configured === undefined) return refused;
  const missing = missingSettings(configured).map((field) => field.name.text);
  if (missing.length > 0) evaluator.fail(errors.missingSettings(callable.name, missing, at), scope);
  const inputs =
    missing.length > 0
      ? undefined
      : inputsOf(evaluator, configured, scope, options.inputs ?? options.batch ?? 1);
  if (inputs === undefined) return refused;
  const named = new Map([...inputs.values].map(([name, value]) => [name, { value, at }] as const));
  const net = { kind: "net", path: "", callable: configured, ownership: { kind: "own" } } as const;
  const result = evaluator.apply(net, [], { scope, at, named });
  const outputs = outputsOf(evaluator, result, scope, at);
  if (outputs === undefined || problems.found.length > 0) return refused;
  const graph = builder.finish({
    outputs: [...outputs].map(([name, value]) => ({ name, value: value.node })),
    updates: evaluator.updates(),
  });
  return {
    model: {
      name: callable.name,
      ...(options.variant === undefined ? {} : { variant: options.variant }),
      settings: inputs.settings,
      graph,
      inputs: [...inputs.values].map(([name, value]) => described(name, value, scope)),
      outputs: [...outputs].map(([name, value]) => described(name, value, scope)),
      modules: modulesOf(instances, graph),
    },
    rules: instances.rulesInUse(),
    diagnostics: problems.found,
    sources,
  };
}

function placeOfName(callable: CallableValue, file: FileScope): FileSpan {
  if (callable.target.kind !== "block") return { file: file.name, start: 0, end: 0 };
  const { span } = callable.target.declaration.name;
  return { file: callable.target.file.name, start: span.start, end: span.end };
}

// ---------------------------------------------------------------------------------------------- outputs

function outputsOf(
  e: Evaluator,
  result: Value,
  scope: Scope,
  at: FileSpan,
): Map<string, TensorValue> | undefined {
  if (result.kind === "poison") return undefined;
  const fields: Iterable<readonly [string, Value]> =
    result.kind === "record" ? result.fields : [["output", result]];
  const outputs = new Map<string, TensorValue>();
  for (const [name, value] of fields) {
    if (value.kind === "absent" && result.kind === "record") continue;
    const output = e.tensor(value, scope, at);
    if (output === undefined) return undefined;
    outputs.set(name, output);
  }
  return outputs;
}

function described(name: string, value: TensorValue, scope: Scope): LoweredModel["inputs"][number] {
  return {
    name,
    axes: value.axes.map((axis) => (axis.role === undefined ? "" : scope.roles.nameOf(axis.role))),
    shape: value.node.shape,
    dtype: value.node.dtype,
  };
}

// ---------------------------------------------------------------------------------------------- modules

/** Modules with what lies in and below them. Nodes and parameters that nothing reads are not counted. */
export function modulesOf(instances: Instances, graph: TensorGraph): Module[] {
  const parameters = new Map<string, number>();
  for (const { path, shape } of graph.parameters) {
    const count = shape.reduce((product, size) => product * size, 1);
    const owner = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
    addUpwards(parameters, owner, count);
  }
  const macs = new Map<string, number>();
  for (const node of graph.nodes) {
    const count = macsOf(node);
    if (count > 0) addUpwards(macs, node.origin.path, count);
  }
  return [...instances.modules.values()].map(({ path, block, settings, output, origin }) => ({
    path,
    block,
    standing: instances.standingAt(path),
    settings,
    parameters: parameters.get(path) ?? 0,
    macs: macs.get(path) ?? 0,
    output,
    origin,
  }));
}

function macsOf(node: Node): number {
  return opByName(node.op).cost?.(node.inputs, node, node.attributes).macs ?? 0;
}

/** Adds to a path and to all that it lies in, the empty path included. */
function addUpwards(totals: Map<string, number>, path: string, count: number): void {
  for (let at = path; ; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") {
    totals.set(at, (totals.get(at) ?? 0) + count);
    if (at === "") return;
  }
}
