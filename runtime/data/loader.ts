// An open data set and its views -> batches, one after another, prepared ahead in loader threads.
// Which examples a batch holds, and every draw on them, is a function of seed and step alone: the same bits for any
// number of threads, and from any step on without replay.
import type { ResolvedView } from "../../compiler/model/catalog.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { BatchArray, BatchPlan, Notes } from "./fill-batch.ts";
import { openLoaderPool } from "./loader-pool.ts";
import type { LoaderPool } from "./loader-pool.ts";
import type { OpenDataset } from "./open-dataset.ts";
import { openOrder, stepsPerPass } from "./order.ts";
import { viewShape } from "./view.ts";
import type { ViewShape } from "./view.ts";

export interface LoaderSettings {
  readonly dataset: OpenDataset;
  /** All of this data set; each gives one array of a batch, under the view's name. */
  readonly views: readonly ResolvedView[];
  readonly batch: number;
  readonly seed: number;
  /** `train`: shuffled, on and on, no partial batch. `evaluate`: in order, pass after pass, the last batch filled up. */
  readonly mode: "train" | "evaluate";
  /** The step of the first `next`; 0 unless resuming. */
  readonly startStep?: number;
  /** Threads to share with other loaders, or how many to start for this one (0: none). */
  readonly workers: number | LoaderPool;
}

export interface Batch {
  readonly step: number;
  /** [batch, ...shape] by view name. The memory is used again: it is valid until the following `next`. */
  readonly fields: ReadonlyMap<string, BatchArray>;
  /** Real examples, from the first; what follows is filler. */
  readonly count: number;
}

export interface Loader {
  readonly shapes: readonly ViewShape[];
  /** Examples in an epoch, or in a pass. */
  readonly size: number;
  /** Batches in a pass of an evaluation; in training, an epoch ends within or after the last of these. */
  readonly stepsPerPass: number;
  readonly next: () => Promise<Batch>;
  /** What had to be decided about images so far, and how often. */
  readonly notes: () => Notes;
  readonly close: () => Promise<void>;
}

interface Slot {
  readonly arrays: readonly BatchArray[];
  count: number;
  filled: Promise<Notes>;
}

export function openLoader(settings: LoaderSettings, host: Host): Loader {
  const { dataset, views, batch, mode, seed, workers } = settings;
  checkBatch(dataset, batch);
  const shapes = views.map((view) => viewShape(view, dataset.fields));
  const ownsPool = typeof workers === "number";
  const pool = ownsPool ? openLoaderPool(workers, host) : workers;
  const plan: BatchPlan = { entry: dataset.entry, source: dataset.source, views, shapes, seed };
  const fill = pool.prepare(plan);
  const order = openOrder({
    mode,
    size: dataset.size,
    batch,
    seed,
    repeat: dataset.resolved.repeat ?? 1,
  });
  const slots = Array.from({ length: pool.workers === 0 ? 1 : 2 * pool.workers + 1 }, () =>
    newSlot(shapes, batch),
  );
  const notes: Record<string, number> = { ...dataset.notes };
  let step = settings.startStep ?? 0;
  let prepared = step;

  /** The slot of the batch handed out last is free again from here on; all others are kept filled. */
  const prepareAhead = (): void => {
    for (; prepared < step + slots.length; prepared++) {
      const slot = slots[prepared % slots.length]!;
      const examples = order(prepared);
      slot.count = examples.count;
      slot.filled = fill(examples, slot.arrays);
      slot.filled.catch(() => {}); // whoever awaits it sees the error
    }
  };

  return {
    shapes,
    size: dataset.size,
    stepsPerPass: stepsPerPass(dataset.size, batch),
    next: async () => {
      prepareAhead();
      const slot = slots[step % slots.length]!;
      count(notes, await slot.filled);
      const fields = new Map(shapes.map((shape, view) => [shape.name, slot.arrays[view]!]));
      const given = { step, fields, count: slot.count };
      step++;
      return given;
    },
    notes: () => ({ ...notes }),
    close: async () => {
      if (ownsPool) await pool.close();
      else await Promise.allSettled(slots.map((slot) => slot.filled));
    },
  };
}

function newSlot(shapes: readonly ViewShape[], batch: number): Slot {
  const arrays = shapes.map(({ dtype, length }) => {
    const memory = new SharedArrayBuffer(4 * batch * length);
    return dtype === "f32" ? new Float32Array(memory) : new Int32Array(memory);
  });
  return { arrays, count: 0, filled: Promise.resolve({}) };
}

function count(into: Record<string, number>, notes: Notes): void {
  for (const [note, times] of Object.entries(notes)) into[note] = (into[note] ?? 0) + times;
}

function checkBatch({ resolved, size }: OpenDataset, batch: number): void {
  if (Number.isInteger(batch) && batch > 0 && size > 0) return;
  throw new WorldError(
    "bad-setting",
    `cannot take batches of ${batch} from the ${size} examples of ${resolved.name}`,
    "choose a batch of at least 1, and a split that is not empty",
  );
}
