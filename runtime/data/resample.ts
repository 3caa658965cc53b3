// An image at another number of pixels: separable filters, as PIL does it.
// Going down, the filter is widened by the factor (antialias), so that every source pixel counts; pixel centres align
// (output pixel i covers [i, i + 1) * scale), and weights at the edges are normalised over the pixels that exist.
import type { SampleImage } from "./operation.ts";

export type Filter = "nearest" | "bilinear" | "bicubic";

const kernels: Readonly<
  Record<Exclude<Filter, "nearest">, { radius: number; weight: (x: number) => number }>
> = {
  bilinear: { radius: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { radius: 2, weight: cubic },
};

/** Keys (1981) with a = -0.5, as PIL. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

export function resample(
  image: SampleImage,
  rows: number,
  cols: number,
  filter: Filter = "bilinear",
  antialias = true,
): SampleImage {
  if (rows === image.rows && cols === image.cols) return { ...image, square: false };
  const across =
    cols === image.cols
      ? image.data
      : resampleCols(image, taps(image.cols, cols, filter, antialias), cols);
  const narrowed = { ...image, cols, data: across };
  const data =
    rows === image.rows
      ? across
      : resampleRows(narrowed, taps(image.rows, rows, filter, antialias), rows);
  return { ...image, rows, cols, data, square: false };
}

/** Which source pixels an output pixel reads, and how much of each. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

function taps(from: number, to: number, filter: Filter, antialias: boolean): readonly Taps[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    if (filter === "nearest")
      return {
        first: Math.min(from - 1, Math.floor((i + 0.5) * scale)),
        weights: Float64Array.of(1),
      };
    const { radius, weight } = kernels[filter];
    const stretch = antialias ? Math.max(1, scale) : 1;
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - radius * stretch + 0.5));
    const end = Math.min(from, Math.floor(centre + radius * stretch + 0.5));
    const weights = Float64Array.from({ length: end - first }, (__, k) =>
      weight((first + k + 0.5 - centre) / stretch),
    );
    const sum = weights.reduce((total, one) => total + one, 0);
    return { first, weights: weights.map((one) => one / sum) };
  });
}

function resampleCols(image: SampleImage, every: readonly Taps[], cols: number): Float32Array {
  const { rows, channels, data } = image;
  const result = new Float32Array(rows * cols * channels);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const { first, weights } = every[col]!;
      const start = (row * image.cols + first) * channels;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += weights[k]! * data[start + k * channels + channel]!;
        result[(row * cols + col) * channels + channel] = sum;
      }
    }
  }
  return result;
}

function resampleRows(image: SampleImage, every: readonly Taps[], rows: number): Float32Array {
  const stride = image.cols * image.channels;
  const result = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const { first, weights } = every[row]!;
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++)
        sum += weights[k]! * image.data[(first + k) * stride + i]!;
      result[row * stride + i] = sum;
    }
  }
  return result;
}
