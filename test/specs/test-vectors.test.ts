// Parts of the papers' models against numbers that can be worked out by hand or are printed in their reference code.
import { describe, expect, test } from "vitest";
import { lowered, run } from "../compiler/graph/lower/lower-text.ts";

/** What a model written here gives, for inputs and parameters. */
function valuesOf(
  text: string,
  inputs: Record<string, readonly number[]>,
  arrays: Record<string, readonly number[]> = {},
  request: Parameters<typeof lowered>[2] = {},
): number[] {
  return [...run(lowered(text, "M", request), inputs, arrays).get("output")!];
}

const rounded = (values: readonly number[], digits = 4) =>
  values.map((value) => Math.round(value * 10 ** digits) / 10 ** digits + 0);

describe("histograms of oriented gradients (MaskFeat)", () => {
  const text = `use maskfeat.{hog}
    model M(image: [batch, rows = 16, cols = 16, channels = 1]) -> [..] {
      hog(image)
        |> [batch, rows, cols, channels, bins] -> [(batch rows cols channels) as cells, bins]
        |> take(cells, 0)
    }`;
  const picture = (f: (x: number, y: number) => number) =>
    Array.from({ length: 256 }, (_, i) => f(i % 16, Math.floor(i / 16)));

  test.each([
    ["x", (x: number) => x, [0, 0, 0, 0, 1, 0, 0, 0, 0]],
    ["y", (_: number, y: number) => y, [1, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["x + y", (x: number, y: number) => x + y, [0.1, 0, 0.9899, 0, 0.1, 0, 0, 0, 0]],
    ["x - y", (x: number, y: number) => x - y, [0.1, 0, 0, 0, 0.1, 0, 0.9899, 0, 0]],
    ["y - x", (x: number, y: number) => y - x, [0.1, 0, 0, 0, 0.1, 0, 0.9899, 0, 0]],
    ["a constant", () => 3, [0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["x^2 / 10 + 2 y", (x: number, y: number) => (x * x) / 10 + 2 * y, [0.6626, 0.7461, 0, 0, 0.0651, 0, 0, 0, 0]],
  ])("of %s", (_, f, wanted) => {
    expect(rounded(valuesOf(text, { image: picture(f) }))).toEqual(wanted);
  }); // prettier-ignore
});

test("FlexiViT resizes a kernel so that a patch enlarged with it gives what it gave", () => {
  const text = `use flexivit.{FlexiPatches}
    model M(image: [batch, rows = 4, cols = 4, channels = 1]) -> [..] {
      image |> patches: FlexiPatches(1, kernel = 4, stride = 4, stored = 2, table = 1)
    }`;
  const weight = [1, 2, 3, 4];
  const zero = { "patches.bias": [0], "patches.position": [0], "patches.weight": weight };
  const kernel = Array.from({ length: 16 }, (_, at) => {
    const image = Array.from({ length: 16 }, (_, i) => Number(i === at));
    return valuesOf(text, { image }, zero)[0]!;
  });
  expect(rounded(kernel, 6)).toEqual([
    0.025, 0.125, 0.325, 0.425,
    0.225, 0.325, 0.525, 0.625,
    0.625, 0.725, 0.925, 1.025,
    0.825, 0.925, 1.125, 1.225,
  ]); // prettier-ignore
});

test("OWL-ViT's boxes start at the corner of their cell, as large as a cell", () => {
  const text = `use "owl-vit".{prior}
    model M(x: [batch]) -> [..] { sigmoid(prior(4)) }`;
  const boxes = valuesOf(text, { x: [0] });
  for (let token = 0; token < 16; token++) {
    const [row, col] = [Math.floor(token / 4), token % 4];
    const box = boxes.slice(4 * token, 4 * token + 4);
    const wanted = [(col + 1) / 4, (row + 1) / 4, 0.25, 0.25];
    for (const [i, value] of box.entries()) expect(value).toBeCloseTo(wanted[i]!, 3);
  }
});

test("XCiT's Fourier positions", () => {
  const text = `use xcit.{fourier}
    model M(x: [rows = 14, width = 1]) -> [..] { fourier(x, rows) |> take(rows, 0) }`;
  expect(rounded(valuesOf(text, { x: Array<number>(14).fill(0) }), 5).slice(0, 6)).toEqual([
    0.43388, 0.90097, 0.24971, 0.96832, 0.14145, 0.98995,
  ]);
});

test("T5's buckets of distance in VATT: sixteen for each direction", () => {
  const text = `use vatt.{buckets}
    model M(x: [batch, tokens = 70, width = 1]) -> [..] { float(buckets(x) |> take(tokens, 0)) }`;
  const keysAfter = valuesOf(text, { x: Array<number>(70).fill(0) });
  expect(keysAfter.slice(0, 9)).toEqual([0, 17, 18, 19, 20, 21, 22, 23, 24]);
  expect(keysAfter[16]).toBe(16 + 10);
  expect(keysAfter[69]).toBe(31);
});

describe("a part of the batch instead of a drop of the branch (Cosub)", () => {
  const text = `use cosub.{residual_on}
    function inner(x: [..]) -> [..] { 2 * x + 1 }
    model M(x: [batch, width = 2]) -> [..] { x |> residual_on(0.75) { inner } }`;
  const x = [0, 1, 2, 3, 4, 5, 6, 7];

  test("is the whole batch in evaluation", () => {
    expect(valuesOf(text, { x }, {}, { batch: 4 })).toEqual([1, 4, 7, 10, 13, 16, 19, 22]);
  });

  test("leaves one row of four alone in training and scales the others up by 4 / 3", () => {
    const values = valuesOf(text, { x }, {}, { batch: 4, training: true });
    const rows = [0, 1, 2, 3].map((row) => values.slice(2 * row, 2 * row + 2));
    const untouched = rows.filter(([a, b], row) => a === x[2 * row] && b === x[2 * row + 1]);
    expect(untouched).toHaveLength(1);
    for (const [row, [a]] of rows.entries()) {
      const start = x[2 * row]!;
      if (a !== start) expect(a).toBeCloseTo(start + ((2 * start + 1) * 4) / 3, 10);
    }
  });
});

test("AlexNet's response normalisation divides by the energy of five channels", () => {
  const text = `use "ssl-scaling".{local_response}
    model M(x: [batch, rows = 1, cols = 1, channels = 7]) -> [..] { local_response(x) }`;
  const x = [1, -2, 3, 40, -50, 6, 7];
  const wanted = x.map((value, i) => {
    const near = x.slice(Math.max(0, i - 2), i + 3).reduce((sum, each) => sum + each ** 2, 0);
    return value * (1 + (1e-4 * near) / 5) ** -0.75;
  });
  expect(rounded(valuesOf(text, { x }), 10)).toEqual(rounded(wanted, 10));
});
