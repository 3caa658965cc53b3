// A run and image files -> probabilities of the classes for each: the file goes through the view that the recipe
// predicts with, through entry `predict`, and a softmax in double here.
import type { CompiledRecipe, TrainingPlan } from "../../compiler/compiled.ts";
import type { ViewInput } from "../../compiler/graph/lowered.ts";
import type { CatalogField } from "../../compiler/model/catalog.ts";
import { findDataset } from "../data/open-dataset.ts";
import { viewOfFile } from "../data/view-of-file.ts";
import type { TypedArray } from "../device/device.ts";
import type { DeviceValues, LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Run } from "../training/run-folder.ts";
import { scalarsAt } from "../training/step-scalars.ts";
import { loadRun } from "./evaluate-run.ts";
import type { RunContext } from "./evaluate-run.ts";

export interface Prediction {
  readonly path: string;
  /** Every class, the likeliest first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/** @throws WorldError where the recipe cannot predict from an image, there is no checkpoint, or a file is unreadable */
export async function predictImages(
  run: Run,
  paths: readonly string[],
  context: RunContext,
): Promise<readonly Prediction[]> {
  const predict = predictionPlan(context.compiled);
  const view = imageView(predict.views);
  const fields = fieldsOf(context.compiled.plan, view.view.dataset, context.host);
  const images: Float32Array[] = [];
  for (const path of paths)
    images.push((await viewOfFile(view.view, fields, path, context.host)).values);
  const { loaded, step } = await loadRun(run, context);
  const scalars = scalarsAt(context.compiled.plan, step);
  try {
    const predictions: Prediction[] = [];
    for (let from = 0; from < paths.length; from += predict.batch) {
      const some = images.slice(from, from + predict.batch);
      const logits = await runPredict(loaded, view.input, some, predict.batch, scalars);
      const width = logits.length / predict.batch;
      some.forEach((_, place) => {
        const row = logits.subarray(place * width, (place + 1) * width);
        predictions.push({ path: paths[from + place]!, classes: ranked(row, predict.classes) });
      });
    }
    return predictions;
  } finally {
    loaded.close();
  }
}

function predictionPlan({ plan }: CompiledRecipe): NonNullable<TrainingPlan["predict"]> {
  if (plan.predict) return plan.predict;
  throw new WorldError(
    "unsupported",
    `the recipe ${plan.name} says of no model how to predict`,
    "apply a classifier to one image in an evaluation",
  );
}

function imageView(views: readonly ViewInput[]): ViewInput {
  const [view] = views;
  if (view && views.length === 1) return view;
  throw new WorldError(
    "unsupported",
    `prediction needs ${views.length} inputs (${views.map(({ input }) => input).join(", ")}), a file is one`,
    "use a recipe whose model takes one image",
  );
}

/** Without opening the data: to predict, only what its images are like must be known. */
function fieldsOf(plan: TrainingPlan, dataset: string | null, host: Host): readonly CatalogField[] {
  if (dataset === null) return []; // a view from nothing: no file can stand for its example
  const resolved = plan.datasets.find(({ name }) => name === dataset);
  if (!resolved) throw new Error(`the plan has no data set ${dataset}`);
  const { source, settings } = resolved.of?.[0] ?? resolved;
  const entry = findDataset(source);
  return entry.fields ?? entry.look(settings, host).fields;
}

/** Rows that no image needs repeat the last one. */
async function runPredict(
  loaded: LoadedCompilation,
  input: string,
  images: readonly Float32Array[],
  batch: number,
  scalars: Readonly<Record<string, number>>,
): Promise<DeviceValues> {
  const length = images[0]!.length;
  const values = new Float32Array(batch * length);
  for (let place = 0; place < batch; place++)
    values.set(images[Math.min(place, images.length - 1)]!, place * length);
  const given = new Map<string, TypedArray>([
    [input, values],
    ["seed", Uint32Array.of(0)],
    ["step", Uint32Array.of(0)],
    ...Object.entries(scalars).map(([name, value]) => [name, Float32Array.of(value)] as const),
  ]);
  const wanted = loaded.inputs("predict").map(({ name }) => name);
  loaded.run("predict", new Map([...given].filter(([name]) => wanted.includes(name))));
  const { graph } = loaded.compiled.graphs.find(({ name }) => name === "predict")!;
  return loaded.readOutput("predict", graph.outputs[0]!.name);
}

function ranked(logits: DeviceValues, classes: readonly string[] | undefined) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers
    .map((power, i) => ({ name: classes?.[i] ?? String(i), probability: power / sum }))
    .sort((a, b) => b.probability - a.probability);
}
