// Several open data sets -> one, in the proportions of their weights. Its examples are those of the first, over and over
// up to its share of an epoch, then those of the second, and so on: what comes when is for the order of training.
import { blendCounts, blendSize } from "../../compiler/model/blend-size.ts";
import { WorldError } from "../errors.ts";
import { defineDataset } from "./dataset.ts";
import type { AnyDataset } from "./dataset.ts";
import { datasets } from "./sets.ts";

/** Can be sent to a thread: data sets go by name. */
export interface BlendSource {
  readonly size: number;
  readonly parts: readonly {
    readonly dataset: string;
    readonly source: unknown;
    readonly size: number;
    readonly count: number;
  }[];
}

interface OpenPart {
  readonly entry: AnyDataset;
  readonly source: unknown;
  readonly size: number;
}

export function blendOf(opened: readonly OpenPart[], weights: readonly number[]): BlendSource {
  const sizes = opened.map(({ size }) => size);
  const counts = blendCounts(sizes, weights);
  const parts = opened.map(({ entry, source, size }, i) => ({
    dataset: entry.name,
    source,
    size,
    count: counts[i]!,
  }));
  return { size: blendSize(sizes, weights), parts };
}

/** How blended data is read. It is opened from its parts, not from settings. */
export const blended: AnyDataset = defineDataset<BlendSource>({
  name: "blend",
  about: "several data sets in proportion",
  settings: [],
  fields: null,
  classes: null,
  splits: null,
  look: refuse,
  open: refuse,
  read: ({ parts }, index, host) => {
    let place = index;
    for (const { dataset, source, size, count } of parts) {
      if (place < count) {
        const entry = [...datasets, blended].find((candidate) => candidate.name === dataset)!;
        return entry.read(source, place % size, host);
      }
      place -= count;
    }
    throw new RangeError(`the blend has no example ${index}`);
  },
});

function refuse(): never {
  throw new WorldError(
    "unsupported",
    "a blend is opened from its data sets",
    "name them: blend([a(), b()])",
  );
}
