// How long training steps take to compile, and what they are made of: no weights are allocated for it.
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../../compiler/program/limits.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { compileFigures, entriesOfStep } from "../../runtime/spec/compile-figures.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import type { Entry } from "../../compiler/program/program.ts";
import { build, publishedCompiler } from "../published.ts";
import type { CompileResult } from "./figures.ts";
import { spreadOf } from "./measure.ts";

interface Compilation {
  readonly target: string;
  readonly device: "wasm" | "webgpu";
  readonly layers?: number;
}

/** Recipes with clipping and decay, as they are trained, and all examples. ViT-G/14 does not fit WebAssembly's memory. */
export const compilations: readonly Compilation[] = [
  { target: "bench/models.vit:vit_base", device: "wasm", layers: 12 },
  { target: "bench/models.vit:vit_giant", device: "webgpu", layers: 48 },
  { target: "bench/models.vit:resnet50", device: "wasm" },
  { target: "examples/digits.vit", device: "wasm" },
  { target: "examples/resnet.vit", device: "wasm" },
  { target: "examples/names.vit", device: "wasm" },
  { target: "examples/byol.vit", device: "wasm" },
];

/** Of a GPU that binds a whole model's parameters at once, and of WebAssembly. */
export function limitsFor(device: Compilation["device"]): Limits {
  if (device === "wasm") return WASM_LIMITS;
  return { ...DEFAULT_WEBGPU_LIMITS, bindingBytes: 2 ** 35, bufferBytes: 2 ** 35 };
}

/** From text to program, files read anew each time; the first time the engine compiles us, too, and does not count. */
export async function measureCompilations(repeats: number): Promise<CompileResult[]> {
  build();
  const { compileSpec, options } = await publishedCompiler();
  return compilations.map(({ target, device, layers }) => {
    const times: number[] = [];
    let figures;
    let optimizerDispatches = 0;
    for (let i = 0; i <= repeats; i++) {
      const start = nodeHost.now();
      const spec = compileSpec(parseTarget(target), options(), { target: device, limits: limitsFor(device), prediction: false, clock: nodeHost.now }); // prettier-ignore
      // A module is made when it is read.
      if (spec.compiled.program?.module?.relaxed === "") throw new Error("the module is empty");
      if (i > 0) times.push(nodeHost.now() - start);
      figures = compileFigures(spec, 1);
      optimizerDispatches = optimizerOf(entriesOfStep(spec, spec.compiled.program!));
    }
    const { dispatches, memory } = figures!;
    return {
      target,
      milliseconds: spreadOf(times),
      dispatches,
      optimizerDispatches,
      ...(layers === undefined ? {} : { layers }),
      memory,
    };
  });
}

/** The update, and what belongs to no module once gradients are there. */
function optimizerOf(entries: readonly Entry[]): number {
  const dispatches = entries.flatMap(({ steps }) => steps.filter((step) => step.kind === "dispatch")); // prettier-ignore
  const backward = dispatches.findIndex(({ phase }) => phase === "backward");
  return dispatches.filter(({ phase, path }, at) => phase === "update" || (at > backward && phase === "forward" && path === "")).length; // prettier-ignore
}
