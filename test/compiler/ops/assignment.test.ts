// The exact assignment against every permutation there is, on small matrices.
import { describe, expect, test } from "vitest";
import { assign, cheapestAssignment } from "../../../compiler/ops/assignment.ts";
import { sampleValues } from "./sample-values.ts";

/** Every way to give each row a column of its own. */
function* choices(rows: number, cols: number): Generator<number[]> {
  if (rows === 0) return yield [];
  for (const rest of choices(rows - 1, cols))
    for (let col = 0; col < cols; col++) if (!rest.includes(col)) yield [...rest, col];
}

function sumOf(cost: Float64Array, cols: number, choice: ArrayLike<number>): number {
  return Array.from(choice).reduce((sum, col, row) => sum + cost[row * cols + col]!, 0);
}

describe("the cheapest assignment", () => {
  const cases = [1, 2, 3, 4, 5].flatMap((rows) =>
    [rows, rows + 1, 6].flatMap((cols) => [1, 2, 3, 4].map((seed) => [rows, cols, seed] as const)),
  );
  test.each(cases)("of %i rows among %i columns, case %i", (rows, cols, seed) => {
    const cost = sampleValues({ shape: [rows, cols], dtype: "f32", range: [-3, 4] }, seed);
    const found = cheapestAssignment(cost, rows, cols);
    expect(new Set(found).size).toBe(rows);
    const least = Math.min(...[...choices(rows, cols)].map((each) => sumOf(cost, cols, each)));
    expect(sumOf(cost, cols, found)).toBeCloseTo(least, 12);
  });

  test("whole numbers with many ties", () => {
    for (let seed = 1; seed < 40; seed++) {
      const cost = sampleValues({ shape: [4, 6], dtype: "i32", integers: [0, 3] }, seed);
      const least = Math.min(...[...choices(4, 6)].map((each) => sumOf(cost, 6, each)));
      expect(sumOf(cost, 6, cheapestAssignment(cost, 4, 6))).toBe(least);
    }
  });

  test("gives up its first wish where another row has no second", () => {
    expect([...cheapestAssignment(Float64Array.of(1, 2, 1, 9), 2, 2)]).toEqual([1, 0]);
  });

  test("what is no number is chosen last", () => {
    const cost = Float64Array.of(NaN, 5, Infinity, 1, 2, 3);
    expect([...cheapestAssignment(cost, 2, 3)]).toEqual([1, 0]);
    expect([...cheapestAssignment(Float64Array.of(NaN, NaN, NaN, NaN), 2, 2)].sort()).toEqual([
      0, 1,
    ]);
  });

  test("a hundred among thousands takes no time to speak of", () => {
    const cost = sampleValues({ shape: [100, 3600], dtype: "f32", range: [-1, 1] }, 7);
    const before = performance.now();
    expect(new Set(cheapestAssignment(cost, 100, 3600)).size).toBe(100);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

test("more rows than columns are refused", () => {
  expect(() => assign.infer([{ shape: [3, 2], dtype: "f32" }], {})).toThrow("3 do not find one each among 2"); // prettier-ignore
});
