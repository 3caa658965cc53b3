// A resolved model or recipe, a file of weights and the format of its names -> the weights of ours, with a report; and
// the same backwards. What lies in which place is said by the maps of names; nothing is written before all of it fits.
import { declaredTokens } from "../../compiler/graph/declared-tokens.ts";
import type { Parameter } from "../../compiler/graph/graph.ts";
import { adaptationNames, readAdaptations } from "../../compiler/names/adaptations.ts";
import type { Adaptation } from "../../compiler/names/adaptations.ts";
import { theirsOf } from "../../compiler/names/apply-names.ts";
import type { Numbers } from "../../compiler/names/apply-names.ts";
import type { NameTable } from "../../compiler/names/name-table.ts";
import { nearestHints } from "../../compiler/model/nearest-name.ts";
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import { parse } from "../../grammar/parse.ts";
import type { RecordExpression } from "../../grammar/syntax.ts";
import { planImport } from "../checkpoint/import-weights.ts";
import type { PlannedImport, Source } from "../checkpoint/import-weights.ts";
import type { MadeTensor } from "../checkpoint/safetensors.ts";
import { initialTensor } from "../training/initialize.ts";
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import { namesOfSpec, ownedBy } from "./names-of-spec.ts";
import type { ResolvedSpec } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";

export interface WeightsRequest {
  readonly source: Source;
  /** The names of the file; ours, unless said. */
  readonly as?: string;
  /** Of a recipe with several nets, the one that is meant; or a part. */
  readonly net?: string;
  /** As in a `load`: `position = resize(bicubic), head = fresh`. */
  readonly adapt?: string;
}

export interface ImportedWeights extends PlannedImport {
  /** What is ours: parameters, then statistics. */
  readonly wanted: readonly OursTensor[];
}

type OursTensor = Pick<Parameter, "path" | "shape" | "dtype" | "initializer">;

/** @throws SpecError, WorldError `unlike-checkpoint` with all that is wrong */
export function importWeights(spec: ResolvedSpec, request: WeightsRequest): ImportedWeights {
  const root = rootOf(spec, request.net);
  const wanted = oursOfSpec(spec, root);
  const changes = adaptationsOf(spec, root, request.adapt ?? "");
  const table = request.as === undefined ? {} : { table: tableOf(spec, request.as, root) };
  const within = root === "" ? {} : { root };
  return { wanted, ...planImport(request.source, { wanted, changes, ...table, ...within }) };
}

/** Ours, one tensor at a time: those of the file, and first values by the seed where they start anew. */
export function oursToWrite(
  { wanted, read }: ImportedWeights,
  seed: number,
  files: Files,
): ReadonlyMap<string, MadeTensor> {
  return new Map(
    wanted.map((tensor): [string, MadeTensor] => [
      tensor.path,
      {
        dtype: "F32",
        shape: tensor.shape,
        read: () =>
          bytesOf(Float32Array.from(read(tensor.path) ?? initialTensor(tensor, seed, files))),
      },
    ]),
  );
}

export interface ExportedWeights {
  readonly table: NameTable;
  readonly tensors: ReadonlyMap<string, MadeTensor>;
}

/**
 * Weights of ours under the names of a format. `source` holds them under our names, with or without the net's in front;
 * without it they are first values by the seed.
 * @throws SpecError, WorldError
 */
export function exportWeights(
  spec: ResolvedSpec,
  request: { readonly as: string; readonly net?: string; readonly source?: Source },
  seed: number,
  files: Files,
): ExportedWeights {
  const root = rootOf(spec, request.net);
  const table = tableOf(spec, request.as, root);
  const wanted = oursOfSpec(spec, root);
  const byPath = new Map(wanted.map((tensor) => [tensor.path, tensor]));
  const planned = request.source && planImport(request.source, { wanted, changes: [] });
  const read = (path: string): Numbers =>
    planned?.read(path) ?? Float32Array.from(initialTensor(byPath.get(path)!, seed, files));
  const tensors = new Map<string, MadeTensor>();
  for (const tensor of table.theirs) {
    const { name, shape, isInteger, from, filling } = tensor;
    if (from.length === 0 && filling === undefined) continue;
    tensors.set(name, {
      dtype: isInteger ? "I64" : "F32",
      shape,
      read: () => {
        const values = theirsOf(tensor, read);
        return isInteger
          ? bytesOf(BigInt64Array.from(values, (value) => BigInt(value)))
          : bytesOf(Float32Array.from(values));
      },
    });
  }
  return { table, tensors };
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function tableOf(spec: ResolvedSpec, format: string, root: string): NameTable {
  return namesOfSpec(spec, format, root === "" ? undefined : root);
}

/** A model is meant whole; of a recipe its only net, or the one that is named. */
function rootOf(spec: ResolvedSpec, net: string | undefined): string {
  if (spec.kind === "model") return net ?? "";
  const { modules, twins } = spec.recipe;
  const follows = new Set(twins.map(({ name }) => name));
  const nets = modules
    .filter(({ path, parameters }) => path !== "" && !path.includes(".") && parameters > 0)
    .map(({ path }) => path)
    .filter((path) => !follows.has(path));
  const known = modules.map(({ path }) => path);
  if (net === undefined && nets.length === 1) return nets[0]!;
  if (net !== undefined && known.includes(net)) return net;
  throw new WorldError(
    "bad-setting",
    net === undefined
      ? `${spec.target.name} has several nets: ${nets.join(", ")}`
      : `${spec.target.name} has no net or part ${net}`,
    `say which is meant, as in --net ${nets[0] ?? "model"}`,
  );
}

/** Parameters and statistics below a net; a twin is no weight of its own. */
function oursOfSpec(spec: ResolvedSpec, root: string): readonly OursTensor[] {
  const { parameters, states } = spec.kind === "recipe" ? spec.recipe : spec.model.graph;
  return [...parameters, ...states].filter(
    ({ path, initializer }) =>
      (root === "" || path === root || path.startsWith(`${root}.`)) && initializer.kind !== "copy",
  );
}

/** The text of an adaptation, read as the braces of a `load` are. */
function adaptationsOf(spec: ResolvedSpec, root: string, text: string): readonly Adaptation[] {
  const file = "the adaptations asked for";
  const written = `recipe adapted { load net from "" { ${text} } }`;
  const { file: syntax, diagnostics } = parse(written, file);
  const [recipe] = syntax.declarations;
  const clause = recipe?.kind === "recipe" ? recipe.clauses[0] : undefined;
  const record: RecordExpression | undefined = clause?.kind === "load" ? clause.changes : undefined;
  const found: Diagnostic[] = [...diagnostics];
  const { parameters, modules } = ownedBy(spec);
  const paths = [...modules, ...parameters].map(({ path }) => path);
  const report = (
    message: string,
    span: { readonly start: number; readonly end: number },
    hints: readonly string[],
  ) => found.push({ severity: "error", code: "wrong-setting", message, span: { file, start: span.start, end: span.end }, hints }); // prettier-ignore
  const owned = {
    parameters: new Map(parametersOf(spec).map((each) => [each.path, each])),
    standingAt: (path: string) => modules.find((each) => each.path === path)?.standing ?? [],
  };
  const { list } = readAdaptations(record, {
    root,
    lookup: () => undefined,
    tokensOf: (path) => declaredTokens(spec.library, owned, path),
    checkPath: (path, { path: { span } }) => {
      if (paths.some((each) => each === path || each.startsWith(`${path}.`))) return true;
      report(`there is nothing to adapt at \`${path}\``, span, nearestHints(path, paths));
      return false;
    },
    report: (message, { span }, near) =>
      void report(message, span, near === undefined ? [] : nearestHints(near, adaptationNames)),
  });
  if (found.length > 0)
    throw new SpecError({ diagnostics: found, sources: new Map([[file, written]]) });
  return list;
}

function parametersOf(spec: ResolvedSpec): readonly Parameter[] {
  return spec.kind === "recipe" ? spec.recipe.parameters : spec.model.graph.parameters;
}
