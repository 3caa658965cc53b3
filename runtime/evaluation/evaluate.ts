// A planned evaluation on a loaded compilation -> its figures, over every example of its data set exactly once.
// Means: each batch gives means over its real examples (filler has weight 0), which are added up by their numbers.
import type { PlannedEvaluation, TrainingPlan } from "../../compiler/compiled.ts";
import type { ViewInput } from "../../compiler/graph/lowered.ts";
import type { ResolvedView } from "../../compiler/model/catalog.ts";
import { addedUp } from "../data/recipe-data.ts";
import type { InputBatches, RecipeData } from "../data/recipe-data.ts";
import { mostKeptRuns } from "../../compiler/wgsl/device-memory.ts";
import { found } from "../device/loaded-compilation.ts";
import type { DeviceValues, LoadedCompilation } from "../device/loaded-compilation.ts";
import type { TypedArray } from "../device/device.ts";
import { WorldError } from "../errors.ts";
import { scalarsAt } from "../training/step-scalars.ts";
import { linearProbe } from "./linear-probe.ts";
import { nearestNeighbours } from "./nearest-neighbours.ts";
import type { LabelledFeatures } from "./nearest-neighbours.ts";

/** Runs evaluations of one plan again and again; its loaders stay open. */
export interface Evaluator {
  /** Figures by name: those of the plan, or accuracy under the evaluation's name, and `NAME.spread` or `NAME.fit`. */
  readonly run: (
    evaluation: PlannedEvaluation,
    /** Steps that were taken: what follows a course is as the next step would have it. */
    step: number,
  ) => Promise<Readonly<Record<string, number>>>;
  readonly notes: () => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

/** Examples are taken in the order of the data set, with draws, if a view has any, of the plan's seed. */
export function createEvaluator(
  plan: TrainingPlan,
  loaded: LoadedCompilation,
  data: RecipeData,
): Evaluator {
  const opened = new Map<string, Promise<InputBatches>>();
  const all: InputBatches[] = [];

  const batchesOf = (key: string, views: readonly ViewInput[], batch: number) => {
    const known = opened.get(key);
    if (known) return known;
    const opening = data.batches({ views, batch, seed: plan.seed, mode: "evaluate" });
    opened.set(key, opening);
    opening.then((batches) => all.push(batches)).catch(() => {}); // whoever awaits it sees the error
    return opening;
  };

  const run = async (
    evaluation: PlannedEvaluation,
    step: number,
  ): Promise<Readonly<Record<string, number>>> => {
    const { name, views, batch } = evaluation;
    const use: Use = { loaded, entry: evaluation.entry, plan, scalars: scalarsAt(plan, step) };
    if (evaluation.kind === "mean")
      return means(evaluation, await batchesOf(name, views, batch), use);
    const sides: LabelledFeatures[] = [];
    for (const side of ["fit", "test"] as const) {
      const views = withLabel(evaluation[side].views, evaluation[side].label);
      const batches = await batchesOf(`${name}.${side}`, views, batch);
      sides.push(await features(evaluation, batches, use));
    }
    const [fit, test] = sides as [LabelledFeatures, LabelledFeatures];
    return protocolFigures(evaluation, fit, test, plan.seed);
  };

  return {
    run,
    notes: () => addedUp(all.map((batches) => batches.notes())),
    close: async () => {
      for (const batches of all) await batches.close();
    },
  };
}

function protocolFigures(
  { name, protocol, settings }: Extract<PlannedEvaluation, { kind: "protocol" }>,
  fit: LabelledFeatures,
  test: LabelledFeatures,
  seed: number,
): Readonly<Record<string, number>> {
  const setting = (wanted: string): number => Number(settings[wanted]);
  switch (protocol) {
    case "nearest_neighbours": {
      const { accuracy, spread } = nearestNeighbours(fit, test, setting("k"));
      return { [name]: accuracy, [`${name}.spread`]: spread };
    }
    case "linear_probe": {
      const unit = settings["length.unit"] === "steps" ? "steps" : "epochs";
      const [length, rate, batch] = [setting("length"), setting("rate"), setting("batch")];
      const result = linearProbe(fit, test, { length, unit, rate, batch, seed });
      return { [name]: result.accuracy, [`${name}.fit`]: result.fitAccuracy };
    }
    default:
      throw new WorldError(
        "unsupported",
        `there is no evaluation protocol ${protocol}`,
        "use nearest_neighbours or linear_probe",
      );
  }
}

/** The label comes with the batch, under a name that is no input. */
const labelName = "label of the protocol";

function withLabel(views: readonly ViewInput[], label: ResolvedView): readonly ViewInput[] {
  return [...views, { input: labelName, view: label }];
}

/** An entry to be run on batches, all at one step of the run. */
interface Use {
  readonly loaded: LoadedCompilation;
  readonly entry: string;
  readonly plan: TrainingPlan;
  readonly scalars: Readonly<Record<string, number>>;
}

async function means(
  evaluation: Extract<PlannedEvaluation, { kind: "mean" }>,
  batches: InputBatches,
  use: Use,
): Promise<Readonly<Record<string, number>>> {
  const { metrics, batch } = evaluation;
  const { loaded, entry } = use;
  const sums = new Float64Array(metrics.length);
  let counts: number[] = [];
  const addUp = async (): Promise<void> => {
    for (const [i, outputs] of (await loaded.keptOutputs()).entries())
      metrics.forEach((name, at) => (sums[at]! += found(outputs, name, "output")[0]! * counts[i]!));
    counts = [];
  };
  for (let pass = 0; pass < batches.stepsPerPass; pass++) {
    const { inputs, count } = await batches.next();
    const weights = Float32Array.from({ length: batch }, (_, place) => (place < count ? 1 : 0));
    loaded.run(entry, entryInputs(use, pass, inputs, weights), { isKept: true });
    if (counts.push(count) === mostKeptRuns) await addUp();
    await loaded.pace();
  }
  await addUp();
  return Object.fromEntries(metrics.map((name, i) => [name, sums[i]! / batches.size]));
}

/** Of one batch: its examples lie from `from` on. */
interface FeaturesUnderWay {
  readonly reading: Promise<DeviceValues>;
  readonly from: number;
  readonly count: number;
}

async function features(
  evaluation: Extract<PlannedEvaluation, { kind: "protocol" }>,
  batches: InputBatches,
  use: Use,
): Promise<LabelledFeatures> {
  const { loaded, entry } = use;
  const labels = new Int32Array(batches.size);
  let rows: Float32Array | undefined;
  let width = 0;
  const arrived = async ({ reading, from, count }: FeaturesUnderWay): Promise<void> => {
    const values = await reading;
    width = values.length / evaluation.batch;
    rows ??= new Float32Array(batches.size * width);
    rows.set(values.subarray(0, count * width), from * width);
  };
  let last: FeaturesUnderWay | undefined;
  for (let pass = 0, from = 0; pass < batches.stepsPerPass; pass++) {
    const { inputs, count } = await batches.next();
    labels.set(found(inputs, labelName, "label").subarray(0, count), from);
    loaded.run(entry, entryInputs(use, pass, inputs));
    // a GPU goes on with this batch while those of the last one are on their way
    const reading = loaded.readOutput(entry, "features");
    reading.catch(() => {}); // whoever waits for it sees the error
    if (last) await arrived(last);
    last = { reading, from, count };
    from += count;
  }
  if (last) await arrived(last);
  return { features: rows!, width, labels };
}

/** Of all that there is, what the entry asks for. Draws of an evaluation are those of its batch, the same each time. */
function entryInputs(
  { loaded, entry, plan, scalars }: Use,
  pass: number,
  fields: ReadonlyMap<string, TypedArray>,
  weights?: Float32Array,
): ReadonlyMap<string, TypedArray> {
  const given = new Map(fields);
  for (const [name, value] of Object.entries(scalars)) given.set(name, Float32Array.of(value));
  given.set("seed", Uint32Array.of(plan.seed));
  given.set("step", Uint32Array.of(pass));
  if (weights) given.set("weights", weights);
  return new Map(
    loaded
      .inputs(entry)
      .map(({ name }) => [name, found(given, name, `value for input of ${entry}`)]),
  );
}
