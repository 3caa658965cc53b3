// What a sample operation is to the runtime: its catalog entry, and what it does to one image or other sample.
// Operations are pure: the same sample, settings and draws give the same result, on any thread.
import type { CatalogOperation, Settings, SettingType } from "../../compiler/model/catalog.ts";
import type { Host } from "../host/host.ts";
import type { Sentence } from "./dataset.ts";
import type { Draw } from "./draws.ts";

/** An image on its way through a view: floats, row by row, channels last. Never changed in place. */
export interface SampleImage {
  readonly rows: number;
  readonly cols: number;
  readonly channels: number;
  readonly data: Float32Array;
  /** The values that stand for black and white, or null once `normalize` has run. Stored images have 0 and 255. */
  readonly range: readonly [number, number] | null;
  /** To be shown as a square, whatever its pixels (see ViewType). */
  readonly square: boolean;
}

/** An operation on images; over a stack of them (video, cells) it runs on each with the same draws. */
export interface OperationEntry extends CatalogOperation {
  readonly input: "image";
  readonly apply: (image: SampleImage, settings: Settings, draw: Draw) => SampleImage;
}

/** Samples, channels last, `rate` of them a second, for so many seconds. */
export interface SampleSound {
  readonly kind: "sound";
  readonly data: Float32Array;
  readonly channels: number;
  readonly rate: number;
  readonly seconds: number;
}

/** What goes through a view, of whatever kind. */
export type Sample =
  | { readonly kind: "image"; readonly image: SampleImage }
  /** The cells of an image or the frames of a video, all of one size; `rate` frames a second. */
  | { readonly kind: "stack"; readonly images: readonly SampleImage[]; readonly rate?: number }
  | SampleSound
  /** Sentences with their times, and the time around which they are asked for, in seconds. */
  | { readonly kind: "text"; readonly sentences: readonly Sentence[]; readonly at: number }
  | { readonly kind: "numbers"; readonly values: Float32Array | Int32Array }
  | { readonly kind: "record"; readonly parts: Readonly<Record<string, Sample>> }
  | { readonly kind: "nothing" };

/** An operation that takes or gives something other than an image. */
export interface SampleEntry extends CatalogOperation {
  /** Reads what the settings name, once in each thread and before any example. Throws WorldError. */
  readonly prepare?: (settings: Settings, host: Host) => void | Promise<void>;
  readonly transform: (sample: Sample, settings: Settings, draw: Draw) => Sample;
}

export type AnyOperation = OperationEntry | SampleEntry;

/** The compiler has checked kinds; this only tells TypeScript so. */
export function sampleOf<Kind extends Sample["kind"]>(
  sample: Sample,
  kind: Kind,
): Extract<Sample, { kind: Kind }> {
  if (sample.kind === kind) return sample as Extract<Sample, { kind: Kind }>;
  throw new TypeError(`the sample is ${sample.kind}, not ${kind}`);
}

/** A size: a number for a square, or (rows, cols). */
export const sizeType: SettingType = {
  kind: "either",
  of: [
    { kind: "int", least: 1 },
    { kind: "pair", of: { kind: "int", least: 1 } },
  ],
};

/** Settings are checked by the compiler against the entry's types; these only tell TypeScript so. */
export function numberOf(settings: Settings, name: string): number {
  const value = settings[name];
  if (typeof value === "number") return value;
  throw new TypeError(`the setting ${name} is ${JSON.stringify(value)}, not a number`);
}

export function rangeOf(settings: Settings, name: string): readonly [number, number] {
  const value = settings[name];
  if (Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "number")
    return [value[0], value[1]];
  throw new TypeError(`the setting ${name} is ${JSON.stringify(value)}, not a range`);
}

/** The range of an image that must have one; the compiler has seen to that. */
export function knownRange(image: SampleImage, operation: string): readonly [number, number] {
  if (image.range) return image.range;
  throw new TypeError(`${operation} needs values of a known range: put it before normalize`);
}

/** The same image with each value replaced. */
export function mapValues(
  image: SampleImage,
  change: (value: number, channel: number, pixel: number) => number,
): SampleImage {
  const { channels } = image;
  const data = new Float32Array(image.data.length);
  for (let pixel = 0, at = 0; at < data.length; pixel++) {
    for (let channel = 0; channel < channels; channel++, at++)
      data[at] = change(image.data[at]!, channel, pixel);
  }
  return { ...image, data };
}

/** value * factor + offset, by channel: the change that nearly every view makes, so in a loop of its own. */
export function affine(
  image: SampleImage,
  factors: readonly number[],
  offsets: readonly number[],
): SampleImage {
  const { channels } = image;
  const data = new Float32Array(image.data.length);
  for (let channel = 0; channel < channels; channel++) {
    const factor = factors[channel]!;
    const offset = offsets[channel]!;
    for (let at = channel; at < data.length; at += channels)
      data[at] = image.data[at]! * factor + offset;
  }
  return { ...image, data };
}

/** Perceived lightness of each pixel (ITU-R BT.601, as PIL has it); a grey image is its own. */
export function luma(image: SampleImage): Float32Array {
  const { channels, data } = image;
  const result = new Float32Array(image.rows * image.cols);
  for (let pixel = 0; pixel < result.length; pixel++) {
    const at = pixel * channels;
    result[pixel] =
      channels === 3
        ? 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!
        : data[at]!;
  }
  return result;
}
