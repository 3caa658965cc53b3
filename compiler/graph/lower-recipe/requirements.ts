// `require` clauses of a recipe: claims on its settings, checked before anything is computed.
import { printValue } from "./recipe-value.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { truthOf } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";

export function checkRequirements(context: RecipeContext): void {
  for (const { clause, file } of context.effective.clauses) {
    if (clause.kind !== "require") continue;
    const scope = context.scope(file);
    const value = evaluateSetting(clause.condition, scope);
    if (value.kind === "unknown" || truthOf(value) === true) continue;
    const message = clause.message.value.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const known = scope.lookup(name);
      return known ? printValue(known) : hole;
    });
    context.problems.error("requirement", message, file.name, clause.condition.span);
  }
}
