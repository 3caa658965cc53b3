// `init Linear.weight ~ …` among the clauses of a recipe -> an error where it describes no parameter of its nets.
import type { Instances } from "../lower/instances.ts";
import { UnmetRules } from "../lower/initializer-rules.ts";
import type { RecipeContext } from "./recipe-context.ts";

/** Rules in the bodies of blocks are checked with their models: one may be for other settings than those of a recipe. */
export function checkInitializers(context: RecipeContext, instances: Instances): void {
  if (!context.hasAllPaths) return;
  const unmet = new UnmetRules();
  unmet.add(instances.rulesInUse(), instances.parameters.values());
  for (const { clause, file } of context.effective.clauses) {
    if (clause.kind !== "init") continue;
    const { start } = clause.path.span;
    unmet
      .diagnostics(file.name)
      .filter(({ span }) => span.start === start)
      .forEach(context.problems.add);
  }
}
