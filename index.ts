// Vitrail as functions: what the command line does, for use in a program.
// A wrong spec is a SpecError with its diagnostics, a failing world a WorldError with a hint.
import type { CompiledModel, CompiledRecipe } from "./compiler/compiled.ts";
import type { SemanticDiff } from "./compiler/diff/semantic-diff.ts";
import type { Limits } from "./compiler/program/limits.ts";
import type { Diagnostic } from "./grammar/diagnostic.ts";
import { format as formatTree } from "./grammar/format.ts";
import { parse } from "./grammar/parse.ts";
import type { StoredTensor } from "./runtime/checkpoint/safetensors.ts";
import { asFloat32, asInt32 } from "./runtime/checkpoint/stored-values.ts";
import { catalog } from "./runtime/data/catalog.ts";
import { openChosenDevice } from "./runtime/device/chosen-device.ts";
import { chooseDevice } from "./runtime/device/choose-device.ts";
import type { DeviceName } from "./runtime/device/choose-device.ts";
import { WorldError } from "./runtime/errors.ts";
import { evaluateRun } from "./runtime/evaluation/evaluate-run.ts";
import type { RunEvaluation } from "./runtime/evaluation/evaluate-run.ts";
import { predictImages } from "./runtime/evaluation/predict-image.ts";
import type { Prediction } from "./runtime/evaluation/predict-image.ts";
import { nodeHost } from "./runtime/host/node.ts";
import { profileOnDevice } from "./runtime/profile/profile-on-device.ts";
import type { Profile } from "./runtime/profile/profile.ts";
import { packageVersion, specFiles, specNames } from "./runtime/host/node-specs.ts";
import { compileFigures } from "./runtime/spec/compile-figures.ts";
import type { CompileFigures } from "./runtime/spec/compile-figures.ts";
import { compileRecipeSpec, compileSpec } from "./runtime/spec/compile-spec.ts";
import { diffSpecs } from "./runtime/spec/diff-specs.ts";
import { listModels } from "./runtime/spec/list-models.ts";
import type { ListedModel } from "./runtime/spec/list-models.ts";
import { checkSpec, openSpec } from "./runtime/spec/open-spec.ts";
import type { ResolvedSpec, Settings } from "./runtime/spec/open-spec.ts";
import { exportRun, exportSpec, importSpec } from "./runtime/spec/import-spec.ts";
import type { ExportOptions, ExportResult, ImportOptions, ImportResult } from "./runtime/spec/import-spec.ts"; // prettier-ignore
import { runSpec } from "./runtime/spec/run-spec.ts";
import { SpecError } from "./runtime/spec/spec-error.ts";
import { parseTarget } from "./runtime/spec/spec-target.ts";
import { summarize } from "./runtime/spec/summarize.ts";
import type { SpecSummary } from "./runtime/spec/summarize.ts";
import { compileRun, runFolder, trainingSource } from "./runtime/spec/train-spec.ts";
import { openRun as openRunFolder } from "./runtime/training/run-folder.ts";
import type { Run } from "./runtime/training/run-folder.ts";
import { train as runTraining } from "./runtime/training/train.ts";
import type { TrainingResult } from "./runtime/training/train.ts";
import type { TrainingRequest } from "./runtime/training/training-request.ts";

export { renderDiagnostic, renderDiagnostics } from "./grammar/diagnostic.ts";
export { UnclearTarget } from "./runtime/spec/open-spec.ts";
export { SpecError, WorldError };
export type {
  CompiledModel,
  CompiledRecipe,
  CompileFigures,
  DeviceName,
  Diagnostic,
  ExportOptions,
  ExportResult,
  ImportOptions,
  ImportResult,
  Limits,
  ListedModel,
  Prediction,
  Profile,
  ResolvedSpec,
  Run,
  RunEvaluation,
  SemanticDiff,
  Settings,
  SpecSummary,
  TrainingResult,
};
export type { KernelGroup } from "./runtime/profile/kernel-groups.ts";
export type { ProfiledStep } from "./runtime/profile/profile.ts";
export type { TrainingEvent } from "./runtime/training/events.ts";

export interface SpecOptions {
  /** Overrides as `.vit` text: `{ size: "384", classes: "none" }`. */
  readonly settings?: Settings;
}

/** All that is wrong with a file, warnings too; empty where it is fine. @throws WorldError where there is no such file */
export function check(file: string): readonly Diagnostic[] {
  const result = checkSpec(specFiles(), file, catalog(nodeHost));
  return result.kind === "wrong" ? result.diagnostics : result.warnings;
}

/** Every model with every variant of a file, or of a folder of them. @throws SpecError, WorldError */
export function list(file = "specs"): readonly ListedModel[] {
  return specNames(file).flatMap((name) => {
    const listed = listModels(specFiles(), name);
    if (listed.diagnostics.some(({ severity }) => severity === "error"))
      throw new SpecError(listed);
    return listed.models;
  });
}

/** Canonical text of a `.vit` text. @throws SpecError where it does not parse */
export function format(text: string, name = "text.vit"): string {
  const { file, diagnostics } = parse(text, name);
  const isWrong = diagnostics.some(({ severity }) => severity === "error");
  if (isWrong) throw new SpecError({ diagnostics, sources: new Map([[name, text]]) });
  return formatTree(file);
}

/** The model or recipe of `FILE:NAME@VARIANT`, resolved. @throws SpecError, UnclearTarget, WorldError */
export function open(target: string, { settings = {} }: SpecOptions = {}): ResolvedSpec {
  const result = openSpec(parseTarget(target), optionsOf(settings));
  if (result.kind === "wrong") throw new SpecError(result);
  return result;
}

/** Parameters, multiply-adds, modules. @throws SpecError, UnclearTarget, WorldError */
export function summary(target: string, options: SpecOptions = {}): SpecSummary {
  return summarize(open(target, options));
}

/** What differs between two models or two recipes. Settings are those of `to`. @throws SpecError, UnclearTarget, WorldError */
export function diff(from: string, to: string, { settings = {} }: SpecOptions = {}): SemanticDiff {
  const result = diffSpecs(
    { target: parseTarget(from), options: optionsOf({}) },
    { target: parseTarget(to), options: optionsOf(settings) },
  );
  if (result.kind === "wrong") throw new SpecError(result);
  if (result.kind === "diff") return result.diff;
  const message = `${from} is a ${result.from} and ${to} a ${result.to}`;
  throw new WorldError("bad-setting", message, "compare two models or two recipes");
}

export interface CompileOptions extends SpecOptions {
  /** The best that is here unless said. */
  readonly device?: DeviceName;
  /** Of the device to plan for; else what every device of that kind has. */
  readonly limits?: Limits;
  /** Of a model's forward pass. */
  readonly batch?: number;
  /** Compute threads that the memory is counted for; 1 unless said. */
  readonly threads?: number;
}

export interface Compilation {
  readonly compiled: CompiledRecipe | CompiledModel;
  /** Absent for the interpreter, which runs graphs as they are. */
  readonly figures?: CompileFigures;
}

/** Plans a recipe's training step or a model's forward pass. @throws SpecError, UnclearTarget, WorldError */
export async function compile(target: string, options: CompileOptions = {}): Promise<Compilation> {
  const { name } = await chooseDevice(options.device);
  const { batch, limits, threads = 1 } = options;
  const spec = compileSpec(
    parseTarget(target),
    { ...optionsOf(options.settings ?? {}), ...(batch === undefined ? {} : { batch }) },
    { target: name, threads, clock: nodeHost.now, ...(limits === undefined ? {} : { limits }) },
  );
  const figures = compileFigures(spec, threads);
  return { compiled: spec.compiled, ...(figures === undefined ? {} : { figures }) };
}

export interface ProfileOptions extends SpecOptions {
  readonly device?: Exclude<DeviceName, "interpret">;
  readonly threads?: number;
  /** Of a model; recipes state their own. */
  readonly batch?: number;
  /** Times that the step is run; each figure is the median. 15 unless said. */
  readonly repeats?: number;
}

/**
 * Where the time of a recipe's training step or a model's forward pass goes: each kernel with its time, work, share of
 * what the device can reach, and the line that it came from. Runs on generated values; no data set is read.
 * @throws SpecError, UnclearTarget, WorldError
 */
export async function profile(target: string, options: ProfileOptions = {}): Promise<Profile> {
  const { settings = {}, device: want, threads, batch, repeats = 15 } = options;
  const device = await openChosenDevice({
    ...(want === undefined ? {} : { want }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const spec = compileSpec(
      parseTarget(target),
      { ...optionsOf(settings), ...(batch === undefined ? {} : { batch }) },
      { target: device.name, limits: device.limits, threads: device.threads },
    );
    return await profileOnDevice(spec, device, nodeHost, repeats);
  } finally {
    await device.close();
  }
}

export interface TrainOptions
  extends
    SpecOptions,
    Pick<
      TrainingRequest,
      "onEvent" | "signal" | "steps" | "seed" | "workers" | "resume" | "metricsEvery"
    > {
  readonly device?: DeviceName;
  readonly threads?: number;
  /** `runs/NAME` unless said. */
  readonly folder?: string;
}

/** Trains a recipe; a run that is in the folder goes on. @throws SpecError, UnclearTarget, WorldError */
export async function train(target: string, options: TrainOptions = {}): Promise<TrainingResult> {
  const { settings = {}, device: want, threads, folder, ...rest } = options;
  const device = await openChosenDevice({
    ...(want === undefined ? {} : { want }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const spec = compileRecipeSpec(parseTarget(target), optionsOf(settings), {
      target: device.name,
      limits: device.limits,
      threads: device.threads,
      prediction: false,
    });
    return await runTraining({
      compiled: spec.compiled,
      device,
      folder: folder ?? runFolder(spec.target),
      ...trainingSource(spec, settings),
      versions: { vitrail: packageVersion(), node: process.version },
      host: nodeHost,
      ...rest,
    });
  } finally {
    await device.close();
  }
}

/** The run in a folder. @throws WorldError where there is none */
export function openRun(folder: string): Run {
  return openRunFolder(nodeHost.files, folder);
}

/** Values in row-major order: reals, ids, or truths as 0 and 1. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

export interface ModelRunOptions extends SpecOptions {
  /** Safetensors with our names, a checkpoint's folder, or a run's; with `as` a file of another library. */
  readonly weights: string;
  /** The library whose names the weights have, such as `timm`. */
  readonly as?: string;
  /** Of a recipe's checkpoint, the net whose weights to take. */
  readonly net?: string;
  /** By the names of the model's inputs; optional ones may be left out. Reals as Float32Array, ids as Int32Array, masks as Uint8Array. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly device?: DeviceName;
}

/**
 * A model's outputs by name (`output` where it has none) in evaluation form; the batch comes from the inputs.
 * @throws SpecError, UnclearTarget, WorldError
 */
export async function runModel(
  target: string,
  { weights, net, as, inputs, device: want, settings = {} }: ModelRunOptions,
): Promise<Readonly<Record<string, Tensor>>> {
  const device = await openChosenDevice(want === undefined ? {} : { want });
  try {
    const stored = Object.entries(inputs).map(([name, { shape, values }]) => {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return [name, { dtype: dtypeOf(values), shape, bytes }] as const;
    });
    const outputs = await runSpec(
      {
        target: parseTarget(target),
        weights,
        inputs: new Map(stored),
        ...(net === undefined ? {} : { net }),
        ...(as === undefined ? {} : { as }),
      },
      { options: optionsOf(settings), device, files: nodeHost.files },
    );
    return Object.fromEntries([...outputs].map(([name, tensor]) => [name, tensorOf(tensor)]));
  } finally {
    await device.close();
  }
}

function dtypeOf(values: Tensor["values"]): StoredTensor["dtype"] {
  if (values instanceof Float32Array) return "F32";
  return values instanceof Int32Array ? "I32" : "BOOL";
}

function tensorOf(tensor: StoredTensor): Tensor {
  const { shape, dtype } = tensor;
  if (dtype === "F32") return { shape, values: asFloat32(tensor) };
  return { shape, values: dtype === "BOOL" ? tensor.bytes : asInt32(tensor) };
}

export interface RunOptions {
  readonly device?: DeviceName;
}

/** The evaluations of a run at its newest checkpoint. @throws WorldError */
export function evaluate(run: Run, options: RunOptions = {}): Promise<RunEvaluation> {
  return onDevice(run, options, (context) => evaluateRun(run, context));
}

/** Probabilities of the classes for image files. @throws WorldError */
export function predict(
  run: Run,
  images: readonly string[],
  options: RunOptions = {},
): Promise<readonly Prediction[]> {
  return onDevice(run, options, (context) => predictImages(run, images, context));
}

/**
 * Another library's weights for a model or recipe, written to `out` under our names; what became of each tensor.
 * @throws SpecError, UnclearTarget, WorldError; then nothing is written
 */
export function importWeights(target: string, options: ImportOptions): ImportResult {
  return importSpec(parseTarget(target), options, weightsContext());
}

/**
 * Weights of ours, of a run's newest checkpoint or of a model, written to `out` under another library's names.
 * @throws SpecError, UnclearTarget, WorldError; then nothing is written
 */
export function exportWeights(of: string | Run, options: ExportOptions): ExportResult {
  return typeof of === "string"
    ? exportSpec(parseTarget(of), options, weightsContext())
    : exportRun(of, options, weightsContext());
}

function weightsContext() {
  return { specs: specFiles(), catalog: catalog(nodeHost), files: nodeHost.files };
}

async function onDevice<T>(
  run: Run,
  { device: want }: RunOptions,
  act: (context: Parameters<typeof predictImages>[2]) => Promise<T>,
): Promise<T> {
  const device = await openChosenDevice(want === undefined ? {} : { want });
  try {
    const { compiled } = compileRun(run, device, nodeHost);
    return await act({ compiled, device, host: nodeHost });
  } finally {
    await device.close();
  }
}

function optionsOf(settings: Settings) {
  return { files: specFiles(), catalog: catalog(nodeHost), settings };
}
