// Generators against values worked out by hand or published properties.
import { describe, expect, test } from "vitest";
import type { Settings } from "../../../../compiler/ops/generators/generator.ts";
import { generate, generator, generators } from "../../../../compiler/ops/generators/registry.ts";

function rows(name: string, settings: Settings): number[][] {
  const shape = generator(name).shape(settings);
  const values = [...generate(name, settings, shape)];
  return Array.from({ length: shape[0]! }, (_, row) =>
    values.slice(row * shape[1]!, (row + 1) * shape[1]!),
  );
}

function product(a: number[][], b: number[][]): number[][] {
  return a.map((row) =>
    b[0]!.map((_, col) => row.reduce((sum, value, k) => sum + value * b[k]![col]!, 0)),
  );
}

function transpose(a: number[][]): number[][] {
  return a[0]!.map((_, col) => a.map((row) => row[col]!));
}

function expectClose(found: number[][], wanted: number[][], digits = 12): void {
  expect(found.length).toBe(wanted.length);
  found.forEach((row, i) =>
    row.forEach((value, j) => expect(value, `${i}, ${j}`).toBeCloseTo(wanted[i]![j]!, digits)),
  );
}

describe("resize_matrix", () => {
  test("linear, 2 to 4: half-pixel centres", () => {
    expectClose(rows("resize_matrix", { from: [2], to: [4] }), [
      [1, 0],
      [0.75, 0.25],
      [0.25, 0.75],
      [0, 1],
    ]);
  });

  test("linear, 4 to 2, plain and antialiased", () => {
    expectClose(rows("resize_matrix", { from: [4], to: [2] }), [
      [0.5, 0.5, 0, 0],
      [0, 0, 0.5, 0.5],
    ]);
    expectClose(rows("resize_matrix", { from: [4], to: [2], antialias: true }), [
      [3 / 7, 3 / 7, 1 / 7, 0],
      [0, 1 / 7, 3 / 7, 3 / 7],
    ]);
  });

  test("cubic weights of a half-way point are PyTorch's, a = -0.75", () => {
    // 8 to 4: the centre of pixel 1 lies at 2.5, between pixels 2 and 3.
    const row = rows("resize_matrix", { from: [8], to: [4], mode: "cubic" })[1]!;
    expectClose([row], [[0, -0.09375, 0.59375, 0.59375, -0.09375, 0, 0, 0]]);
  });

  test("rows of every kind sum to 1; the same size is the identity", () => {
    for (const mode of ["linear", "cubic"])
      for (const antialias of [false, true]) {
        const resize = rows("resize_matrix", { from: [7], to: [5], mode, antialias });
        for (const row of resize) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
        const same = rows("resize_matrix", { from: [3], to: [3], mode, antialias });
        expectClose(same, [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ]);
      }
  });

  test("a grid is resized along both directions", () => {
    const [row, col] = [
      rows("resize_matrix", { from: [2], to: [3] }),
      rows("resize_matrix", { from: [4], to: [2] }),
    ];
    const both = rows("resize_matrix", { from: [2, 4], to: [3, 2] });
    expect(both[1 * 2 + 1]![1 * 4 + 2]).toBeCloseTo(row[1]![1]! * col[1]![2]!, 15);
  });
});

test("pseudo_inverse_resize: resized patches of a resized image give the old tokens (FlexiViT, eq. 3)", () => {
  const settings = { from: [3, 3], to: [5, 5], mode: "cubic" };
  const [resize, inverse] = [
    rows("resize_matrix", settings),
    rows("pseudo_inverse_resize", settings),
  ];
  const gram = product(transpose(resize), inverse);
  expectClose(gram, gram.map((row, i) => row.map((_, j) => (i === j ? 1 : 0))), 10); // prettier-ignore
});

describe("sincos_2d", () => {
  test("of MAE: the column's sine and cosine, then the row's", () => {
    const table = rows("sincos_2d", { rows: 2, cols: 3, width: 8 });
    const wave = [1, 10000 ** -0.5];
    const [row, col] = [1, 2];
    expectClose([table[row * 3 + col]!], [
      [...wave.map((w) => Math.sin(col * w)), ...wave.map((w) => Math.cos(col * w)), ...wave.map((w) => Math.sin(row * w)), ...wave.map((w) => Math.cos(row * w))],
    ]); // prettier-ignore
  });

  test("of MoCo v3 has the row first; big_vision's frequencies end at 1 / temperature", () => {
    const mae = rows("sincos_2d", { rows: 2, cols: 2, width: 8 });
    const moco = rows("sincos_2d", { rows: 2, cols: 2, width: 8, first: "row" });
    expect(moco[1]!).toEqual([...mae[1]!.slice(4), ...mae[1]!.slice(0, 4)]);
    expect(rows("sincos_2d", { rows: 1, cols: 2, width: 8, endpoint: true })[1]![1]).toBeCloseTo(
      Math.sin(1e-4),
      15,
    );
  });
});

test("dft: real and imaginary part have orthogonal rows, and the lowest frequencies come first", () => {
  const [real, imaginary] = ["real", "imaginary"].map((part) => rows("dft", { size: 6, part })) as [
    number[][],
    number[][],
  ];
  const energy = product(real, transpose(real)).map(
    (row, i) => row[i]! + product(imaginary, transpose(imaginary))[i]![i]!,
  );
  energy.forEach((value) => expect(value).toBeCloseTo(6, 12));
  expectClose([imaginary[1]!.slice(0, 2)], [[0, -Math.sin(Math.PI / 3)]]);
  expect(rows("dft", { size: 6, rows: 2 })).toEqual(real.slice(0, 2));
});

test("wrong settings are refused in words", () => {
  expect(() => rows("sincos_2d", { rows: 2, cols: 2, width: 6 })).toThrow("multiple of 4");
  expect(() => rows("resize_matrix", { from: [2], to: [2, 3] })).toThrow("each direction");
  expect(() => rows("resize_matrix", { from: [2], to: [2], mode: "cubist" })).toThrow(
    "linear, cubic",
  );
  expect(() => generator("nothing")).toThrow(generators.map((each) => each.name).join(", "));
});

test("segments: the run that each place is in", () => {
  expect([...generate("segments", { counts: [2, 3, 1] }, [6])]).toEqual([0, 0, 1, 1, 1, 2]);
});
