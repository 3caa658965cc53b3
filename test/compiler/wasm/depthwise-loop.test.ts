// Depthwise convolutions, forward, by input and by weights: contractions with one column for each channel.
import { describe, expect, test } from "vitest";
import type { Axis, ContractionKernel, Expression } from "../../../compiler/kernels/kernel.ts";
import { axisIndex, constantIndex } from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import { depthwiseLoop } from "../../../compiler/wasm/depthwise-loop.ts";
import { add, apply, axes, base, check, load, multiply, noise, over } from "./kernel-notation.ts";

const sum: Expression = { kind: "accumulator", dtype: "f32" };
const zeros = (length: number): number[] => Array.from({ length }, () => 0);

/** 3 x 3 with a border of zeros over [images, size, size, channels]. */
function depthwise(
  images: number,
  size: number,
  channels: number,
  byWeights: boolean,
): { kernel: ContractionKernel; lengths: number[] } {
  // prettier-ignore
  const [c, b, y, x, ky, kx] = axes(channels, images, size, size, 3, 3) as [Axis, Axis, Axis, Axis, Axis, Axis]; // prettier-ignore
  const at = (axis: Axis): Index => axisIndex(axis.id, axis.extent);
  const row = add(at(y), at(ky), constantIndex(-1));
  const col = add(at(x), at(kx), constantIndex(-1));
  const place = add(multiply(at(b), size * size * channels), multiply(row, size * channels), multiply(col, channels), at(c)); // prettier-ignore
  const window: Expression = {
    kind: "guard",
    conditions: [
      { index: row, low: 0, high: size },
      { index: col, low: 0, high: size },
    ],
    value: load(0, place),
    otherwise: { kind: "constant", value: 0, dtype: "f32" },
    dtype: "f32",
  };
  const [image, kernel] = [over(b, y, x, c), over(ky, kx, c)];
  const bias = apply("add", [sum, load(3, over(c))]);
  const sides = byWeights
    ? { m: [ky, kx], k: [b, y, x], b: load(2, image), stores: [{ buffer: 1, index: kernel, value: sum }] } // prettier-ignore
    : { m: [b, y, x], k: [ky, kx], b: load(1, kernel), stores: [{ buffer: 2, index: image, value: bias }] }; // prettier-ignore
  const pixels = images * size * size * channels;
  return {
    kernel: { ...base, kind: "contraction", batch: [c], n: [], a: window, ...sides },
    lengths: [pixels, 9 * channels, pixels, channels],
  };
}

describe("a depthwise convolution", () => {
  test.each([4, 5, 24, 37])("of %i channels gives what the contraction means", async (channels) => {
    for (const byWeights of [false, true]) {
      const { kernel, lengths } = depthwise(2, 5, channels, byWeights);
      expect(depthwiseLoop(kernel)?.kind).toBe("loop");
      const output = byWeights ? 1 : 2;
      const buffers = lengths.map((length, i) => ({ values: i === output ? zeros(length) : noise(length, i + 1) })); // prettier-ignore
      await check({ buffers, kernels: [kernel] });
    }
  });

  test("stays a contraction where there are several columns, or channels do not lie in a row", () => {
    const { kernel } = depthwise(2, 5, 8, false);
    const [column] = axes(2) as [Axis];
    expect(depthwiseLoop({ ...kernel, n: [{ ...column, id: 99 }] })).toBeUndefined();
    const channelsFirst = { ...kernel, b: load(1, over(kernel.batch[0]!, ...kernel.k)) };
    expect(depthwiseLoop(channelsFirst)).toBeUndefined();
  });
});
