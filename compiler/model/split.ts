// A split with a slice, as in `train[:90%]` or `full[51200:]` -> which examples of that split it takes.
// Ends are counts or percentages, rounded to the nearest example, so `[:90%]` and `[90%:]` never overlap or leave a gap;
// an end below zero counts from the back.
import type { CatalogDataset, Settings } from "./catalog.ts";

/** `from` inclusive, `to` exclusive; both null where that end is open. */
export interface Split {
  readonly name: string;
  readonly from: SliceEnd | null;
  readonly to: SliceEnd | null;
}

export interface SliceEnd {
  readonly value: number;
  readonly percent: boolean;
}

const pattern = /^([A-Za-z_][\w-]*)(?:\[(-?[\d_.]+%?)?:(-?[\d_.]+%?)?\])?$/;

/** Null where the text is not `name` or `name[from:to]`. */
export function parseSplit(text: string): Split | null {
  const match = pattern.exec(text.trim());
  if (!match) return null;
  const from = parseEnd(match[2]);
  const to = parseEnd(match[3]);
  if (from === undefined || to === undefined) return null;
  return { name: match[1]!, from, to };
}

function parseEnd(text: string | undefined): SliceEnd | null | undefined {
  if (text === undefined) return null;
  const percent = text.endsWith("%");
  const value = Number((percent ? text.slice(0, -1) : text).replaceAll("_", ""));
  if (!Number.isFinite(value) || (percent ? Math.abs(value) > 100 : !Number.isInteger(value)))
    return undefined;
  return { value, percent };
}

/** The examples that a split takes out of `size`, as [from, to). Ends beyond the set are cut off; `to` is never below `from`. */
export function splitRange(
  split: Split,
  size: number,
): { readonly from: number; readonly to: number } {
  const from = split.from ? place(split.from, size) : 0;
  const to = split.to ? place(split.to, size) : size;
  return { from, to: Math.max(from, to) };
}

function place(end: SliceEnd, size: number): number {
  const count = end.percent ? Math.round((size * end.value) / 100) : end.value;
  return Math.min(size, Math.max(0, count < 0 ? size + count : count));
}

/** The size of a data set under these settings, or null where the catalog alone cannot say. */
export function datasetSize(dataset: CatalogDataset, settings: Settings): number | null {
  const split = typeof settings.split === "string" ? parseSplit(settings.split) : null;
  const whole = split && dataset.splits?.[split.name];
  if (!split || whole === undefined || whole === null) return null;
  const { from, to } = splitRange(split, whole);
  return to - from;
}
