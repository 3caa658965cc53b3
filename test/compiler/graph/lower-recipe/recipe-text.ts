// Recipe text -> what the compiler knows of it, with the standard library and the real catalog: for the tests here.
import { readdirSync, readFileSync } from "node:fs";
import { renderDiagnostics } from "../../../../grammar/diagnostic.ts";
import { loadLibrary } from "../../../../compiler/model/load-library.ts";
import type { Library } from "../../../../compiler/model/library.ts";
import { effectiveRecipe } from "../../../../compiler/graph/lower-recipe/effective-recipe.ts";
import { gatherProblems } from "../../../../compiler/graph/lower-recipe/problems.ts";
import type { Problems } from "../../../../compiler/graph/lower-recipe/problems.ts";
import { RecipeContext } from "../../../../compiler/graph/lower-recipe/recipe-context.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";

export const file = "test.vit";

export function libraryOf(text: string): Library {
  return loadLibrary(
    { read: (name) => (name === file ? text : undefined), shipped: shipped() },
    file,
  ).library;
}

/** The specs that come with Vitrail, by name. */
export function shipped(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const folder of ["specs/", "specs/std/"]) {
    for (const entry of readdirSync(folder)) {
      if (entry.endsWith(".vit")) texts.set(folder + entry, readFileSync(folder + entry, "utf8"));
    }
  }
  return texts;
}

export interface OpenRecipe {
  readonly context: RecipeContext;
  readonly problems: Problems;
  /** Everything that was reported, as a person sees it. */
  readonly said: () => string;
}

/** The first recipe of the text, its names resolved on demand. */
export function openRecipe(text: string): OpenRecipe {
  const library = libraryOf(text);
  const scope = library.files.get(file)!;
  const declaration = scope.syntax.declarations.findLast((known) => known.kind === "recipe")!;
  const problems = gatherProblems();
  const effective = effectiveRecipe(library, scope, declaration, undefined, problems);
  if (!effective) throw new Error(renderDiagnostics(problems.found, library.sources));
  const context = new RecipeContext(library, catalog(), problems, effective);
  return { context, problems, said: () => renderDiagnostics(problems.found, library.sources) };
}
