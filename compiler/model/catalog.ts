// What a recipe may name and the compiler cannot know by itself: data sets and sample operations.
// The host hands a `Catalog` in with the text; the compiler resolves `data` and `view` clauses against it and
// gives back `ResolvedDataset` and `ResolvedView`, plain JSON that a loader can run anywhere.
// Everything here is data, but for `look`, the one question whose answer may lie in files.

/** A setting as the author wrote it, reduced to JSON: `8%` is 0.08, `a..b` is [a, b], a choice its word, `none` null. */
export type SettingValue = number | string | boolean | null | readonly SettingValue[];
export type Settings = Readonly<Record<string, SettingValue>>;

/** What a setting takes. `range` is `a..b`, both ends given; `choice` is one word of a closed set. */
export type SettingType =
  | { readonly kind: "int"; readonly least?: number; readonly most?: number }
  | { readonly kind: "real"; readonly least?: number; readonly most?: number }
  | { readonly kind: "prob" }
  | { readonly kind: "bool" }
  | { readonly kind: "string" }
  | { readonly kind: "choice"; readonly options: readonly string[] }
  | { readonly kind: "range"; readonly least?: number; readonly most?: number }
  | { readonly kind: "pair"; readonly of: SettingType }
  | { readonly kind: "list"; readonly of: SettingType }
  /** Named axes in brackets, `[rows = 14, cols = 14]`, as JSON [["rows", 14], ["cols", 14]]. */
  | { readonly kind: "shape" }
  | { readonly kind: "either"; readonly of: readonly SettingType[] };

/** One setting of a data set or operation. In a call, settings may be given by position in the order listed. */
export interface CatalogSetting {
  readonly name: string;
  readonly type: SettingType;
  /** Absent: the author must give it. Null: it may be `none`, and is unless given. */
  readonly default?: SettingValue;
  readonly about: string;
}

/**
 * `image` is [rows, cols, channels]; `label` has no axes and counts classes; `bytes` is text as padded byte values; `array`
 * is numbers of any shape: boxes, tables. */
export type FieldKind = "image" | "label" | "bytes" | "array" | "audio" | "video" | "text";

/**
 * What a view holds on its way: a field, or what operations made of one. `cells` are the parts of an image that was cut,
 * `record` has parts by name (a whole example has its fields), `mask` is true or false at each place, `ids` are the
 * numbers of words, `nothing` is where a view begins that only draws.
 */
export type ViewKind = FieldKind | "cells" | "record" | "mask" | "ids" | "nothing";

/** An axis of one example. A null extent differs from example to example until an operation fixes it. */
export interface FieldAxis {
  readonly name: string;
  readonly extent: number | null;
}

/** One thing that an example has. `dtype` is what the graph receives: images and sounds f32, labels and bytes i32. */
export interface CatalogField {
  readonly name: string;
  readonly kind: FieldKind;
  readonly axes: readonly FieldAxis[];
  readonly dtype: "f32" | "i32";
}

/** What is known of a data set once its settings are. `size` counts the examples of the chosen split, slice included. */
export interface DatasetFacts {
  readonly fields: readonly CatalogField[];
  readonly classes: readonly string[];
  readonly size: number | null;
}

export interface CatalogDataset {
  readonly name: string;
  readonly about: string;
  readonly settings: readonly CatalogSetting[];
  /** Null: depends on files (ask `look`). */
  readonly fields: readonly CatalogField[] | null;
  /** Null: depends on files. Names, sorted by label; a set without classes has none. */
  readonly classes: readonly string[] | null;
  /** Sizes of the named splits before any slice such as `train[:90%]`. Null: depends on files. */
  readonly splits: Readonly<Record<string, number>> | null;
}

/** How an operation changes the shape of what it works on. Settings are named, so that the catalog stays plain data. */
export type ShapeEffect =
  | { readonly kind: "same" }
  /** rows and cols become the setting, a number for a square or a pair (rows, cols). */
  | { readonly kind: "extent"; readonly setting: string }
  /** As `extent`; without the setting the picture keeps its pixels and counts as a square for the next resize. */
  | { readonly kind: "square"; readonly setting: string }
  /** A pair sets rows and cols; a number sets the shorter side and keeps the proportions (a square stays one). */
  | { readonly kind: "resize"; readonly setting: string }
  /** channels become `count`. */
  | { readonly kind: "channels"; readonly count: number }
  /** An image becomes `count` squared cells of `extent` by `extent` pixels. */
  | { readonly kind: "cells"; readonly count: string; readonly extent: string }
  /** Cells become a record: `patches`, in an order from the list of orders in `setting`, and `which` order it is. */
  | { readonly kind: "shuffle"; readonly setting: string }
  /** An image becomes a record of images, each with so many channels. */
  | { readonly kind: "parts"; readonly channels: Readonly<Record<string, number>> }
  /** A mask over the axes in `setting`. */
  | { readonly kind: "mask"; readonly setting: string }
  /** rows and cols are equal from now on, but differ from example to example. */
  | { readonly kind: "squared" }
  /** rows and cols differ from now on. */
  | { readonly kind: "open" }
  /** Of a record, the video has `frames` frames, `rate` a second; its sound lasts as long. */
  | { readonly kind: "window"; readonly frames: string; readonly rate: string }
  /** A record gains `has_NAME`, for the part that the setting names. */
  | { readonly kind: "has"; readonly setting: string }
  /** Of a sound of known length, `setting` samples a second. */
  | { readonly kind: "samples"; readonly setting: string }
  /** The first axis gets this name, and the setting as its extent. */
  | { readonly kind: "first"; readonly axis: string; readonly setting: string }
  /** The first axis goes: one is left of several. */
  | { readonly kind: "one" }
  /** Text becomes the numbers of its words, along one more axis. */
  | { readonly kind: "words"; readonly axis: string; readonly setting: string };

/**
 * What an operation asks of the values and leaves. An image starts with a known range (0..255);
 * `needs` and `scales` refuse an image without one, `frees` leaves none (as `normalize` does).
 */
export type ValueEffect = "any" | "needs" | "scales" | "frees";

export interface CatalogOperation {
  readonly name: string;
  readonly about: string;
  /** What it works on. One on images works on each frame of a video and each cell too, with one draw for all. */
  readonly input: ViewKind;
  readonly settings: readonly CatalogSetting[];
  readonly shape: ShapeEffect;
  readonly values: ValueEffect;
  /** It draws: the same example differs from epoch to epoch. */
  readonly draws: boolean;
}

export interface Catalog {
  readonly datasets: readonly CatalogDataset[];
  readonly operations: readonly CatalogOperation[];
  /**
   * Facts of a data set under complete settings, for those whose facts lie in files (header or listing only).
   * Absent where there are no files, as in a browser. A string is the reason why there is no answer.
   */
  readonly look?: (dataset: string, settings: Settings) => DatasetFacts | string;
}

/** A `data` clause, resolved: settings complete, defaults filled in. */
export interface ResolvedDataset {
  /** The name it has in the recipe, such as `train`. */
  readonly name: string;
  /** The catalog's name for it, such as `mnist`. */
  readonly source: string;
  readonly settings: Settings;
  /** From `|> repeat_each(n)`: each example comes n times in a row, each with draws of its own. Absent: 1. */
  readonly repeat?: number;
  /** From `blend([a(), b()], weights = [1, 1])`, whose source is `blend`: the data sets, with weights in its settings. */
  readonly of?: readonly ResolvedDataset[];
}

export interface ResolvedOperation {
  readonly name: string;
  readonly settings: Settings;
}

/**
 * A `view` clause, resolved; a field read as it is (`train.label`) is a view without operations.
 * Its draws are keyed by its name, so views draw apart; what it takes from `shared` draws as that view does.
 * A view that gives a record is read by its parts, each a view of its own that shares the record (`puzzle.patches`).
 */
export interface ResolvedView {
  readonly name: string;
  /** The `name` of a ResolvedDataset. Null: it starts from nothing, and draws for each example of whatever it is read with. */
  readonly dataset: string | null;
  /** Null: it starts from the whole example, or from nothing. */
  readonly field: string | null;
  readonly operations: readonly ResolvedOperation[];
  /** The view that this one starts from: its operations run first, with its draws. */
  readonly shared?: ResolvedView;
  /** The part of the record that `shared` gives: what this view starts from. */
  readonly part?: string;
}
