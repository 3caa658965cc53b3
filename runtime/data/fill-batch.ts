// Which examples -> one batch of every view, written into arrays that are there already.
// The same function runs in loader threads and, without threads, in the program itself: hence equal results.
import type { ResolvedView } from "../../compiler/model/catalog.ts";
import type { Host } from "../host/host.ts";
import type { AnyDataset } from "./dataset.ts";
import type { BatchOrder } from "./order.ts";
import { applyViews, prepareViews } from "./view.ts";
import type { ViewShape } from "./view.ts";

/** What stays the same from batch to batch. */
export interface BatchPlan {
  readonly entry: AnyDataset;
  readonly source: unknown;
  readonly views: readonly ResolvedView[];
  readonly shapes: readonly ViewShape[];
  readonly seed: number;
}

export type BatchArray = Float32Array | Int32Array;

/** How often each note was made, such as `cmyk`. */
export type Notes = Readonly<Record<string, number>>;

/** Fills `arrays`, one a view, [batch, ...shape]; filler repeats the last real example. */
export async function fillBatch(
  plan: BatchPlan,
  order: BatchOrder,
  arrays: readonly BatchArray[],
  host: Host,
): Promise<Notes> {
  const notes: Record<string, number> = {};
  await prepareViews(plan.views, host);
  for (let place = 0; place < order.count; place++) {
    const example = order.examples[place]!;
    const record = await plan.entry.read(plan.source, example.index, host);
    for (const note of record.notes) notes[note] = (notes[note] ?? 0) + 1;
    applyViews(plan.views, record, plan.seed, example).forEach((values, view) => {
      checkLength(plan.shapes[view]!, values.length);
      arrays[view]!.set(values, place * values.length);
    });
  }
  arrays.forEach((array, view) => repeatLast(array, plan.shapes[view]!.length, order));
  return notes;
}

function repeatLast(array: BatchArray, length: number, { count, examples }: BatchOrder): void {
  for (let place = count; place < examples.length; place++) {
    array.copyWithin(place * length, (count - 1) * length, count * length);
  }
}

/** An operation that gives another shape than its catalog entry says is our mistake, not the author's. */
function checkLength(shape: ViewShape, length: number): void {
  if (length === shape.length) return;
  throw new Error(
    `the view ${shape.name} gave ${length} numbers for an example, not ${shape.extents.join(" x ")}`,
  );
}
