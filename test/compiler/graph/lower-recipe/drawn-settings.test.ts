// `draw patch from [8, 16, 32]`: what is drawn at each step is known to the compiler, choice by choice.
import { describe, expect, test } from "vitest";
import { lowerRecipe } from "../../../../compiler/graph/lower-recipe.ts";
import { renderDiagnostics } from "../../../../grammar/diagnostic.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { file, libraryOf } from "./recipe-text.ts";

function lower(clauses: string) {
  const text = `
recipe r {
  net  model = { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> Linear(10) }
  data train = mnist(split = "train")
  data test  = mnist(split = "test")
  view image = train.image |> scale(0..1)
  view clean = test.image |> scale(0..1)
  batch     = 8
  length    = 1 epochs
  optimizer = AdamW
  lr        = 1e-3
  ${clauses}
}`;
  const library = libraryOf(text);
  const { recipe, diagnostics } = lowerRecipe(library, { file, catalog: catalog() });
  return { recipe, said: renderDiagnostics(diagnostics, library.sources) };
}

const loss = "loss = cross_entropy(model(image) * heat, train.label)";

describe("settings that are drawn", () => {
  test("give one dataflow for each combination, the last setting fastest", () => {
    const { recipe, said } = lower(`
  draw heat from [1, 2]
  draw cold from [3, 4, 5]
  loss = cross_entropy(model(image) * heat / cold, train.label)`);
    expect(said).toBe("");
    expect(recipe!.drawn).toEqual([
      { name: "heat", values: [1, 2] },
      { name: "cold", values: [3, 4, 5] },
    ]);
    expect(recipe!.choices).toHaveLength(6);
    expect(recipe!.choices[0]!.builder).toBe(recipe!.builder);
    expect(recipe!.parameters.map(({ path }) => path).sort()).toHaveLength(2);
  });

  test("a recipe without them has one", () => {
    const { recipe } = lower("loss = cross_entropy(model(image), train.label)");
    expect(recipe!.drawn).toEqual([]);
    expect(recipe!.choices).toHaveLength(1);
  });

  test("what any choice reads is there for all: parameters that learn, views", () => {
    const { recipe, said } = lower(`
  draw side from ["left", "right"]
  net  left  = Linear(10)
  net  right = Linear(10)
  view other = train.image |> scale(-1..1)
  let h    = if side == "left" then model(image) else model(other)
  let y    = if side == "left" then left(h) else right(h)
  loss     = cross_entropy(y, train.label)`);
    expect(said).toBe("");
    expect(recipe!.views.map(({ input }) => input).sort()).toEqual([
      "image",
      "other",
      "train.label",
    ]);
    const learning = recipe!.groups.flatMap(({ paths }) => paths);
    expect(learning).toContain("left.weight");
    expect(learning).toContain("right.weight");
  });

  test("are drawn from a list", () => {
    const { said } = lower(`draw heat from 3 epochs\n  ${loss}`);
    expect(said).toContain(
      "`heat` is drawn from a list of settings, but this is the duration 3 epochs",
    );
  });

  test("may have 64 combinations", () => {
    const eight = "[1, 2, 3, 4, 5, 6, 7, 8]";
    const three = `draw heat from ${eight}\n  draw a from ${eight}\n  draw b from [1, 2]\n  ${loss}`;
    expect(lower(three).said).toContain("these draws have 128 combinations");
  });

  test("have no value in an evaluation, which says its own", () => {
    const { said } = lower(`
  draw heat from [1, 2]
  ${loss}
  evaluate top1 = top1(model(clean) * heat, test.label) every 1 epochs`);
    expect(said).toContain("`heat` is drawn at each step of training, and an evaluation reads it");
  });

  test("have none in a view either: its examples are made before", () => {
    const { said } = lower(`
  draw side from [14, 28]
  view small = train.image |> resize(side) |> scale(0..1)
  loss = cross_entropy(model(small), train.label)`);
    expect(said).toContain("`side` is not known here");
  });
});
