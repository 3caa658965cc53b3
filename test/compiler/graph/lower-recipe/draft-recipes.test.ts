// The recipes of the language and of the hard specs: each lowers.
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkRecipes, listRecipes, lowerRecipe } from "../../../../compiler/graph/lower-recipe.ts";
import type { RecipeResult } from "../../../../compiler/graph/lower-recipe.ts";
import type { Catalog, CatalogDataset } from "../../../../compiler/model/catalog.ts";
import { loadLibrary } from "../../../../compiler/model/load-library.ts";
import type { Library } from "../../../../compiler/model/library.ts";
import { renderDiagnostics } from "../../../../grammar/diagnostic.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { shipped } from "./recipe-text.ts";

const good = "test/cases/good/";
const drafts = readdirSync(`${good}drafts`);

/** The drafts call each other without the numbers of their files. */
function libraryOf(file: string): Library {
  const read = (name: string) => {
    if (name === file) return readFileSync(good + file, "utf8");
    const draft = drafts.find((known) => known.endsWith(`-${name.replace("drafts/", "")}`));
    return draft === undefined ? undefined : readFileSync(`${good}drafts/${draft}`, "utf8");
  };
  return loadLibrary({ read, shipped: shipped() }, file).library;
}

function lower(
  file: string,
  recipe: string,
  settings: Readonly<Record<string, string>> = {},
): RecipeResult {
  return lowerRecipe(libraryOf(file), { file, recipe, settings, catalog: catalog() });
}

/** A data set of so many colour images to train on, of ten kinds. */
function withColours(size: number): Catalog {
  const names = ["rows", "cols", "channels"];
  const axes = names.map((name) => ({ name, extent: name === "channels" ? 3 : 32 }));
  const colours: CatalogDataset = {
    name: "colours",
    about: "colour images",
    settings: [{ name: "split", type: { kind: "string" }, default: "train", about: "which part" }],
    fields: [
      { name: "image", kind: "image", axes, dtype: "f32" },
      { name: "label", kind: "label", axes: [], dtype: "i32" },
    ],
    classes: Array.from({ length: 10 }, (_, label) => String(label)),
    splits: { train: size, test: 1000 },
  };
  return { ...catalog(), datasets: [colours] };
}

describe("the language's own recipes", () => {
  const files = readdirSync(`${good}language`).filter((name) => name.startsWith("recipe-"));
  test.each(files)(
    "%s",
    (name) => {
      const library = libraryOf(`language/${name}`);
      const found = checkRecipes(library, `language/${name}`, catalog());
      expect(renderDiagnostics(found, library.sources)).toBe("");
      expect(listRecipes(library, `language/${name}`)).not.toEqual([]);
    },
    30_000,
  );

  test("BYOL learns the probe through `watched`, and the twin follows the whole of `online`", () => {
    const { recipe } = lower("language/recipe-byol.vit", "byol");
    expect(recipe!.losses.map(({ name }) => name)).toEqual(["loss", "watched"]);
    const online = recipe!.parameters.filter(({ path }) => path.startsWith("online."));
    expect(recipe!.twins[0]!.follows).toHaveLength(online.length);
    expect(
      recipe!.parameters.filter(({ path, trainable }) => path.startsWith("probe") && trainable),
    ).toHaveLength(2);
  });

  test("a locked tower has no group", () => {
    const { recipe } = lower("language/recipe-clip.vit", "lit");
    expect(
      recipe!.groups.flatMap(({ paths }) => paths).some((path) => path.startsWith("image.")),
    ).toBe(false);
    expect(recipe!.loads[0]!.adaptations).toEqual([
      { path: "image.position", how: "resize(bicubic)" },
      { path: "image.head", how: "fresh" },
    ]);
  });
});

describe("the hard specs", () => {
  test.each([
    ["08a-deit.vit", "deit"],
    ["08c-cosub.vit", "cosub"],
    ["05-flexivit.vit", "flexivit"],
    ["02-maskfeat.vit", "maskfeat_in1k"],
    ["02-maskfeat.vit", "maskfeat_finetune"],
    ["04-vatt.vit", "vatt"],
    ["08d-pretext.vit", "jigsaw"],
    ["08d-pretext.vit", "colorization"],
    ["08e-transfer.vit", "augreg"],
    ["08e-transfer.vit", "lit"],
    ["08f-clip.vit", "clip"],
  ])(
    "%s: %s lowers",
    (file, recipe) => {
      const { recipe: lowered, diagnostics } = lower(`drafts/${file}`, recipe);
      expect(diagnostics.map(({ message }) => message)).toEqual([]);
      expect(lowered!.losses).toHaveLength(1);
    },
    60_000,
  );

  test("MoCo v3 lowers: a twin, a metric of gradients, a linear probe", () => {
    const { recipe, diagnostics } = lower("drafts/08b-moco.vit", "moco_v3");
    expect(diagnostics.map(({ message }) => message)).toEqual([]);
    expect(recipe!.losses.map(({ name }) => name)).toEqual(["loss", "watched"]);
    expect(recipe!.twins[0]!.update).toBe("before_forward");
    const [request] = recipe!.gradients;
    expect(request!.paths.length).toBeGreaterThan(10);
    expect(request!.paths.every((path) => path.startsWith("online.backbone.layers.0."))).toBe(true);
    expect(recipe!.evaluations[0]).toMatchObject({
      protocol: "linear_probe",
      settings: { length: 90, "length.unit": "epochs", rate: 4, batch: 256 },
    });
  }, 60_000);

  test("FlexiViT has a training step for each patch, and one evaluation over all of them", () => {
    const { recipe } = lower("drafts/05-flexivit.vit", "flexivit", { sizes: "[30, 16, 8]" });
    expect(recipe!.drawn).toEqual([{ name: "patch", values: [30, 16, 8] }]);
    expect(recipe!.choices).toHaveLength(3);
    expect(recipe!.evaluations[0]!.graph.outputs.map(({ name }) => name)).toEqual([
      "top1.0",
      "top1.1",
      "top1.2",
    ]);
    expect(recipe!.loads[1]!.adaptations).toEqual([
      { path: "model.embedding.weight", how: "pi_resize" },
      { path: "model.position", how: "resize(bilinear)" },
    ]);
  }, 60_000);

  test.each([
    [5_000, 500],
    [50_000, 10_000],
    [1_000_000, 20_000],
  ])(
    "BiT's HyperRule on %d colour images trains for %d steps",
    (size, steps) => {
      const file = "drafts/08e-transfer.vit";
      const { recipe, diagnostics } = lowerRecipe(libraryOf(file), {
        file,
        recipe: "bit_hyperrule",
        settings: { source: "colours", classes: "10" },
        catalog: withColours(size),
      });
      expect(diagnostics.map(({ message }) => message)).toEqual([]);
      expect(recipe!.steps).toBe(steps);
      expect(recipe!.views.map(({ input }) => input).toSorted()).toEqual(["image", "train.label"]);
    },
    60_000,
  );
});
