// Kernels -> one WebAssembly module: a function for each distinct kernel, and the runner that walks step tables.
// There are two modules, with relaxed SIMD (fused multiply-add) and without; the device picks by a probe, and what it
// does not pick is never made: a module is written when it is first read.
import { buffersOf } from "../kernels/kernel-buffers.ts";
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import type { Code, Program } from "../program/program.ts";
import type { GeneratedKernel, Target } from "../program/target.ts";
import { depthwiseLoop } from "./depthwise-loop.ts";
import { encodeBase64 } from "./base64.ts";
import { boundBuffers } from "./bound-buffers.ts";
import { encodeModule } from "./encoder.ts";
import { generateAttentionBackward } from "./generate-attention-backward.ts";
import { generateAttentionForward } from "./generate-attention-forward.ts";
import { generateContraction } from "./generate-contraction.ts";
import { generateLoop } from "./generate-loop.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { generateScatter } from "./generate-scatter.ts";
import { kernelSignature } from "./kernel-function.ts";
import { libraryFor } from "./library.ts";
import { runnerFunctions } from "./runner.ts";
import { weightsInPanels } from "./weights-in-panels.ts";

/** A kernel that still knows how to build its function. */
interface WasmKernel extends GeneratedKernel {
  readonly generated: GeneratedFunction;
}

export const wasmTarget: Target = {
  name: "wasm",
  // Counters are signed 32-bit numbers of bytes.
  largestArrayBytes: 2 ** 31 - 65536,
  placeWeights: weightsInPanels,
  generate(kernel, buffers): WasmKernel {
    const order = buffersOf(kernel);
    const generated = generateFunction(kernel, order, buffers);
    const code: Code = { target: "wasm", name: kernel.label, parallel: generated.isParallel };
    return { code, order, generated };
  },
  link(codes) {
    const functions = codes.map((code) => generatedOf(code));
    return {
      module: modulesOf(functions),
      threadScratchBytes: Math.max(0, ...functions.map((entry) => entry.scratchBytes)),
    };
  },
};

function modulesOf(functions: readonly GeneratedFunction[]): NonNullable<Program["module"]> {
  const made = new Map<boolean, string>();
  const moduleOf = (relaxed: boolean): string => {
    const known = made.get(relaxed) ?? encodeBase64(buildModule(functions, relaxed));
    made.set(relaxed, known);
    return known;
  };
  return {
    get relaxed() {
      return moduleOf(true);
    },
    get plain() {
      return moduleOf(false);
    },
  };
}

function generatedOf(code: GeneratedKernel): GeneratedFunction {
  if (!("generated" in code)) throw new Error("wasm: link needs the kernels that generate gave");
  return (code as WasmKernel).generated;
}

function generateFunction(
  kernel: Kernel,
  order: readonly number[],
  buffers: readonly Buffer[],
): GeneratedFunction {
  const bound = boundBuffers(order, buffers);
  switch (kernel.kind) {
    case "loop":
      return generateLoop(kernel, bound);
    case "contraction": {
      const loop = depthwiseLoop(kernel);
      return loop === undefined ? generateContraction(kernel, bound) : generateLoop(loop, bound);
    }
    case "attention":
      return kernel.pass === "forward"
        ? generateAttentionForward(kernel, bound)
        : generateAttentionBackward(kernel, bound);
    case "scatter":
      return generateScatter(kernel, bound);
  }
}

/** All modules hold the runner; table entry 0 copies, entry 1 + i is code i. */
function buildModule(functions: readonly GeneratedFunction[], relaxed: boolean): Uint8Array {
  const bodies = functions.map((entry) => entry.build(relaxed));
  const kernels = bodies.map((body, number) => ({
    name: `kernel.${number}`,
    body,
    exported: false,
  }));
  const library = libraryFor(bodies, relaxed).map((entry) => ({ ...entry, exported: false }));
  return encodeModule({
    functions: [...runnerFunctions(), ...library, ...kernels],
    table: ["copy", ...kernels.map((kernel) => kernel.name)],
    tableSignature: kernelSignature,
    maximumPages: 65536,
  });
}
