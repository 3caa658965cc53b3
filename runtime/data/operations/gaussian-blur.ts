// A Gaussian blur of random width, by chance. The kernel reaches three widths; the image is mirrored at its edges.
import { numberOf, rangeOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

export const gaussianBlur: OperationEntry = {
  name: "gaussian_blur",
  about: "blurred, with the given probability and a random width",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 1, about: "how often" },
    {
      name: "sigma",
      type: { kind: "range", least: 0 },
      default: [0.1, 2],
      about: "standard deviation in pixels",
    },
  ],
  shape: { kind: "same" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) => {
    if (!draw.chance(numberOf(settings, "chance"))) return image;
    const [least, most] = rangeOf(settings, "sigma");
    return blurred(image, draw.between(least, most));
  },
};

export function blurred(image: SampleImage, sigma: number): SampleImage {
  if (sigma === 0) return image;
  const kernel = gaussian(sigma);
  const { rows, cols, channels } = image;
  const across = blurAxis(
    image.data,
    { count: cols, stride: channels, lines: rows, lineStride: cols * channels, inner: channels },
    kernel,
  );
  const data = blurAxis(
    across,
    { count: rows, stride: cols * channels, lines: 1, lineStride: 0, inner: cols * channels },
    kernel,
  );
  return { ...image, data };
}

function gaussian(sigma: number): Float64Array {
  const radius = Math.max(1, Math.ceil(3 * sigma));
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

/** `lines` runs of `count` elements, each element `inner` values wide and `stride` apart. */
interface Axis {
  readonly count: number;
  readonly stride: number;
  readonly lines: number;
  readonly lineStride: number;
  readonly inner: number;
}

function blurAxis(data: Float32Array, axis: Axis, kernel: Float64Array): Float32Array {
  const result = new Float32Array(data.length);
  const radius = kernel.length >> 1;
  for (let line = 0; line < axis.lines; line++) {
    for (let i = 0; i < axis.count; i++) {
      for (let value = 0; value < axis.inner; value++) {
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          sum +=
            kernel[k + radius]! *
            data[line * axis.lineStride + mirror(i + k, axis.count) * axis.stride + value]!;
        }
        result[line * axis.lineStride + i * axis.stride + value] = sum;
      }
    }
  }
  return result;
}

/** ... 2 1 | 0 1 2 ... n-1 | n-2 n-3 ... */
function mirror(place: number, count: number): number {
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const within = ((place % period) + period) % period;
  return within < count ? within : period - within;
}
