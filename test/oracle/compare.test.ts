// What a comparison sees and what it lets pass: a norm and two inner products are enough to tell a tensor from another
// order of it, another sign, another scale.
import { describe, expect, test } from "vitest";
import { outputDifference, tensorDifferences, worst } from "./compare.ts";
import { uniform } from "./counter.ts";
import type { Measured } from "./fixture.ts";

const tensor = uniform("a gradient", 48);

/** As `case.py` measures it. */
function measured(values: Float64Array): Measured {
  const along = (name: string): number =>
    uniform(name, values.length).reduce((sum, draw, i) => sum + draw * values[i]!, 0);
  return [Math.hypot(...values), along("w#1"), along("w#2")];
}

function errorOf(ours: Float64Array, floor = 0): number {
  const theirs = { w: measured(tensor) };
  return worst(tensorDifferences("gradient", new Map([["w", ours]]), theirs, 1e-3, () => floor))
    .error;
}

describe("a tensor by its norm and two inner products", () => {
  test("is no way from itself", () => {
    expect(errorOf(tensor)).toBeLessThan(1e-12);
  });

  test("is far from its negative, its transpose, and from a part of it", () => {
    const transposed = tensor.map((_, i) => tensor[(i % 6) * 8 + Math.floor(i / 6)]!);
    expect(errorOf(tensor.map((value) => -value))).toBeGreaterThan(0.1);
    expect(errorOf(transposed)).toBeGreaterThan(0.1);
    expect(errorOf(tensor.map((value) => 1.01 * value))).toBeCloseTo(0.01, 3);
    expect(errorOf(new Float64Array(48))).toBe(1);
  });

  test("counts as equal to another below the floor alone", () => {
    const nearly = tensor.map((value) => value * (1 + 1e-2));
    expect(errorOf(nearly, 1)).toBeLessThan(1e-3);
    expect(errorOf(nearly, 1e-6)).toBeGreaterThan(1e-3);
  });

  test("is as far as can be where it is missing or no number", () => {
    const theirs = { w: measured(tensor) };
    expect(tensorDifferences("gradient", new Map(), theirs, 1e-3, () => 0)[0]!.error).toBe(
      Infinity,
    );
    expect(errorOf(tensor.map(() => Number.NaN))).toBe(Infinity);
  });
});

test("outputs are compared by the largest difference over the largest value", () => {
  expect(outputDifference("output", [1, 2.1, -4], [1, 2, -4]).error).toBeCloseTo(0.025, 12);
  expect(outputDifference("output", [1, 2], [1, 2, -4]).error).toBe(Infinity);
  expect(outputDifference("output", [1, Number.NaN, -4], [1, 2, -4]).error).toBe(Infinity);
});
