// Red, green and blue (sRGB) -> CIE 1976 L*a*b* under the white of daylight (D65): `l`, the lightness less 50, so that it
// is centred as a and b are (Goyal et al., 2019), and `ab`, the two of colour.
import { knownRange, sampleOf } from "../operation.ts";
import type { SampleEntry, SampleImage } from "../operation.ts";

/** Linear RGB to XYZ (IEC 61966-2-1), each row over the white's X, Y or Z, so that white is 1, 1, 1. */
const toXyz = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
].map((row) => row.map((factor) => factor / row.reduce((sum, one) => sum + one)));

export const toLab: SampleEntry = {
  name: "to_lab",
  about: "the colours as lightness less 50, `l`, and colour, `ab` (CIE Lab)",
  input: "image",
  settings: [],
  shape: { kind: "parts", channels: { l: 1, ab: 2 } },
  values: "needs",
  draws: false,
  transform: (sample) => {
    const { image } = sampleOf(sample, "image");
    const { l, ab } = labOf(image);
    const part = (data: Float32Array, channels: number): SampleImage => ({
      ...image,
      data,
      channels,
      range: null,
    });
    return {
      kind: "record",
      parts: {
        l: { kind: "image", image: part(l, 1) },
        ab: { kind: "image", image: part(ab, 2) },
      },
    };
  },
};

function labOf(image: SampleImage): { readonly l: Float32Array; readonly ab: Float32Array } {
  const [black, white] = knownRange(image, "to_lab");
  const pixels = image.rows * image.cols;
  const l = new Float32Array(pixels);
  const ab = new Float32Array(2 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const rgb = [0, 1, 2].map((channel) =>
      linear((image.data[3 * pixel + channel]! - black) / (white - black)),
    );
    const [x, y, z] = toXyz.map((row) =>
      response(row.reduce((sum, factor, channel) => sum + factor * rgb[channel]!, 0)),
    ) as [number, number, number];
    l[pixel] = 116 * y - 16 - 50;
    ab[2 * pixel] = 500 * (x - y);
    ab[2 * pixel + 1] = 200 * (y - z);
  }
  return { l, ab };
}

/** Undoes the tone curve of sRGB. */
function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** The cube root, straight near black. */
function response(value: number): number {
  return value > (6 / 29) ** 3 ? Math.cbrt(value) : value / (3 * (6 / 29) ** 2) + 4 / 29;
}
