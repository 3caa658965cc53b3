// A recipe, from fresh weights on a target -> the bits after one step: the loss and every array.
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { CompiledRecipe } from "../../compiler/compiled.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import type { BatchArray } from "../../runtime/data/fill-batch.ts";
import type { InputBatches } from "../../runtime/data/recipe-data.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";
import { nameableOf, openFile } from "../../runtime/spec/open-spec.ts";
import type { SpecTarget } from "../../runtime/spec/spec-target.ts";
import { initialize } from "../../runtime/training/initialize.ts";
import { runTrainingStep } from "../../runtime/training/training-step.ts";
import type { Target } from "./compare.ts";
import { uniform } from "./counter.ts";
import { deviceOf } from "./devices.ts";
import { countOf, oracleFolder } from "./fixture.ts";

/** Of every family, by `FILE-RECIPE`: one step of each is repeated. */
export function recipesOfFamilies(): readonly (readonly [string, SpecTarget])[] {
  return readdirSync(join(oracleFolder, "specs"))
    .filter((file) => file.endsWith(".vit"))
    .sort()
    .flatMap((file) =>
      recipesToRepeat(`test/oracle/specs/${file}`).map(
        (spec) => [`${file.replace(".vit", "")}-${spec.name}`, spec] as const,
      ),
    );
}

/** Recipes with chance on, whose names end in `_drawn`; all recipes of a file that has none of those. */
function recipesToRepeat(file: string): readonly SpecTarget[] {
  const recipes = nameableOf(openFile(specFiles(), file).file)
    .filter(({ kind }) => kind === "recipe")
    .map(({ name }) => ({ file, name: name.text }));
  const drawn = recipes.filter(isDrawn);
  return drawn.length > 0 ? drawn : recipes;
}

export function isDrawn({ name }: SpecTarget): boolean {
  return name?.endsWith("_drawn") === true;
}

export interface FreshStep {
  readonly loss: number;
  /** By path. */
  readonly parts: ReadonlyMap<string, Float64Array>;
}

/** One step for each seed of what is drawn; the first weights are those of the recipe's own seed, and so is the batch. */
export async function freshSteps(
  spec: SpecTarget,
  target: Target,
  seedsFurther: readonly number[],
  recompute: CompileSettings["recompute"] = "none",
): Promise<readonly FreshStep[]> {
  const device = await deviceOf(target);
  const options = { files: specFiles(), catalog: catalog() };
  const { compiled } = compileRecipeSpec(spec, options, { ...device.settings, recompute });
  const steps: FreshStep[] = [];
  for (const further of seedsFurther) {
    const loaded = await device.load(compiled);
    try {
      initialize(loaded, compiled.plan.seed, nodeHost.files);
      const plan = { ...compiled.plan, seed: compiled.plan.seed + further };
      const { loss } = await runTrainingStep(loaded, plan, batchesOf(compiled), 0);
      const parts = new Map<string, Float64Array>();
      for (const { path } of compiled.layout.parts)
        parts.set(path, Float64Array.from(await loaded.readPart(path)));
      steps.push({ loss, parts });
    } finally {
      loaded.close();
    }
  }
  return steps;
}

/** For each view of the training step, reals in [-1, 1) or whole numbers that are 0 or 1; the same at each call. */
function batchesOf({ plan, graphs }: CompiledRecipe): InputBatches {
  const views = new Set(plan.views.map(({ input }) => input));
  const inputs = new Map<string, BatchArray>();
  for (const { graph } of graphs)
    for (const { name, shape, dtype } of graph.inputs)
      if (views.has(name) && !inputs.has(name))
        inputs.set(name, generated(name, countOf(shape), dtype));
  return {
    size: plan.batch,
    stepsPerPass: 1,
    next: async () => ({ inputs, count: plan.batch }),
    notes: () => ({}),
    close: async () => {},
  };
}

function generated(name: string, count: number, dtype: string): BatchArray {
  const draws = uniform(`input/${name}`, count);
  return dtype === "f32"
    ? Float32Array.from(draws)
    : Int32Array.from(draws, (draw) => (draw < 0 ? 0 : 1));
}
