// Permutations far from each other, for jigsaw puzzles: the published distances, and nothing drawn.
import { describe, expect, test } from "vitest";
import { spreadPermutations } from "../../../../compiler/graph/lower-recipe/spread-permutations.ts";
import { openRecipe } from "./recipe-text.ts";

function distances(orders: readonly (readonly number[])[]): { mean: number; least: number } {
  const all = orders.flatMap((a, i) =>
    orders.slice(0, i).map((b) => a.filter((value, place) => value !== b[place]).length),
  );
  return { mean: all.reduce((sum, one) => sum + one) / all.length, least: Math.min(...all) };
}

describe("spread permutations", () => {
  test("of four places: four that share no place, then the rest in order of distance", () => {
    expect(spreadPermutations(4, 4, "mean")).toEqual([
      [0, 1, 2, 3],
      [1, 0, 3, 2],
      [2, 3, 0, 1],
      [3, 2, 1, 0],
    ]);
    const all = spreadPermutations(24, 4, "mean")!;
    expect(new Set(all.map(String)).size).toBe(24);
  });

  // Mean and least distance of 100 as counted for the method of Goyal et al. (2019).
  test.each([
    ["mean", 8.08, 2],
    ["min", 8.02, 6],
  ] as const)("100 of nine places by %s are as far apart as published", (by, mean, least) => {
    const found = distances(spreadPermutations(100, 9, by)!);
    expect(found.mean).toBeCloseTo(mean, 1);
    expect(found.least).toBe(least);
  });

  test("each is as far from those before as any permutation is", () => {
    const all = spreadPermutations(120, 5, "mean")!;
    const sum = (order: readonly number[], before: readonly (readonly number[])[]) =>
      before.reduce((total, other) => total + order.filter((v, i) => v !== other[i]).length, 0);
    for (let count = 1; count < 40; count++) {
      const before = all.slice(0, count);
      const most = Math.max(...all.slice(count).map((order) => sum(order, before)));
      expect(sum(all[count]!, before)).toBe(most);
    }
  });

  test("more than there are is refused in words", () => {
    const { context, said } = openRecipe("recipe r { let set = spread_permutations(7, of = 3) }");
    context.scope(context.effective.file).lookup("set");
    expect(said()).toContain("3 places have 6 permutations, fewer than 7");
  });
});
