// Kernels -> one WebAssembly module: a function for each distinct kernel, and the runner that walks step tables.
// The module is made twice, with relaxed SIMD (fused multiply-add) and without; the device picks by a probe.
import type { DType } from "../graph/graph.ts";
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import type { Code } from "../program/program.ts";
import type { Limits } from "../program/limits.ts";
import { LimitError } from "../program/target.ts";
import type { GeneratedKernel, Target } from "../program/target.ts";
import { encodeBase64 } from "./base64.ts";
import { encodeModule } from "./encoder.ts";
import { generateAttentionBackward } from "./generate-attention-backward.ts";
import { generateAttentionForward } from "./generate-attention-forward.ts";
import { generateContraction } from "./generate-contraction.ts";
import { generateLoop } from "./generate-loop.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { generateScatter } from "./generate-scatter.ts";
import { buffersOf, kernelKey } from "./kernel-key.ts";
import { kernelSignature } from "./kernel-function.ts";
import { libraryFor } from "./library.ts";
import { runnerFunctions } from "./runner.ts";

/**
 * A generated kernel that still knows how to build its function. Nothing is planned before it is asked for:
 * of the many kernels with one key, only one is.
 */
class WasmKernel implements GeneratedKernel {
  readonly key: string;
  readonly order: readonly number[];
  private readonly plan: () => GeneratedFunction;
  private readonly label: string;
  private planned: GeneratedFunction | undefined;

  constructor(kernel: Kernel, buffers: readonly Buffer[]) {
    this.order = buffersOf(kernel);
    this.key = kernelKey(kernel, this.order, buffers);
    this.plan = () => generateFunction(kernel, this.order, buffers);
    this.label = kernel.label;
  }

  get generated(): GeneratedFunction {
    this.planned ??= this.plan();
    return this.planned;
  }

  get code(): Code {
    return { target: "wasm", name: this.label, parallel: this.generated.isParallel };
  }
}

export const wasmTarget: Target = {
  name: "wasm",
  generate(kernel, buffers, limits) {
    checkLimits(kernel, buffers, limits);
    return new WasmKernel(kernel, buffers);
  },
  link(codes) {
    const functions = codes.map((code) => generatedOf(code));
    return {
      module: {
        relaxed: encodeBase64(buildModule(functions, true)),
        plain: encodeBase64(buildModule(functions, false)),
      },
      threadScratchBytes: Math.max(0, ...functions.map((entry) => entry.scratchBytes)),
    };
  },
};

function generatedOf(code: GeneratedKernel): GeneratedFunction {
  if (!(code instanceof WasmKernel))
    throw new Error("wasm: link needs the kernels that generate gave");
  return code.generated;
}

function generateFunction(
  kernel: Kernel,
  order: readonly number[],
  buffers: readonly Buffer[],
): GeneratedFunction {
  switch (kernel.kind) {
    case "loop":
      return generateLoop(kernel, order);
    case "contraction":
      return generateContraction(kernel, order);
    case "attention":
      return kernel.pass === "forward"
        ? generateAttentionForward(kernel, order)
        : generateAttentionBackward(kernel, order);
    case "scatter":
      return generateScatter(kernel, order, dtypeOf(kernel.values, buffers));
  }
}

function dtypeOf(id: number, buffers: readonly Buffer[]): DType {
  const buffer = buffers.find((each) => each.id === id);
  if (buffer === undefined) throw new Error(`wasm: there is no buffer ${id}`);
  return buffer.dtype;
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

/** Counters are signed 32-bit numbers of bytes. */
const largestArrayBytes = 2 ** 31 - 65536;

function checkLimits(kernel: Kernel, buffers: readonly Buffer[], limits: Limits): void {
  const allowed = Math.min(limits.bindingBytes, largestArrayBytes);
  for (const id of buffersOf(kernel)) {
    const bytes = (buffers.find((each) => each.id === id)?.length ?? 0) * 4;
    if (bytes > allowed)
      throw new LimitError(
        "bindingBytes",
        `\`${kernel.label}\` uses an array of ${bytes} bytes; one array may have ${allowed}`,
      );
  }
}
