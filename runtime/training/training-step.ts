// One training step on a loaded compilation: its scalars from the schedules, its batch from the loader, the entries run
// (`train`, or `accumulate` for each part of the batch and then `update`), its metrics made sense of once they are read.
// Where settings are drawn at each step, the entry is that of what this step has drawn.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import type { InputBatches } from "../data/recipe-data.ts";
import { found } from "../device/loaded-compilation.ts";
import type { DeviceValues, LoadedCompilation } from "../device/loaded-compilation.ts";
import type { TypedArray } from "../device/device.ts";
import type { Figures } from "./events.ts";
import { drawChoice } from "./draw-choice.ts";
import type { DrawnChoice } from "./draw-choice.ts";
import { scalarsAt } from "./step-scalars.ts";

/** A step that a device was asked for: its metrics wait there. */
export interface StartedStep {
  /** Counted from 0. */
  readonly step: number;
  readonly scalars: Figures;
  /** The settings that were drawn for this step; absent where the recipe draws none. */
  readonly choices?: DrawnChoice["values"];
}

export interface StepResult extends StartedStep {
  readonly loss: number;
  readonly gradientNorm: number;
  /** Of the recipe, besides these two. */
  readonly metrics: Figures;
  /** The gradients overflowed at this loss scale: nothing was renewed, and the next step has a smaller one. */
  readonly isSkipped: boolean;
}

/** An entry with all its inputs. The batch lies in the loader's memory: valid until the next one is taken. */
export interface EntryRun {
  readonly entry: string;
  readonly inputs: ReadonlyMap<string, TypedArray>;
}

/** Starts a step and reads its metrics. `step` counts from 0. */
export async function runTrainingStep(
  loaded: LoadedCompilation,
  plan: TrainingPlan,
  batches: InputBatches,
  step: number,
): Promise<StepResult> {
  const started = await startTrainingStep(loaded, plan, batches, step);
  const [kept] = await loaded.keptOutputs();
  return stepResult(plan, started, found(kept!, "metrics", "output"));
}

/** Runs the entries of a step; the last one's outputs are kept by the device. */
export async function startTrainingStep(
  loaded: LoadedCompilation,
  plan: TrainingPlan,
  batches: InputBatches,
  step: number,
): Promise<StartedStep> {
  let count = 0;
  for await (const { entry, inputs } of entriesOfStep(loaded, plan, batches, step)) {
    loaded.run(entry, inputs, { isKept: ++count === entryCount(plan) });
    await loaded.pace();
  }
  const { choices } = plan;
  const drawn = choices.length > 0 ? { choices: drawChoice(choices, plan.seed, step).values } : {};
  return { step, scalars: scalarsAt(plan, step), ...drawn };
}

/** @param values output `metrics` of the step */
export function stepResult(
  plan: TrainingPlan,
  started: StartedStep,
  values: DeviceValues,
): StepResult {
  const [loss = Number.NaN, gradientNorm = Number.NaN] = values;
  const metrics = Object.fromEntries(
    plan.metrics.slice(2).map((name, i) => [name, values[i + 2]!]),
  );
  const isSkipped = hasOverflowed(plan, loss, gradientNorm, metrics);
  return { ...started, loss, gradientNorm, metrics, isSkipped };
}

/** A gradient that is not finite while the loss is, and a loss scale that can still fall. */
function hasOverflowed(
  { lossScale }: TrainingPlan,
  loss: number,
  gradientNorm: number,
  metrics: Figures,
): boolean {
  if (lossScale === undefined || !Number.isFinite(loss) || Number.isFinite(gradientNorm))
    return false;
  return metrics[lossScale.metric]! > lossScale.least;
}

/** Entries that a step runs: parts of an accumulated batch, and the update after them. */
function entryCount({ accumulate }: TrainingPlan): number {
  return accumulate === 1 ? 1 : accumulate + 1;
}

/** What a step runs, in order. The parts of a batch follow each other in the order of the data. */
export async function* entriesOfStep(
  loaded: LoadedCompilation,
  plan: TrainingPlan,
  batches: InputBatches,
  step: number,
): AsyncGenerator<EntryRun> {
  const scalars = scalarsAt(plan, step);
  const { choices, accumulate } = plan;
  const number = choices.length > 0 ? `.${drawChoice(choices, plan.seed, step).index}` : "";
  const entry = `${accumulate === 1 ? "train" : "accumulate"}${number}`;
  for (let part = 0; part < accumulate; part++) {
    const draw = step * accumulate + part; // so that parts draw apart
    const { inputs: fields } = await batches.next();
    const given = new Map([...stepInputs(plan, scalars, step, draw), ...fields]);
    yield { entry, inputs: ofEntry(loaded, entry, given) };
  }
  if (accumulate === 1) return;
  const given = stepInputs(plan, scalars, step, step);
  yield { entry: "update", inputs: ofEntry(loaded, "update", given) };
}

function stepInputs(
  plan: TrainingPlan,
  scalars: Figures,
  step: number,
  draw: number,
): ReadonlyMap<string, TypedArray> {
  const inputs = new Map<string, TypedArray>();
  for (const [name, value] of Object.entries(scalars)) inputs.set(name, Float32Array.of(value));
  inputs.set("seed", Uint32Array.of(plan.seed));
  inputs.set("step", Uint32Array.of(draw));
  inputs.set("t", Float32Array.of(step + 1));
  return inputs;
}

/** Of all that there is, what the entry reads. */
function ofEntry(
  loaded: LoadedCompilation,
  entry: string,
  given: ReadonlyMap<string, TypedArray>,
): ReadonlyMap<string, TypedArray> {
  return new Map(
    loaded
      .inputs(entry)
      .map(({ name }) => [name, found(given, name, `value for the input of \`${entry}\``)]),
  );
}
