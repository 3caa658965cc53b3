// A recipe of a library -> its training dataflow, still open for differentiation, with everything around it resolved:
// views, courses of the rate, groups of parameters, twins, evaluations. `lower-recipe/` has a file for each part.
// The author's mistakes come back as diagnostics, all that can be found at once.
import { lowerRecompute } from "./lower-recipe/recompute-clause.ts";
import { sortDiagnostics } from "../../grammar/diagnostic.ts";
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import type { RecipeDeclaration } from "../../grammar/syntax.ts";
import type { Catalog } from "../model/catalog.ts";
import type { FileScope, Library } from "../model/library.ts";
import type { Parameter, State } from "./graph.ts";
import type { LoweredEvaluation, LoweredRecipe, TrainingDataflow, Twin, ViewInput } from "./lowered.ts"; // prettier-ignore
import { Instances } from "./lower/instances.ts";
import { Dataflow } from "./lower-recipe/dataflow.ts";
import { datasetsOf } from "./lower-recipe/datasets.ts";
import { drawnSettings } from "./lower-recipe/drawn-settings.ts";
import { effectiveRecipe } from "./lower-recipe/effective-recipe.ts";
import type { EffectiveRecipe } from "./lower-recipe/effective-recipe.ts";
import { lowerEvaluation } from "./lower-recipe/evaluations.ts";
import { checkExpectations } from "./lower-recipe/expectations.ts";
import { resolveFields } from "./lower-recipe/fields.ts";
import { checkFrozen, freezePaths } from "./lower-recipe/freeze.ts";
import { overrideSettings } from "./lower-recipe/given-settings.ts";
import { groupParameters } from "./lower-recipe/groups.ts";
import { usedPaths } from "./lower-recipe/learning.ts";
import { checkInitializers } from "./lower-recipe/initializers.ts";
import { lowerClamps, lowerLoads } from "./lower-recipe/loads.ts";
import { checkAccumulation, mixingOf } from "./lower-recipe/mixing.ts";
import { recipeModules } from "./lower-recipe/modules.ts";
import { checkNamesOnce } from "./lower-recipe/names-once.ts";
import { nearestHint } from "./lower-recipe/nearest-hint.ts";
import { lowerPrediction } from "./lower-recipe/predict.ts";
import { gatherProblems } from "./lower-recipe/problems.ts";
import { RecipeContext } from "./lower-recipe/recipe-context.ts";
import { printValue } from "./lower-recipe/recipe-value.ts";
import { checkRequirements } from "./lower-recipe/requirements.ts";
import { showRecipe } from "./lower-recipe/show-recipe.ts";
import type { ShownLine } from "./lower-recipe/show-recipe.ts";
import { expandSweep } from "./lower-recipe/sweeps.ts";
import { lowerTraining } from "./lower-recipe/training.ts";
import type { Training } from "./lower-recipe/training.ts";
import { lowerTwins } from "./lower-recipe/twins.ts";

export interface RecipeRequest {
  /** Name of the file as in the library. */
  readonly file: string;
  /** May be left out where the file has one recipe. */
  readonly recipe?: string;
  readonly variant?: string;
  /** Settings as text, `{ length: "3 epochs" }`: each is read as the language reads it. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly catalog: Catalog;
  /** In place of the recipe's own. */
  readonly batch?: number;
}

export interface RecipeResult {
  /** Absent where something is wrong. */
  readonly recipe?: LoweredRecipe;
  /** The recipe as one flat text, every value with its origin, for `vit show`. */
  readonly shown?: readonly ShownLine[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Lowers one recipe. Mistakes in text that it does not read are not found here: `loadLibrary` and the models have theirs. */
export function lowerRecipe(library: Library, request: RecipeRequest): RecipeResult {
  const problems = gatherProblems();
  const effective = findRecipe(library, request, problems);
  const recipe =
    effective &&
    lower(new RecipeContext(library, request.catalog, problems, effective, request.batch));
  const diagnostics = sortDiagnostics(problems.found);
  const isSound = diagnostics.every((diagnostic) => diagnostic.severity !== "error");
  if (!recipe || !isSound) return { diagnostics };
  return { recipe, shown: showRecipe(effective, recipe), diagnostics };
}

/** What `vit check` says of the recipes of a file: each with its defaults and each variant, and each sweep. */
export function checkRecipes(library: Library, file: string, catalog: Catalog): Diagnostic[] {
  const scope = library.files.get(file);
  if (!scope) return [];
  const problems = gatherProblems();
  for (const { name, variants, isClosed } of listRecipes(library, file)) {
    const requests = [...(isClosed ? [undefined] : []), ...variants].map((variant) =>
      variant === undefined ? {} : { variant },
    );
    for (const request of requests) {
      lowerRecipe(library, { file, recipe: name, catalog, ...request }).diagnostics.forEach(
        problems.add,
      );
    }
  }
  for (const declaration of scope.syntax.declarations) {
    if (declaration.kind !== "sweep") continue;
    expandSweep(library, file, declaration.name.text, catalog)?.diagnostics.forEach(problems.add);
  }
  return sortDiagnostics(problems.found);
}

export interface ListedRecipe {
  readonly name: string;
  readonly file: string;
  readonly variants: readonly string[];
  readonly settings: readonly string[];
  /** Every setting has a default, so that the name alone can be trained. */
  readonly isClosed: boolean;
  readonly documentation?: string;
}

/** The recipes that a file declares, in order. */
export function listRecipes(library: Library, file: string): readonly ListedRecipe[] {
  const scope = library.files.get(file);
  if (!scope) return [];
  return recipesOf(scope).map((recipe) => ({
    name: recipe.name.text,
    file,
    variants: scope.variants.get(recipe.name.text)?.rows.map((row) => row.name.value) ?? [],
    settings: recipe.settings.map((field) => field.name.text),
    isClosed: recipe.settings.every((field) => field.default !== undefined),
    ...(recipe.documentation === undefined ? {} : { documentation: recipe.documentation }),
  }));
}

export { expandSweep };
export type { SweepPoints } from "./lower-recipe/sweeps.ts";
export type { ShownLine };

function recipesOf(scope: FileScope): readonly RecipeDeclaration[] {
  return scope.syntax.declarations.filter((declaration) => declaration.kind === "recipe");
}

function findRecipe(
  library: Library,
  request: RecipeRequest,
  problems: ReturnType<typeof gatherProblems>,
): EffectiveRecipe | undefined {
  const scope = library.files.get(request.file);
  const whole = { start: 0, end: 0 };
  if (!scope) {
    problems.error("missing-file", `there is no file \`${request.file}\``, request.file, whole);
    return undefined;
  }
  const recipes = recipesOf(scope);
  const names = recipes.map((recipe) => recipe.name.text);
  const declaration =
    request.recipe === undefined && recipes.length === 1
      ? recipes[0]
      : recipes.find((recipe) => recipe.name.text === request.recipe);
  if (!declaration) {
    const message =
      recipes.length === 0
        ? "this file has no recipe"
        : request.recipe === undefined
          ? "this file has several recipes"
          : `this file has no recipe \`${request.recipe}\``;
    problems.error(
      "unknown-recipe",
      message,
      request.file,
      whole,
      nearestHint(request.recipe ?? "", names),
    );
    return undefined;
  }
  const variant =
    request.variant === undefined
      ? undefined
      : { name: request.variant, span: declaration.name.span };
  const effective = effectiveRecipe(library, scope, declaration, variant, problems);
  return effective && overrideSettings(effective, request.settings ?? {}, problems);
}

function lower(context: RecipeContext): LoweredRecipe | undefined {
  const fields = resolveFields(context);
  checkNamesOnce(context);
  checkRequirements(context);
  const instances = new Instances();
  freezePaths(context, instances);
  // One part of a batch that is split: every graph has that extent, and the parts are equal, so their mean is the whole's.
  const batch = fields.batch / fields.accumulate;
  const drawn = drawnSettings(context);
  if (!drawn) return undefined;
  const dataflows = drawn.combinations.map(
    (combination) =>
      new Dataflow(context, instances, { training: true, batch, drawn: combination }),
  );
  const before = context.problems.found.length;
  const { all: trainings, learning } = lowerTraining(dataflows);
  context.hasAllPaths =
    !dataflows.some(({ isBroken }) => isBroken) && context.problems.found.length === before;
  const evaluations = lowerEvaluations(context, instances, batch);
  const predict = lowerPrediction(context, instances, batch, drawn.combinations[0]!, learning);
  checkFrozen(context, instances);
  const graphs = [
    ...evaluations.map((evaluation) => evaluation.graph),
    ...(predict ? [predict.graph] : []),
  ];
  const used = usedPaths(trainings, graphs);
  const parameters = [...instances.parameters.values()]
    .filter(({ path }) => used.has(path))
    .map((parameter): Parameter => ({
      ...parameter,
      trainable: parameter.trainable && learning.has(parameter.path),
    }));
  const states = [...instances.states.values()].filter(({ path }): boolean => used.has(path));
  const groups = groupParameters(context, parameters.filter(({ trainable }) => trainable), fields.lr, parameters); // prettier-ignore
  const loads = lowerLoads(context, instances);
  const clamps = lowerClamps(context, instances);
  checkInitializers(context, instances);
  const renewed = new Set(trainings.flatMap(({ updates }) => updates.map(({ path }) => path)));
  const twins = lowerTwins(context, instances, new Set(states.map(({ path }) => path)), renewed);
  const mixing = trainings.map(mixingOf).find((found) => found !== undefined);
  checkAccumulation(context, fields, mixing);
  const modules = recipeModules(instances, parameters, predict?.graph, batch);
  checkExpectations(context, parameters, modules);
  const recompute = lowerRecompute(context, modules);
  if (!groups) return undefined;
  const { lr: _, ...plain } = fields;
  const choices = trainings.map(dataflowOf);
  return {
    name: context.effective.name,
    settings: context.settingNames().map((name) => ({ name, value: printSetting(name, context) })),
    ...plain,
    ...choices[0]!,
    drawn: drawn.settings,
    courses: context.courses.entries(),
    choices,
    datasets: datasetsOf(context.clauseNames().flatMap((name) => context.dataValue(name) ?? [])),
    views: viewsOf(trainings),
    parameters,
    states: states.map((state) => startOfStatistic(state, twins)),
    groups,
    twins,
    clamps,
    loads,
    evaluations,
    modules,
    ...(predict ? { predict } : {}),
    ...(recompute ? { recompute } : {}),
    ...(mixing ? { mixesExamples: mixing.reason } : {}),
  };
}

/** A statistic that follows starts as what it follows, which may have been loaded. */
function startOfStatistic(state: State, twins: readonly Twin[]): State {
  const followed = twins.flatMap(({ statistics }) => statistics).find((one) => one.state === state.path); // prettier-ignore
  if (!followed) return state;
  return { ...state, initializer: { kind: "copy", settings: { path: followed.of } } };
}

function dataflowOf({ dataflow, losses, metrics, updates }: Training): TrainingDataflow {
  const gradients = dataflow.gradients.requests();
  return { builder: dataflow.builder, losses, metrics, gradients, stateUpdates: updates };
}

/** All views that any of them reads: a loader does not know what will be drawn. */
function viewsOf(trainings: readonly Training[]): readonly ViewInput[] {
  const byInput = new Map(
    trainings
      .flatMap(({ dataflow, inputs }) => dataflow.viewInputs(inputs))
      .map((view) => [view.input, view]),
  );
  return [...byInput.values()];
}

function printSetting(name: string, context: RecipeContext): string {
  const value = context.setting(name)!;
  if (value.kind !== "text") return printValue(value);
  return value.file.syntax.text.slice(value.expression.span.start, value.expression.span.end);
}

function lowerEvaluations(
  context: RecipeContext,
  instances: Instances,
  batch: number,
): readonly LoweredEvaluation[] {
  return context.effective.clauses.flatMap((placed) => {
    const { clause } = placed;
    if (clause.kind !== "evaluate") return [];
    const lowered = lowerEvaluation({ ...placed, clause }, context, instances, batch);
    return lowered ? [lowered] : [];
  });
}
