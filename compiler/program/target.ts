// What the planner asks of a code generator. `wasm/` and `wgsl/` each export one Target.
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import type { Code, Program } from "./program.ts";
import type { Limits } from "./limits.ts";

/** Code of one kernel, one dispatch. */
export interface GeneratedKernel {
  /** Where kernels of unequal structure may still have equal code: equal code has an equal key. */
  readonly key?: string;
  readonly code: Code;
  /** Buffer ids of this kernel in the order in which the code expects their places. */
  readonly order: readonly number[];
}

export interface Target {
  readonly name: "wasm" | "webgpu";
  /** Bytes that one array may have on any device of this kind. */
  readonly largestArrayBytes: number;
  /**
   * Called once for all kernels of equal structure: what it gives depends on nothing else of them.
   * @throws LimitError naming the limit that the kernel would break.
   */
  generate(kernel: Kernel, buffers: readonly Buffer[], limits: Limits): GeneratedKernel;
  /** What belongs to all codes together (the WebAssembly module), given each distinct code once, in order. */
  link(codes: readonly GeneratedKernel[]): Pick<Program, "module" | "threadScratchBytes">;
}

/** A device limit that no plan can keep. */
export class LimitError extends Error {
  readonly limit: keyof Limits;
  constructor(limit: keyof Limits, message: string) {
    super(message);
    this.limit = limit;
  }
}
