// A sweep lists values for settings of a recipe; its points are all their combinations, as settings in text.
import { expect, test } from "vitest";
import { expandSweep } from "../../../../compiler/graph/lower-recipe.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { file, libraryOf } from "./recipe-text.ts";

const recipe = `recipe base(policy: none | light | strong = light, decay: real = 0.1, size: string = "S", length: duration = 1 epochs) {
  batch = 64
}\n`;

function sweep(axes: string): ReturnType<typeof expandSweep> {
  return expandSweep(libraryOf(`${recipe}sweep grid of base { ${axes} }`), file, "grid", catalog());
}

test("the first axis changes slowest", () => {
  expect(sweep("decay in [0.1, 0.03], policy in [none, strong]")!.points).toEqual([
    { decay: "0.1", policy: "none" },
    { decay: "0.1", policy: "strong" },
    { decay: "0.03", policy: "none" },
    { decay: "0.03", policy: "strong" },
  ]);
});

test("several settings may go together", () => {
  expect(sweep('(size, length) in [("S", 300 epochs), ("B", 150 epochs)]')!.points).toEqual([
    { size: '"S"', length: "300 epochs" },
    { size: '"B"', length: "150 epochs" },
  ]);
});

test("a misspelt setting is recognised", () => {
  const { points, diagnostics } = sweep("dekay in [0.1]")!;
  expect(points).toBeUndefined();
  expect(diagnostics[0]).toMatchObject({
    code: "unknown-setting",
    hints: ["did you mean `decay`?"],
  });
});
