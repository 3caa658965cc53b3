// Every wrong recipe in `test/cases/bad/recipes` says what is wrong, in full: the text beside it.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderDiagnostics } from "../../../../grammar/diagnostic.ts";
import { lowerRecipe } from "../../../../compiler/graph/lower-recipe.ts";
import { loadLibrary } from "../../../../compiler/model/load-library.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { shipped } from "./recipe-text.ts";

const folder = "test/cases/bad/recipes/";
const files = readdirSync(folder).filter((name) => name.endsWith(".vit"));

test.each(files)("%s", async (file) => {
  const text = readFileSync(folder + file, "utf8");
  const read = (name: string) => (name === file ? text : undefined);
  const { library, diagnostics } = loadLibrary({ read, shipped: shipped() }, file);
  const recipes = library.files
    .get(file)!
    .syntax.declarations.filter((declaration) => declaration.kind === "recipe");
  const { recipe, diagnostics: found } = lowerRecipe(library, {
    file,
    recipe: recipes.at(-1)!.name.text,
    catalog: catalog(),
  });
  expect(recipe).toBeUndefined();
  const said = renderDiagnostics([...diagnostics, ...found], library.sources);
  await expect(`${said}\n`).toMatchFileSnapshot(
    `../../../../${folder}${file.replace(".vit", ".txt")}`,
  );
});
