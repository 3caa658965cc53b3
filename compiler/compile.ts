// Text -> program: the whole compiler on one screen. Every arrow can be shown, verified, timed and stopped at.
//
//   library  --lower-->  model, recipe  --build training step-->  graphs over residents  --assign precision-->  the same
//            --recompute--> the same  --fuse-->   kernels        --plan-->                 program
//
// Pure: files come as a library, data sets as a catalog, time as a clock, limits of the device as numbers.
import type { Diagnostic } from "../grammar/diagnostic.ts";
import { chooseRecomputation } from "./choose-recomputation.ts";
import { deviceBytes } from "./device-bytes.ts";
import type { CompiledModel, CompiledRecipe, EntryGraph, ResidentLayout } from "./compiled.ts";
import { checkRuleNames, limitsOf, residentElements, Stages } from "./compile-settings.ts";
import type { CompileSettings, Stage } from "./compile-settings.ts";
import { assignPrecision } from "./graph/assign-precision.ts";
import { buildTrainingStep } from "./graph/build-training-step.ts";
import { lowerModel } from "./graph/lower-model.ts";
import type { ModelRequest } from "./graph/lower-model.ts";
import { lowerRecipe } from "./graph/lower-recipe.ts";
import type { RecipeRequest, ShownLine } from "./graph/lower-recipe.ts";
import { forwardEntry, otherEntries } from "./graph/other-entries.ts";
import { planTraining } from "./graph/plan-training.ts";
import { describeRecognised } from "./graph/recognise.ts";
import { verify as verifyGraph } from "./graph/verify.ts";
import { fuse } from "./kernels/fuse.ts";
import { columnsRule } from "./kernels/fuse/rules/joining-rules.ts";
import { verifyKernels } from "./kernels/verify.ts";
import type { Library } from "./model/library.ts";
import { orderKernels } from "./program/order.ts";
import { planProgram } from "./program/plan.ts";
import type { EntryKernels } from "./program/entry-kernels.ts";
import type { Program } from "./program/program.ts";
import { LimitError, type PlacedWeights, type Target } from "./program/target.ts";
import { verifyProgram } from "./program/verify.ts";
import { wasmTarget } from "./wasm/generate.ts";
import { webgpuTarget } from "./wgsl/generate.ts";

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
  checkRuleNames(settings);
  const stages = new Stages(settings);
  const { recipe, shown, diagnostics } = stages.time("lower", () => lowerRecipe(library, request));
  if (!recipe) return { diagnostics };
  const step = stages.time("training", () =>
    buildTrainingStep(recipe, {
      residentElements: residentElements(settings),
      without: settings.without,
    }),
  );
  step.recognised.forEach(({ graph }, i) => {
    if (settings.verify) verifyGraph(graph);
    settings.show?.("graph", { entry: `${step.graphs[i]!.name}, forward`, graph });
  });
  const others = stages.time("evaluation", () => otherEntries(recipe, step.layout, settings));
  show("training", [...step.graphs, ...others], settings);
  const trained =
    recipe.precision === "f16"
      ? stages.time("precision", () => step.graphs.map(withHalves))
      : step.graphs;
  if (recipe.precision === "f16") show("precision", trained, settings);
  const wish = settings.recompute ?? recipe.recompute;
  const recomputed =
    wish && wish !== "none"
      ? stages.time(
          "recomputation",
          () =>
        chooseRecomputation(trained, wish, (graphs) => measureGraphs([...graphs, ...others], step.layout, settings)), // prettier-ignore
        )
      : undefined;
  if (recomputed?.kind === "too large") return { diagnostics: [...diagnostics, recomputed.why] };
  if (recomputed) show("recomputation", recomputed.graphs, settings);
  const graphs = [...(recomputed?.graphs ?? trained), ...others];
  const { program, entries, layout } = finish(graphs, step.layout, stages, settings);
  const compiled: CompiledRecipe = {
    plan: planTraining(recipe, step, recomputed?.chosen),
    modules: recipe.modules,
    layout,
    graphs,
    ...(program ? { program } : {}),
    stages: stages.timings,
    recognised: [...new Set(step.recognised.flatMap(describeRecognised))],
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
  checkRuleNames(settings);
  const stages = new Stages(settings);
  const { model, diagnostics } = stages.time("lower", () => lowerModel(library, request));
  if (!model) return { diagnostics };
  const placed = stages.time("forward", () =>
    forwardEntry(model, residentElements(settings), settings),
  );
  settings.show?.("graph", { entry: "forward", graph: placed.recognised.graph });
  show("training", [placed.entry], settings);
  const { program, entries, layout } = finish([placed.entry], placed.layout, stages, settings);
  const compiled: CompiledModel = {
    model,
    layout,
    graphs: [placed.entry],
    ...(program ? { program } : {}),
    stages: stages.timings,
    recognised: describeRecognised(placed.recognised),
  };
  return { compiled, diagnostics, ...(entries ? { entries } : {}) };
}

/** Checks and shows graphs that cross a boundary. */
function show(stage: Stage, graphs: readonly EntryGraph[], settings: CompileSettings): void {
  for (const { name, graph } of graphs) {
    if (settings.verify) verifyGraph(graph);
    settings.show?.(stage, { entry: name, graph });
  }
}

function withHalves({ name, graph }: EntryGraph): EntryGraph {
  return { name, graph: assignPrecision(graph) };
}

/** What a device needs in all for the program of these graphs; for the interpreter, which plans nothing, wasm. */
function measureGraphs(
  graphs: readonly EntryGraph[],
  layout: ResidentLayout,
  settings: CompileSettings,
): number {
  const target = targets[settings.target === "interpret" ? "wasm" : settings.target];
  const any = Number.POSITIVE_INFINITY;
  const limits = { ...limitsOf(settings), totalBytes: any, storageBuffers: any };
  const entries = graphs.map((graph) => entryKernels(graph, settings));
  const placed = placeWeights(entries, layout, target);
  const program = planProgram(placed.entries, placed.layout, target, limits);
  return deviceBytes(program, settings.threads ?? 1);
}

const targets = { wasm: wasmTarget, webgpu: webgpuTarget };

function placeWeights(
  entries: readonly EntryKernels[],
  layout: ResidentLayout,
  target: Target,
): PlacedWeights {
  return target.placeWeights?.({ entries, layout }) ?? { entries, layout };
}

interface Finished {
  /** As the target keeps it. */
  readonly layout: ResidentLayout;
  readonly program?: Program;
  /** As fused, before weights were placed: reports count what is computed, not how weights lie. */
  readonly entries?: readonly EntryKernels[];
}

/** Graphs over residents -> kernels -> program; sums over columns in kernels of their own where a device binds too few arrays. */
function finish(
  graphs: readonly EntryGraph[],
  natural: ResidentLayout,
  stages: Stages,
  settings: CompileSettings,
): Finished {
  if (settings.target === "interpret") return { layout: natural };
  try {
    return planned(graphs, natural, stages, settings);
  } catch (error) {
    if (!(error instanceof LimitError && error.limit === "storageBuffers")) throw error;
    // Many arrays in one kernel lie in many bindings, where the arrays of a network are as large as a binding may be.
    const without = [...(settings.without ?? []), columnsRule.name];
    return planned(graphs, natural, stages, { ...settings, without });
  }
}

function planned(
  graphs: readonly EntryGraph[],
  natural: ResidentLayout,
  stages: Stages,
  settings: CompileSettings,
): Finished {
  const target = targets[settings.target === "interpret" ? "wasm" : settings.target];
  const { entries, placed } = stages.time("fuse", () => {
    const entries = graphs.map((graph) => entryKernels(graph, settings));
    return { entries, placed: placeWeights(entries, natural, target) };
  });
  for (const kernels of placed.entries) {
    if (settings.verify) verifyKernels(kernels.kernels);
    settings.show?.("kernels", { entry: kernels.name, kernels });
  }
  const program = stages.time("plan", () =>
    planProgram(placed.entries, placed.layout, target, limitsOf(settings)),
  );
  if (settings.verify) verifyProgram(program);
  return { program, entries, layout: placed.layout };
}

function entryKernels({ name, graph }: EntryGraph, settings: CompileSettings): EntryKernels {
  const outputs = graph.outputs.map(({ name: output, value: { shape, dtype } }) => ({
    name: output,
    shape,
    dtype,
  }));
  return { name, kernels: orderKernels(fuse(graph, settings)), inputs: graph.inputs, outputs };
}
