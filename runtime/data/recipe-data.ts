// The data sets of a recipe -> batches under the names of an entry's inputs, from one data set or several at once.
// Data sets are opened when first read, and all loaders share their threads.
import type { ViewInput } from "../../compiler/graph/lowered.ts";
import type { ResolvedDataset, ResolvedView } from "../../compiler/model/catalog.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { BatchArray } from "./fill-batch.ts";
import { openLoader } from "./loader.ts";
import type { Loader } from "./loader.ts";
import { openLoaderPool } from "./loader-pool.ts";
import { openDataset } from "./open-dataset.ts";
import type { OpenDataset } from "./open-dataset.ts";

export interface InputBatches {
  /** Examples in an epoch or in a pass (of the first data set). */
  readonly size: number;
  readonly stepsPerPass: number;
  /** The next batch by input name; its memory is used again by the following `next`. `count` of it are real. */
  readonly next: () => Promise<{
    readonly inputs: ReadonlyMap<string, BatchArray>;
    readonly count: number;
  }>;
  readonly notes: () => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

export interface BatchesWanted {
  readonly views: readonly ViewInput[];
  readonly batch: number;
  readonly seed: number;
  readonly mode: "train" | "evaluate";
  /** The first batch; 0 unless resuming. */
  readonly startStep?: number;
}

export interface RecipeData {
  /** @throws WorldError where the data is missing or broken */
  readonly dataset: (name: string) => Promise<OpenDataset>;
  readonly batches: (wanted: BatchesWanted) => Promise<InputBatches>;
  readonly close: () => Promise<void>;
}

/** `workers` loader threads for all that is read; 0 reads in the program itself. */
export function openRecipeData(
  datasets: readonly ResolvedDataset[],
  workers: number,
  host: Host,
): RecipeData {
  const opened = new Map<string, Promise<OpenDataset>>();
  const pool = openLoaderPool(workers, host);

  const dataset = (name: string): Promise<OpenDataset> => {
    const known = opened.get(name);
    if (known) return known;
    const resolved = datasets.find((candidate) => candidate.name === name);
    if (!resolved)
      throw new WorldError(
        "missing-dataset",
        `the recipe names no data set ${name}`,
        `it has ${datasets.map((one) => one.name).join(", ")}`,
      );
    const opening = openDataset(resolved, host);
    opened.set(name, opening);
    return opening;
  };

  const batches = async ({ views, ...more }: BatchesWanted): Promise<InputBatches> => {
    const names = [...new Set(views.flatMap(({ view }) => view.dataset ?? []))];
    const loaders: Loader[] = [];
    for (const name of names) {
      const settings = {
        dataset: await dataset(name),
        views: viewsOf(views, name, names),
        ...more,
      };
      loaders.push(openLoader({ ...settings, workers: pool }, host));
    }
    return joined(views, names, loaders);
  };

  return { dataset, batches, close: () => pool.close() };
}

/** Each view of a data set once, though several inputs may take it. Those from nothing go with the first data set. */
function viewsOf(
  views: readonly ViewInput[],
  dataset: string,
  names: readonly string[],
): readonly ResolvedView[] {
  const ofDataset = views.filter(({ view }) => (view.dataset ?? names[0]) === dataset);
  return [...new Map(ofDataset.map(({ view }) => [view.name, view])).values()];
}

function joined(
  views: readonly ViewInput[],
  names: readonly string[],
  loaders: readonly Loader[],
): InputBatches {
  const first = loaders[0];
  if (first === undefined)
    throw new WorldError("bad-setting", "nothing here reads data", "name a view in the loss");
  return {
    size: first.size,
    stepsPerPass: first.stepsPerPass,
    next: async () => {
      const batches = await Promise.all(loaders.map((loader) => loader.next()));
      const inputs = views.map(({ input, view }): [string, BatchArray] => [
        input,
        batches[view.dataset === null ? 0 : names.indexOf(view.dataset)]!.fields.get(view.name)!,
      ]);
      return { inputs: new Map(inputs), count: batches[0]!.count };
    },
    notes: () => addedUp(loaders.map((loader) => loader.notes())),
    close: async () => void (await Promise.all(loaders.map((loader) => loader.close()))),
  };
}

/** Counts by name, summed. */
export function addedUp(
  all: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const notes of all)
    for (const [note, times] of Object.entries(notes)) sum[note] = (sum[note] ?? 0) + times;
  return sum;
}
