// `freeze teacher`, `freeze online.patch_embed` -> paths that do not learn and stand in evaluation form.
// The paths are told before anything is applied, and checked against what there is when everything has been.
import { pathText } from "../../../grammar/syntax.ts";
import type { Path } from "../../../grammar/syntax.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";

interface FrozenPath {
  readonly path: Path;
  readonly file: string;
}

export function freezePaths(context: RecipeContext, instances: Instances): void {
  for (const { path } of frozenPaths(context)) instances.frozen.add(pathText(path));
}

/** Paths that name nothing: no parameter and no module. */
export function checkFrozen(context: RecipeContext, instances: Instances): void {
  if (!context.hasAllPaths) return;
  const known = [...instances.modules.keys(), ...instances.parameters.keys()];
  for (const { path, file } of frozenPaths(context)) {
    const text = pathText(path);
    if (text === "" || known.some((each) => isUnder(each, text))) continue;
    context.problems.error(
      "matches-nothing",
      `there is nothing to freeze at \`${text}\``,
      file,
      path.span,
      nearestHint(text, known),
    );
  }
}

function frozenPaths(context: RecipeContext): readonly FrozenPath[] {
  return context.effective.clauses.flatMap(({ clause, file }) =>
    clause.kind === "freeze" ? clause.paths.map((path) => ({ path, file: file.name })) : [],
  );
}
