// No name is given twice in a recipe, whatever the clauses are; only a `param` may bear the name of the setting that
// switches it. (The same clause twice is found where clauses are gathered.)
import type { Identifier } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import type { RecipeContext } from "./recipe-context.ts";

export function checkNamesOnce(context: RecipeContext): void {
  const seen = new Map<string, { readonly name: Identifier; readonly file: FileScope }>();
  for (const { field, file } of context.effective.fields)
    seen.set(field.name.text, { name: field.name, file });
  for (const placed of context.effective.clauses) {
    for (const name of namesGivenBy(placed)) {
      const first = seen.get(name.text);
      if (first && !(placed.clause.kind === "param" && context.setting(name.text))) {
        context.problems.error(
          "duplicate-name",
          `\`${name.text}\` is given twice`,
          placed.file.name,
          name.span,
          {
            labels: [
              {
                span: {
                  file: first.file.name,
                  start: first.name.span.start,
                  end: first.name.span.end,
                },
                message: "first given here",
              },
            ],
            hints: ["give one of them another name"],
          },
        );
      }
      seen.set(name.text, { name, file: placed.file });
    }
  }
}

/** The names that a clause gives a meaning to. */
export function namesGivenBy({ clause }: PlacedClause): readonly Identifier[] {
  switch (clause.kind) {
    case "let":
      return clause.binding.names;
    case "net":
    case "twin":
    case "data":
    case "view":
    case "param":
    case "state":
    case "draw":
    case "draw-setting":
      return [clause.name];
    default:
      return [];
  }
}
