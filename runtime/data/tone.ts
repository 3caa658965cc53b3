// Changes of tone that look at the whole image: contrast stretched, histogram flattened, levels dropped, edges sharpened.
// All as PIL's ImageOps and ImageEnhance have them, on values of any range.
import { knownRange, mapValues } from "./operation.ts";
import type { SampleImage } from "./operation.ts";

/** Each channel stretched so that its darkest value is black and its brightest white; a flat channel stays. */
export function autocontrast(image: SampleImage): SampleImage {
  const [low, high] = knownRange(image, "autocontrast");
  const ends = Array.from({ length: image.channels }, (_, channel) => extremes(image, channel));
  return mapValues(image, (value, channel) => {
    const [least, most] = ends[channel]!;
    return most > least ? low + ((value - least) / (most - least)) * (high - low) : value;
  });
}

function extremes({ data, channels }: SampleImage, channel: number): readonly [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (let at = channel; at < data.length; at += channels) {
    least = Math.min(least, data[at]!);
    most = Math.max(most, data[at]!);
  }
  return [least, most];
}

/** Each channel's histogram of 256 levels made as flat as it can be, by PIL's rule. */
export function equalize(image: SampleImage): SampleImage {
  const tables = Array.from({ length: image.channels }, (_, channel) =>
    equalizingTable(image, channel),
  );
  return mapLevels(image, (level, channel) => tables[channel]![level]!);
}

function equalizingTable(image: SampleImage, channel: number): readonly number[] {
  const counts = Array.from({ length: 256 }, () => 0);
  for (let at = channel; at < image.data.length; at += image.channels)
    counts[levelOf(image, image.data[at]!)]!++;
  const used = counts.filter((count) => count > 0);
  const step = Math.floor((used.reduce((sum, count) => sum + count, 0) - used.at(-1)!) / 255);
  if (used.length <= 1 || step === 0) return counts.map((_, level) => level);
  let sum = Math.floor(step / 2);
  return counts.map((count) => {
    const level = Math.min(255, Math.floor(sum / step));
    sum += count;
    return level;
  });
}

/** Only the upper `bits` of eight are kept. */
export function posterize(image: SampleImage, bits: number): SampleImage {
  const mask = (0xff << (8 - bits)) & 0xff;
  return mapLevels(image, (level) => level & mask);
}

function levelOf(image: SampleImage, value: number): number {
  const [low, high] = knownRange(image, "levels");
  return Math.min(255, Math.max(0, Math.round(((value - low) / (high - low)) * 255)));
}

function mapLevels(
  image: SampleImage,
  change: (level: number, channel: number) => number,
): SampleImage {
  const [low, high] = knownRange(image, "levels");
  return mapValues(
    image,
    (value, channel) => low + (change(levelOf(image, value), channel) / 255) * (high - low),
  );
}

/** Mixed with its smoothed self (weights 1, 5 in the middle, of 13): 0 smooths, 1 leaves, 2 sharpens. The border stays. */
export function sharpen(image: SampleImage, by: number): SampleImage {
  const { rows, cols, channels, data } = image;
  const [low, high] = knownRange(image, "sharpen");
  return mapValues(image, (value, channel, pixel) => {
    const row = Math.floor(pixel / cols);
    const col = pixel % cols;
    if (row === 0 || col === 0 || row === rows - 1 || col === cols - 1) return value;
    let sum = 4 * value; // and once more below
    for (let near = 0; near < 9; near++) {
      sum +=
        data[(pixel + (Math.floor(near / 3) - 1) * cols + (near % 3) - 1) * channels + channel]!;
    }
    const smooth = sum / 13;
    return Math.min(high, Math.max(low, smooth + (value - smooth) * by));
  });
}
