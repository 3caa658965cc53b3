// The recipes whose figures are guarded, and the figures: what does not depend on the machine's mood.
import type { CompileSettings } from "../compiler/compile-settings.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../compiler/program/limits.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures, entriesOfStep } from "../runtime/spec/compile-figures.ts";
import { compileSpec, type CompiledSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";

export const guardedRecipes = [
  "examples/digits.vit",
  "examples/resnet.vit",
  "examples/names.vit",
  "examples/byol.vit",
  "test/guard.vit:vit_tiny",
  "test/guard.vit:mixer_small",
  "test/guard.vit:resnet50",
  "test/guard.vit:halves",
  "test/guard.vit:distilled",
  "test/guard.vit:towers",
  "test/guard.vit:layerwise",
  "test/guard.vit:apart",
] as const;

export type GuardedRecipe = (typeof guardedRecipes)[number];

/** In the order of the table. Of each figure less is better. */
export interface GuardFigures {
  /** Distinct pieces of generated code. */
  readonly kernels: number;
  readonly forward: number;
  readonly backward: number;
  readonly update: number;
  readonly submits: number;
  readonly "bytes moved": number;
  readonly "bytes planned": number;
  /** Bytes planned in excess of the largest live set, in percent. */
  readonly "over least": number;
  /** Weighed elementwise instructions of all entries. */
  readonly "scalar work": number;
  /** Of the graphs of all entries. */
  readonly nodes: number;
}

const files = specFiles();
const options = { files, catalog: catalog(nodeHost), settings: {} };

export function compileGuarded(
  recipe: GuardedRecipe,
  target: "wasm" | "webgpu",
  settings: Pick<CompileSettings, "verify" | "without"> = {},
): CompiledSpec {
  const limits = target === "wasm" ? WASM_LIMITS : DEFAULT_WEBGPU_LIMITS;
  return compileSpec(parseTarget(recipe), options, { target, limits, ...settings });
}

export function figuresOf(spec: CompiledSpec): GuardFigures {
  const { kernels, dispatches, bytes, memory, nodes, scalarWork } = compileFigures(spec, 2)!;
  const { forward, backward, update } = dispatches;
  // Steps of the host cut what is handed to the device.
  const submits = entriesOfStep(spec, spec.compiled.program!)
    .map(({ steps }) => 1 + steps.filter(({ kind }) => kind === "host").length)
    .reduce((sum, each) => sum + each);
  return {
    kernels,
    forward,
    backward,
    update,
    submits,
    "bytes moved": bytes,
    "bytes planned": memory.total,
    "over least": (memory.total / memory.lowerBound - 1) * 100,
    "scalar work": scalarWork,
    nodes,
  };
}
