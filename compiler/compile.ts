// Text -> program: the whole compiler on one screen. Every arrow can be shown, verified, timed and stopped at.
//
//   library  --lower-->  model, recipe  --build training step-->  graphs over residents
//            --fuse-->   kernels        --plan-->                 program
//
// Pure: files come as a library, data sets as a catalog, time as a clock, limits of the device as numbers.
import type { Diagnostic } from "../grammar/diagnostic.ts";
import type { CompiledModel, CompiledRecipe, EntryGraph, ResidentLayout } from "./compiled.ts";
import { buildTrainingStep } from "./graph/build-training-step.ts";
import type { TensorGraph } from "./graph/graph.ts";
import { lowerModel } from "./graph/lower-model.ts";
import type { ModelRequest } from "./graph/lower-model.ts";
import { lowerRecipe } from "./graph/lower-recipe.ts";
import type { RecipeRequest, ShownLine } from "./graph/lower-recipe.ts";
import type { LoweredModel, LoweredRecipe } from "./graph/lowered.ts";
import { placeModel } from "./graph/place-model.ts";
import { planTraining } from "./graph/plan-training.ts";
import { recognise } from "./graph/recognise.ts";
import type { Recognised } from "./graph/recognise.ts";
import { placeResidents } from "./graph/resident-layout.ts";
import { simplify } from "./graph/simplify.ts";
import { verify as verifyGraph } from "./graph/verify.ts";
import { fuse } from "./kernels/fuse.ts";
import { verifyKernels } from "./kernels/verify.ts";
import type { Library } from "./model/library.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "./program/limits.ts";
import type { Limits } from "./program/limits.ts";
import { orderKernels } from "./program/order.ts";
import { planProgram } from "./program/plan.ts";
import type { EntryKernels } from "./program/plan.ts";
import type { Target } from "./program/target.ts";
import { verifyProgram } from "./program/verify.ts";
import { wasmTarget } from "./wasm/generate.ts";
import { webgpuTarget } from "./wgsl/generate.ts";

export type TargetName = "wasm" | "webgpu" | "interpret";

export interface CompileSettings {
  readonly target: TargetName;
  /** Of the device to plan for; else what every device of that kind has. */
  readonly limits?: Limits;
  /** Milliseconds from any start, to time the stages. */
  readonly clock?: () => number;
  /** Told each value that crosses a boundary, entry by entry. */
  readonly show?: (stage: Stage, value: ShownValue) => void;
  /** Check what each stage promises. */
  readonly verify?: boolean;
}

export type Stage = "graph" | "training" | "kernels" | "program";

export interface ShownValue {
  readonly entry: string;
  readonly graph?: TensorGraph;
  readonly kernels?: EntryKernels;
}

export interface RecipeCompilation {
  readonly compiled?: CompiledRecipe;
  readonly shown?: readonly ShownLine[];
  readonly diagnostics: readonly Diagnostic[];
  /** Fused entries, for reports; absent where the target is the interpreter. */
  readonly entries?: readonly EntryKernels[];
}

/** A recipe: its training step, its evaluations and prediction, one program. @throws LimitError */
export function compileRecipe(
  library: Library,
  request: RecipeRequest,
  settings: CompileSettings,
): RecipeCompilation {
  const stages = new Stages(settings);
  const { recipe, shown, diagnostics } = stages.time("lower", () => lowerRecipe(library, request));
  if (!recipe) return { diagnostics };
  const step = stages.time("training", () =>
    buildTrainingStep(recipe, { residentElements: residentElements(settings) }),
  );
  const graphs = [
    ...step.graphs,
    ...stages.time("evaluation", () => otherEntries(recipe, step.layout)),
  ];
  const { program, entries } = finish(graphs, step.layout, stages, settings);
  const compiled: CompiledRecipe = {
    plan: planTraining(recipe, step),
    modules: recipe.modules,
    layout: step.layout,
    graphs,
    ...(program ? { program } : {}),
    stages: stages.timings,
    recognised: [...new Set(step.recognised.flatMap(reportOf))],
  };
  return { compiled, ...(shown ? { shown } : {}), diagnostics, ...(entries ? { entries } : {}) };
}

export interface ModelCompilation {
  readonly compiled?: CompiledModel;
  readonly diagnostics: readonly Diagnostic[];
  readonly entries?: readonly EntryKernels[];
}

/** A model's forward pass in evaluation form: entry `forward`. @throws LimitError */
export function compileModel(
  library: Library,
  request: ModelRequest,
  settings: CompileSettings,
): ModelCompilation {
  const stages = new Stages(settings);
  const { model, diagnostics } = stages.time("lower", () => lowerModel(library, request));
  if (!model) return { diagnostics };
  const placed = stages.time("forward", () => forwardEntry(model, settings));
  const { program, entries } = finish([placed.entry], placed.layout, stages, settings);
  const compiled: CompiledModel = {
    model,
    layout: placed.layout,
    graphs: [placed.entry],
    ...(program ? { program } : {}),
    stages: stages.timings,
    recognised: reportOf(placed.recognised),
  };
  return { compiled, diagnostics, ...(entries ? { entries } : {}) };
}

/** Graphs over residents -> kernels -> program. */
function finish(
  graphs: readonly EntryGraph[],
  layout: ResidentLayout,
  stages: Stages,
  settings: CompileSettings,
) {
  for (const { name, graph } of graphs) {
    if (settings.verify) verifyGraph(graph);
    settings.show?.("training", { entry: name, graph });
  }
  const target = targetOf(settings.target);
  if (!target) return {};
  const entries = stages.time("fuse", () => graphs.map(entryKernels));
  for (const kernels of entries) {
    if (settings.verify) verifyKernels(kernels.kernels);
    settings.show?.("kernels", { entry: kernels.name, kernels });
  }
  const program = stages.time("plan", () =>
    planProgram(entries, layout, target, limitsOf(settings)),
  );
  if (settings.verify) verifyProgram(program);
  return { program, entries };
}

function entryKernels({ name, graph }: EntryGraph): EntryKernels {
  const outputs = graph.outputs.map(({ name: output, value: { shape, dtype } }) => ({
    name: output,
    shape,
    dtype,
  }));
  return { name, kernels: orderKernels(fuse(graph)), inputs: graph.inputs, outputs };
}

/** Evaluations and prediction, over the residents of the training step. */
function otherEntries(recipe: LoweredRecipe, layout: ResidentLayout): EntryGraph[] {
  const evaluations = recipe.evaluations.map(({ name, graph }) => ({
    name: `evaluate.${name}`,
    graph,
  }));
  const prediction = recipe.predict ? [{ name: "predict", graph: recipe.predict.graph }] : [];
  return [...evaluations, ...prediction].map(({ name, graph }) => ({
    name,
    graph: simplify(placeResidents(recognise(simplify(graph)).graph, layout), {
      isDifferentiated: true,
    }),
  }));
}

function forwardEntry(model: LoweredModel, settings: CompileSettings) {
  settings.show?.("graph", { entry: "forward", graph: model.graph });
  const recognised = recognise(simplify(model.graph));
  const layout = placeModel(model.graph, residentElements(settings));
  const graph = simplify(placeResidents(recognised.graph, layout), { isDifferentiated: true });
  return { entry: { name: "forward", graph }, layout, recognised };
}

function targetOf(name: TargetName): Target | undefined {
  return name === "wasm" ? wasmTarget : name === "webgpu" ? webgpuTarget : undefined;
}

function limitsOf({ target, limits }: CompileSettings): Limits {
  return limits ?? (target === "webgpu" ? DEFAULT_WEBGPU_LIMITS : WASM_LIMITS);
}

function residentElements(settings: CompileSettings): number {
  const { bindingBytes, bufferBytes } = limitsOf(settings);
  return Math.floor(Math.min(bindingBytes, bufferBytes) / 4);
}

function reportOf({ found, nearMisses }: Recognised): string[] {
  const names = (path: string) => (path === "" ? "the top" : `\`${path}\``);
  return [
    ...found.map(({ origin, scale }) => `attention at ${names(origin.path)}, scale ${scale}`),
    ...nearMisses.map(({ origin, reason }) => `no attention at ${names(origin.path)}: ${reason}`),
  ];
}

/** Times the stages where there is a clock. */
class Stages {
  readonly timings: { name: string; ms: number }[] = [];
  private readonly clock: (() => number) | undefined;

  constructor({ clock }: CompileSettings) {
    this.clock = clock;
  }

  time<T>(name: string, run: () => T): T {
    const start = this.clock?.();
    const value = run();
    if (start !== undefined) this.timings.push({ name, ms: this.clock!() - start });
    return value;
  }
}
