// Which parameters of a group an optimizer that looks at shapes renews at once.
import { expect, test } from "vitest";
import type { OptimizerUse } from "../../../compiler/graph/lowered.ts";
import { renewedTogether } from "../../../compiler/graph/renewed-together.ts";
import { optimizer } from "./lower-recipe/optimizer-use.ts";

const shapes = [[64, 32], [64], [3, 3, 8, 8], [64, 32], [10], [32, 64], [64, 32], [1]];
const parameters = shapes.map((shape, k) => ({ shape, name: `${k}` }));

function lists(use: OptimizerUse): string[] {
  return renewedTogether(use, parameters).map(
    (list) => `${list.optimizer.reach} ${list.parameters.map(({ name }) => name).join()}`,
  );
}

test("Adafactor: matrices of one shape, and all that it keeps no rows and columns of", () => {
  expect(lists(optimizer("Adafactor()"))).toEqual(["shape 0,3,6", "element 1,2,4,7", "shape 5"]);
});

test("Adafactor with shorter axes, which a convolution has, too", () => {
  expect(lists(optimizer("Adafactor(least = 8)"))).toEqual([
    "shape 0,3,6",
    "element 1,4,7",
    "shape 2",
    "shape 5",
  ]);
});

test("sums over parameters whose lengths have no common chunk: by shape", () => {
  expect(lists(optimizer("Lamb()"))).toEqual([
    "shape 0,3,6",
    "shape 1",
    "shape 2",
    "shape 4",
    "shape 5",
    "shape 7",
  ]);
});

test("what cannot be stacked stays alone", () => {
  const turning: OptimizerUse = {
    name: "Turning",
    settings: [],
    reach: "shape",
    apply: (g, { p }) => ({ next: g.flip(p, [0]), slots: [] }),
  };
  expect(lists(turning)).toEqual(shapes.map((_, k) => `shape ${k}`));
});
