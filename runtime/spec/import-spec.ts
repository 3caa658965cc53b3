// `vit import` and `vit export` as functions: a target, a file of weights, a format -> a file.
import type { Files as SpecFiles } from "../../compiler/model/load-library.ts";
import type { Catalog } from "../../compiler/model/catalog.ts";
import type { ImportReport } from "../checkpoint/import-weights.ts";
import { openSource } from "../checkpoint/weight-source.ts";
import { writeWhole } from "../checkpoint/write-whole.ts";
import type { Files } from "../host/host.ts";
import { openCheckpoint } from "../training/run-folder.ts";
import type { Run } from "../training/run-folder.ts";
import { openSpec } from "./open-spec.ts";
import type { ResolvedSpec, Settings } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";
import type { SpecTarget } from "./spec-target.ts";
import { exportWeights, importWeights, oursToWrite } from "./weights-of-spec.ts";

export interface WeightsContext {
  readonly specs: SpecFiles;
  readonly catalog: Catalog;
  readonly files: Files;
}

export interface ImportOptions {
  /** A safetensors, PyTorch or npz file. */
  readonly weights: string;
  /** The format of its names; ours, unless said. */
  readonly as?: string;
  /** Where in the file the weights lie: `state_dict`, or what stands before all names. */
  readonly within?: string;
  /** As in a `load`: `position = resize(bicubic), head = fresh`. */
  readonly adapt?: string;
  /** Of a recipe, the net that is meant. */
  readonly net?: string;
  readonly settings?: Settings;
  /** For what starts anew; 0, unless said. */
  readonly seed?: number;
  readonly out: string;
}

export interface ImportResult extends ImportReport {
  readonly out: string;
  readonly within?: string;
}

/** @throws SpecError, UnclearTarget, WorldError; then nothing is written */
export function importSpec(
  target: SpecTarget,
  options: ImportOptions,
  context: WeightsContext,
): ImportResult {
  const { weights, within, out, settings = {}, seed = 0, as, net, adapt } = options;
  const spec = resolved(target, settings, context.specs, context.catalog);
  const source = openSource(context.files, weights, within);
  const imported = importWeights(spec, { source, ...given({ as, net, adapt }) });
  const ours = oursToWrite(imported, seed, context.files);
  writeWhole(context.files, out, ours, { format: "vitrail" });
  const found = source.within === undefined ? {} : { within: source.within };
  return { ...imported.report, out, ...found };
}

export interface ExportOptions {
  readonly as: string;
  /** With our names; of a model without it, first values by the seed. */
  readonly weights?: string;
  readonly net?: string;
  readonly settings?: Settings;
  readonly seed?: number;
  readonly out: string;
}

export interface ExportResult {
  readonly out: string;
  readonly format: string;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Of ours that the format does not have. */
  readonly leftOut: readonly string[];
  /** Only theirs, written with what they always hold. */
  readonly filled: readonly string[];
}

/** @throws SpecError, UnclearTarget, WorldError; then nothing is written */
export function exportSpec(
  target: SpecTarget,
  options: ExportOptions,
  context: WeightsContext,
): ExportResult {
  const spec = resolved(target, options.settings ?? {}, context.specs, context.catalog);
  return exported(spec, options, context.files);
}

/** The newest checkpoint of a run. */
export function exportRun(run: Run, options: ExportOptions, context: WeightsContext): ExportResult {
  const { file, recipe: name, variant, settings = {} } = run.source;
  const target = { file, ...given({ name, variant }) };
  const specs = filesOfRun(run, context.specs);
  const spec = resolved(target, settings, specs, context.catalog);
  const { path } = openCheckpoint(context.files, run);
  return exported(spec, { ...options, weights: path }, context.files);
}

function exported(spec: ResolvedSpec, options: ExportOptions, files: Files): ExportResult {
  const { as, weights, net, seed = 0, out } = options;
  const source = weights === undefined ? undefined : openSource(files, weights);
  const { table, tensors } = exportWeights(spec, { as, ...given({ net, source }) }, seed, files);
  // `pt` is what PyTorch's reader of safetensors asks for.
  writeWhole(files, out, tensors, { format: "pt" });
  const filled = table.theirs.filter(({ from, name }) => from.length === 0 && tensors.has(name));
  return {
    out,
    format: table.format,
    tensors: [...tensors].map(([name, { shape }]) => ({ name, shape })),
    leftOut: table.alone,
    filled: filled.map(({ name }) => name),
  };
}

function resolved(
  target: SpecTarget,
  settings: Settings,
  files: SpecFiles,
  catalog: Catalog,
): ResolvedSpec {
  const spec = openSpec(target, { files, catalog, settings });
  if (spec.kind === "wrong") throw new SpecError(spec);
  return spec;
}

/** The run's own texts; maps of names that it does not have are those of today. */
function filesOfRun({ source }: Run, now: SpecFiles): SpecFiles {
  const isStandard = (name: string) => name.startsWith("specs/std/");
  const isMap = (name: string) =>
    /(^|\/)names\/[^/]*$/.test(name) || name === "specs/std/names.vit";
  const own = Object.entries(source.files);
  return {
    read: (name) =>
      isStandard(name)
        ? undefined
        : (source.files[name] ?? (isMap(name) ? now.read(name) : undefined)),
    shipped: new Map([
      ...[...now.shipped].filter(([name]) => isMap(name)),
      ...own.filter(([name]) => isStandard(name)),
    ]),
  };
}

/** What is there of optional things. */
function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
