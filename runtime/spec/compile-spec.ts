// A target, settings and a device to plan for -> the compiled program of a recipe or of a model's forward pass.
import type { CompiledModel, CompiledRecipe } from "../../compiler/compiled.ts";
import { compileModel, compileRecipe } from "../../compiler/compile.ts";
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import type { ShownLine } from "../../compiler/graph/lower-recipe.ts";
import type { Library } from "../../compiler/model/library.ts";
import type { EntryKernels } from "../../compiler/program/plan.ts";
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
    if (error instanceof LimitError) throw limitTrouble(error);
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

function limitTrouble(error: LimitError): WorldError {
  const message = `the program breaks a limit of the device (${error.limit}): ${error.message}`;
  const hint = "use a smaller batch, split it with `accumulate`, or another --device";
  return new WorldError("out-of-memory", message, hint, error);
}
