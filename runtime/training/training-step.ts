// One training step on a loaded compilation: its scalars from the schedules, its batch from the loader, the entries run
// (`train`, or `accumulate` for each part of the batch and then `update`), its metrics read. Where settings are drawn at
// each step, the entry is that of what this step has drawn.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import type { InputBatches } from "../data/recipe-data.ts";
import { found } from "../device/loaded-compilation.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import type { TypedArray } from "../device/device.ts";
import type { Figures } from "./events.ts";
import { drawChoice } from "./draw-choice.ts";
import type { DrawnChoice } from "./draw-choice.ts";
import type { BrokenStep } from "./not-finite.ts";
import { scalarsAt } from "./step-scalars.ts";

export interface StepResult {
  readonly loss: number;
  readonly gradientNorm: number;
  /** Of the recipe, besides these two. */
  readonly metrics: Figures;
  readonly scalars: Figures;
  /** The settings that were drawn for this step; absent where the recipe draws none. */
  readonly choices?: DrawnChoice["values"];
  /** The gradients overflowed at this loss scale: nothing was renewed, and the next step has a smaller one. */
  readonly isSkipped: boolean;
  /** What was run. The batch lies in the loader's memory: valid until the next step takes its own. */
  readonly runs: BrokenStep["runs"];
}

/** `step` counts from 0. */
export async function runTrainingStep(
  loaded: LoadedCompilation,
  plan: TrainingPlan,
  batches: InputBatches,
  step: number,
): Promise<StepResult> {
  const scalars = scalarsAt(plan, step);
  const isDrawn = plan.choices.length > 0;
  const choice = drawChoice(plan.choices, plan.seed, step);
  const entry = (name: string): string => (isDrawn ? `${name}.${choice.index}` : name);
  const runs =
    plan.accumulate === 1
      ? [await runOn(loaded, entry("train"), plan, batches, scalars, step, step)]
      : await runInParts(loaded, entry("accumulate"), plan, batches, scalars, step);
  const values = await loaded.readOutput(runs.at(-1)!.entry, "metrics");
  const [loss = Number.NaN, gradientNorm = Number.NaN] = values;
  const metrics = Object.fromEntries(
    plan.metrics.slice(2).map((name, i) => [name, values[i + 2]!]),
  );
  const choices = isDrawn ? { choices: choice.values } : {};
  const isSkipped = hasOverflowed(plan, loss, gradientNorm, metrics);
  return { loss, gradientNorm, metrics, scalars, ...choices, isSkipped, runs };
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

/** The parts of a batch follow each other in the order of the data: together they are the batch. */
async function runInParts(
  loaded: LoadedCompilation,
  entry: string,
  plan: TrainingPlan,
  batches: InputBatches,
  scalars: Figures,
  step: number,
): Promise<BrokenStep["runs"]> {
  const runs: BrokenStep["runs"][number][] = [];
  for (let part = 0; part < plan.accumulate; part++) {
    const draw = step * plan.accumulate + part; // so that parts draw apart
    const run = await runOn(loaded, entry, plan, batches, scalars, step, draw);
    // the loader uses its memory again for the next part
    runs.push({ ...run, inputs: copied(run.inputs) });
  }
  const given = stepInputs(plan, scalars, step, step);
  const inputs = ofEntry(loaded, "update", given);
  loaded.run("update", inputs);
  return [...runs, { entry: "update", inputs }];
}

async function runOn(
  loaded: LoadedCompilation,
  entry: string,
  plan: TrainingPlan,
  batches: InputBatches,
  scalars: Figures,
  step: number,
  draw: number,
): Promise<BrokenStep["runs"][number]> {
  const { inputs: fields } = await batches.next();
  const inputs = ofEntry(
    loaded,
    entry,
    new Map([...stepInputs(plan, scalars, step, draw), ...fields]),
  );
  loaded.run(entry, inputs);
  return { entry, inputs };
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

function copied(inputs: ReadonlyMap<string, TypedArray>): ReadonlyMap<string, TypedArray> {
  return new Map([...inputs].map(([name, values]) => [name, values.slice()]));
}
