// A target, settings and a device to plan for -> the compiled program of a recipe or of a model's forward pass.
import { positionAt } from "../../grammar/diagnostic.ts";
import type { Diagnostic, Sources } from "../../grammar/diagnostic.ts";
import type { RecipeDeclaration } from "../../grammar/syntax.ts";
import type { CompiledModel, CompiledRecipe } from "../../compiler/compiled.ts";
import { compileModel, compileRecipe } from "../../compiler/compile.ts";
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import { lowerModel } from "../../compiler/graph/lower-model.ts";
import { lowerRecipe } from "../../compiler/graph/lower-recipe.ts";
import type { ShownLine } from "../../compiler/graph/lower-recipe.ts";
import { limitDiagnostic } from "../../compiler/limit-diagnostic.ts";
import type { Library } from "../../compiler/model/library.ts";
import type { EntryKernels } from "../../compiler/program/entry-kernels.ts";
import { LimitError } from "../../compiler/program/target.ts";
import { WorldError } from "../errors.ts";
import { locateSpec, requestOf } from "./open-spec.ts";
import type { LocatedSpec, OpenOptions } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";
import type { SpecTarget } from "./spec-target.ts";

interface CompiledThing {
  readonly target: LocatedSpec["target"];
  readonly library: Library;
  /** Absent where the target is the interpreter. */
  readonly entries?: readonly EntryKernels[];
}

export interface CompiledRecipeSpec extends CompiledThing {
  readonly kind: "recipe";
  readonly compiled: CompiledRecipe;
  readonly shown: readonly ShownLine[];
}

export interface CompiledModelSpec extends CompiledThing {
  readonly kind: "model";
  readonly compiled: CompiledModel;
}

export type CompiledSpec = CompiledRecipeSpec | CompiledModelSpec;

/**
 * @throws SpecError where the spec is wrong, UnclearTarget where a name is needed, WorldError where there is no such
 * file or the device's limits cannot hold the program.
 */
export function compileSpec(
  target: SpecTarget,
  options: OpenOptions,
  settings: CompileSettings,
): CompiledSpec {
  const located = locateSpec(target, options);
  if (located.kind === "wrong") throw new SpecError(located);
  try {
    return located.declaration.kind === "recipe"
      ? recipeOf(located, options, settings)
      : modelOf(located, options, settings);
  } catch (error) {
    if (error instanceof LimitError) throw limitTrouble(error, located, options);
    throw error;
  }
}

/** @throws SpecError where the target is no recipe, and as `compileSpec`. */
export function compileRecipeSpec(
  target: SpecTarget,
  options: OpenOptions,
  settings: CompileSettings,
): CompiledRecipeSpec {
  const spec = compileSpec(target, options, settings);
  if (spec.kind === "recipe") return spec;
  const message = `\`${spec.target.name}\` is a model: a recipe says how to train it`;
  const hint = `write a recipe with  net model = ${spec.target.name}(...)  and train that`;
  const span = { file: spec.target.file, start: 0, end: 0 };
  throw new SpecError({
    diagnostics: [{ severity: "error", code: "not-a-recipe", message, span, hints: [hint] }],
    sources: new Map(),
  });
}

function recipeOf(
  located: LocatedSpec,
  options: OpenOptions,
  settings: CompileSettings,
): CompiledRecipeSpec {
  const { target, library } = located;
  const request = {
    ...requestOf(located, options),
    recipe: target.name,
    catalog: options.catalog,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
  };
  const { compiled, shown = [], diagnostics, entries } = compileRecipe(library, request, settings);
  if (compiled === undefined) throw new SpecError({ diagnostics, sources: library.sources });
  return { kind: "recipe", target, library, compiled, shown, ...(entries ? { entries } : {}) };
}

function modelOf(
  located: LocatedSpec,
  options: OpenOptions,
  settings: CompileSettings,
): CompiledModelSpec {
  const { target, library } = located;
  const request = {
    ...requestOf(located, options),
    model: target.name,
    batch: options.batch ?? 1,
    ...(options.inputs === undefined ? {} : { inputs: options.inputs }),
  };
  const { compiled, diagnostics, entries } = compileModel(library, request, settings);
  if (compiled === undefined) throw new SpecError({ diagnostics, sources: library.sources });
  return { kind: "model", target, library, compiled, ...(entries ? { entries } : {}) };
}

/** A plan that no device of these limits can hold: the world's trouble, with its place in the spec. */
export class LimitTrouble extends WorldError {
  readonly diagnostic: Diagnostic;
  readonly sources: Sources;

  constructor(diagnostic: Diagnostic, sources: Sources, cause: LimitError) {
    const { file, start } = diagnostic.span;
    const { line, column } = positionAt(sources.get(file) ?? "", start);
    const message = `${diagnostic.message}, ${file}:${line}:${column}`;
    super("out-of-memory", message, `${cause.broken.help}; or use another --device`, cause);
    this.diagnostic = diagnostic;
    this.sources = sources;
  }
}

/** What stands where is lowered once more: a compilation that ended early has not told. */
function limitTrouble(error: LimitError, located: LocatedSpec, options: OpenOptions): LimitTrouble {
  const { library, declaration, target } = located;
  const request = requestOf(located, options);
  const { name } = target;
  const isRecipe = declaration.kind === "recipe";
  const { recipe } = isRecipe ? lowerRecipe(library, { ...request, recipe: name, catalog: options.catalog }) : {}; // prettier-ignore
  const { model } = isRecipe ? {} : lowerModel(library, { ...request, model: name, batch: options.batch ?? 1 }); // prettier-ignore
  const clause = declaration.kind === "recipe" ? clauseOfInput(error, declaration) : undefined;
  const { start, end } = (clause ?? declaration.name).span;
  const context = {
    library,
    modules: recipe?.modules ?? model?.modules ?? [],
    parameters: recipe?.parameters ?? model?.graph.parameters ?? [],
    declared: { file: request.file, start, end },
  };
  return new LimitTrouble(limitDiagnostic(error, context), library.sources, error);
}

/** A batch that is too large is that of a view. */
function clauseOfInput({ broken }: LimitError, { clauses }: RecipeDeclaration) {
  return clauses.find(
    (clause) => clause.kind === "view" && broken.what === `input \`${clause.name.text}\``,
  );
}
