// A `sweep` -> its points: every combination of the listed values, each as settings that `lowerRecipe` takes as text.
// The first axis changes slowest, as nested loops in the order of the text would.
import type { SweepAxis, SweepDeclaration } from "../../../grammar/syntax.ts";
import type { Diagnostic } from "../../../grammar/diagnostic.ts";
import type { Catalog } from "../../model/catalog.ts";
import { findName } from "../../model/library.ts";
import type { FileScope, Library } from "../../model/library.ts";
import { effectiveRecipe } from "./effective-recipe.ts";
import { nearestHint } from "./nearest-hint.ts";
import { gatherProblems } from "./problems.ts";
import { RecipeContext } from "./recipe-context.ts";
import { printValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { listItems } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";
import type { SettingScope } from "./setting-scope.ts";

export interface SweepPoints {
  readonly recipe: string;
  /** Settings of each run, as text; absent where something is wrong. */
  readonly points?: readonly Readonly<Record<string, string>>[];
  readonly diagnostics: readonly Diagnostic[];
}

/** All runs of a sweep that a file declares. Undefined where there is none of that name. */
export function expandSweep(
  library: Library,
  file: string,
  name: string,
  catalog: Catalog,
): SweepPoints | undefined {
  const scope = library.files.get(file);
  const sweep = scope?.declarations.get(name);
  if (!scope || sweep?.kind !== "sweep") return undefined;
  const problems = gatherProblems();
  const context = contextOf(sweep, scope, library, catalog, problems);
  const axes = context ? sweep.axes.map((axis) => valuesOf(axis, context, scope)) : [];
  const isSound = problems.found.length === 0 && axes.every((axis) => axis !== undefined);
  const points = isSound ? combinations(axes.filter((axis) => axis !== undefined)) : undefined;
  return { recipe: sweep.of.text, diagnostics: problems.found, ...(points ? { points } : {}) };
}

function contextOf(
  sweep: SweepDeclaration,
  scope: FileScope,
  library: Library,
  catalog: Catalog,
  problems: ReturnType<typeof gatherProblems>,
): RecipeContext | undefined {
  const found = findName(library, scope, sweep.of.text);
  if (found?.declaration.kind !== "recipe") {
    const recipes = [...scope.declarations]
      .filter(([, known]) => known.kind === "recipe")
      .map(([known]) => known);
    problems.error(
      "unknown-recipe",
      `there is no recipe \`${sweep.of.text}\` to sweep over`,
      scope.name,
      sweep.of.span,
      nearestHint(sweep.of.text, recipes),
    );
    return undefined;
  }
  const effective = effectiveRecipe(library, found.file, found.declaration, undefined, problems);
  return effective && new RecipeContext(library, catalog, problems, effective);
}

/** What one axis sets, value by value: one setting, or several together. */
function valuesOf(
  axis: SweepAxis,
  context: RecipeContext,
  file: FileScope,
): readonly Readonly<Record<string, string>>[] | undefined {
  const { names, isTuple } = axis.binding;
  const fields = names.map(
    (name) =>
      context.effective.fields.find((placed) => placed.field.name.text === name.text)?.field,
  );
  names.forEach((name, i) => {
    if (fields[i]) return;
    const message = `recipe \`${context.effective.name}\` has no setting \`${name.text}\``;
    context.problems.error(
      "unknown-setting",
      message,
      file.name,
      name.span,
      nearestHint(name.text, context.settingNames()),
    );
  });
  if (!fields.every((field) => field !== undefined)) return undefined;
  const scope: SettingScope = context.scope(file);
  const span = axis.values.span;
  const types = fields.map(
    (field) => field.type ?? { kind: "type-name" as const, name: "any", span },
  );
  const element = isTuple ? { kind: "type-tuple" as const, elements: types, span } : types[0]!;
  const items = listItems(
    evaluateSetting(axis.values, scope, { kind: "type-list", element, span }),
    scope,
    span,
  );
  return items?.map((item) => {
    const parts: readonly RecipeValue[] = isTuple && item.kind === "tuple" ? item.items : [item];
    return Object.fromEntries(
      names.map((name, i) => [name.text, printValue(parts[i] ?? { kind: "none" })]),
    );
  });
}

function combinations(
  axes: readonly (readonly Readonly<Record<string, string>>[])[],
): readonly Readonly<Record<string, string>>[] {
  return axes.reduce<readonly Readonly<Record<string, string>>[]>(
    (points, axis) => points.flatMap((point) => axis.map((values) => ({ ...point, ...values }))),
    [{}],
  );
}
