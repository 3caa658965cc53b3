// What a data set is to the runtime: its catalog entry, and how to open it and read one example.
// Opening gives a plain value (shared memory, lists of paths) that is handed to every loader thread,
// so that nothing is parsed or listed twice; reading is a function of that value and an index.
import { parseSplit, splitRange } from "../../compiler/model/split.ts";
import type { CatalogDataset, DatasetFacts, Settings } from "../../compiler/model/catalog.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";

/** An image as it is stored: 8 bits a channel, row by row, channels last. */
export interface StoredImage {
  readonly rows: number;
  readonly cols: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** Frames, all of one size, `rate` of them a second. */
export interface StoredVideo {
  readonly frames: readonly StoredImage[];
  readonly rate: number;
}

/** Samples in -1..1, `rate` of them a second, channels last. */
export interface StoredSound {
  readonly samples: Float32Array;
  readonly channels: number;
  readonly rate: number;
}

/** What is said, and from when to when, in seconds. */
export interface Sentence {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface StoredText {
  readonly sentences: readonly Sentence[];
}

/** A label is a number; `bytes` are padded. */
export type FieldValue =
  StoredImage | StoredVideo | StoredSound | StoredText | number | Int32Array | Float32Array;

export interface ExampleRecord {
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** What had to be decided about this example, such as `cmyk`; counted and reported by the loader. */
  readonly notes: readonly string[];
}

export interface DatasetEntry<Source> extends CatalogDataset {
  /** Reads headers or listings only. Throws WorldError. */
  readonly look: (settings: Settings, host: Host) => DatasetFacts;
  /** A value that can be sent to a thread. Throws WorldError. */
  readonly open: (settings: Settings, host: Host) => Promise<Opened<Source>>;
  readonly read: (
    source: Source,
    index: number,
    host: Host,
  ) => ExampleRecord | Promise<ExampleRecord>;
}

export interface Opened<Source> {
  readonly source: Source;
  readonly size: number;
  readonly classes: readonly string[];
  /** What was found on opening, such as broken images left out, and how often. */
  readonly notes: Readonly<Record<string, number>>;
}

/** An entry whose source is nobody else's business. */
export type AnyDataset = DatasetEntry<unknown>;

/** Forgets the type of the source, which only goes from an entry's `open` to its own `read`. */
export function defineDataset<Source>(entry: DatasetEntry<Source>): AnyDataset {
  return { ...entry, read: (source, index, host) => entry.read(source as Source, index, host) };
}

export function stringSetting(settings: Settings, name: string): string {
  const value = settings[name];
  if (typeof value === "string") return value;
  throw new WorldError(
    "bad-setting",
    `the data set setting ${name} must be a string, not ${JSON.stringify(value)}`,
    `give it as ${name} = "..."`,
  );
}

/** The examples, in [from, to), that `split` takes from the split it names, given each split's size. */
export function chosenRange(
  dataset: string,
  text: string,
  sizes: Readonly<Record<string, number>>,
): { readonly split: string; readonly from: number; readonly to: number } {
  const split = parseSplit(text);
  const size = split ? sizes[split.name] : undefined;
  if (!split || size === undefined) {
    const names = Object.keys(sizes).join(", ");
    throw new WorldError(
      "bad-setting",
      `${dataset} has no split "${text}"`,
      `its splits are ${names}; a slice is written ${Object.keys(sizes)[0]}[:90%]`,
    );
  }
  const range = splitRange(split, size);
  if (range.from === range.to) {
    throw new WorldError(
      "bad-setting",
      `the split "${text}" of ${dataset} is empty: ${split.name} has ${size} examples`,
      "choose a slice that leaves some",
    );
  }
  return { split: split.name, ...range };
}

/**
 * The order of examples that come class by class: (class, place in class) so that every stretch
 * holds the classes in proportion. Without it a slice such as `[:90%]` would lack the last classes.
 */
export function interleaveClasses(
  counts: readonly number[],
): readonly (readonly [number, number])[] {
  const order = counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, place) => ({ label, place, at: (place + 0.5) / count })),
  );
  order.sort((a, b) => a.at - b.at || a.label - b.label);
  return order.map(({ label, place }) => [label, place] as const);
}
