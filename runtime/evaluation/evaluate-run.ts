// The folder of a run, compiled again -> the results of its evaluations at its newest checkpoint.
import type { CompiledRecipe } from "../../compiler/compiled.ts";
import { openRecipeData } from "../data/recipe-data.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Figures } from "../training/events.ts";
import { openCheckpoint } from "../training/run-folder.ts";
import type { Run } from "../training/run-folder.ts";
import { writeParts } from "../training/stored-parts.ts";
import { createEvaluator } from "./evaluate.ts";

export interface RunContext {
  /** The run's own spec, compiled for the device. */
  readonly compiled: CompiledRecipe;
  /** Stays open. */
  readonly device: ChosenDevice;
  readonly host: Host;
}

export interface RunEvaluation {
  readonly step: number;
  readonly checkpoint: string;
  readonly evaluations: Readonly<Record<string, Figures>>;
  /** What had to be decided about images, and how often. */
  readonly data: Figures;
}

/**
 * Runs all evaluations of the recipe, or those named.
 * @throws WorldError where there is no checkpoint, it is unlike the spec, or data is missing
 */
export async function evaluateRun(
  run: Run,
  context: RunContext & { readonly only?: readonly string[]; readonly workers?: number },
): Promise<RunEvaluation> {
  const { compiled, host, only } = context;
  const chosen = chooseEvaluations(compiled, only);
  const { loaded, step, checkpoint } = await loadRun(run, context);
  const plan = { ...compiled.plan, seed: run.description.seed };
  const data = openRecipeData(plan.datasets, context.workers ?? 1, host);
  const evaluator = createEvaluator(plan, loaded, data);
  try {
    const evaluations: Record<string, Figures> = {};
    for (const evaluation of chosen)
      evaluations[evaluation.name] = await evaluator.run(evaluation, step);
    return { step, checkpoint, evaluations, data: evaluator.notes() };
  } finally {
    await evaluator.close();
    await data.close();
    loaded.close();
  }
}

function chooseEvaluations({ plan }: CompiledRecipe, only: readonly string[] | undefined) {
  const names = plan.evaluations.map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new WorldError(
      "bad-setting",
      unknown === undefined
        ? `the recipe ${plan.name} has no evaluation`
        : `the recipe ${plan.name} has no evaluation ${unknown}`,
      names.length === 0 ? "add an `evaluate` clause" : `it has ${names.join(", ")}`,
    );
  return plan.evaluations.filter(({ name }) => only === undefined || only.includes(name));
}

/** The run's parts, on the device. The caller closes what is loaded. */
export async function loadRun(
  run: Run,
  { compiled, device, host }: RunContext,
): Promise<{
  readonly loaded: LoadedCompilation;
  readonly step: number;
  readonly checkpoint: string;
}> {
  const saved = openCheckpoint(host.files, run);
  const loaded = await device.load(compiled);
  try {
    writeParts(loaded, saved, saved.path);
  } catch (error) {
    loaded.close();
    throw error;
  }
  return { loaded, step: saved.step, checkpoint: saved.path };
}
