// What the planner asks of a code generator. `wasm/` and `wgsl/` each export one Target.
import type { ResidentLayout } from "../compiled.ts";
import type { Origin } from "../graph/graph.ts";
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import type { EntryKernels } from "./entry-kernels.ts";
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
  /** Chooses how weights lie in their places, and has the kernels read them so; else as they are. */
  placeWeights?(made: PlacedWeights): PlacedWeights;
  /**
   * Called once for all kernels of equal structure: what it gives depends on nothing else of them.
   * @throws LimitError naming the limit that the kernel would break.
   */
  generate(kernel: Kernel, buffers: readonly Buffer[], limits: Limits): GeneratedKernel;
  /** What belongs to all codes together (the WebAssembly module), given each distinct code once, in order. */
  link(codes: readonly GeneratedKernel[]): Pick<Program, "module" | "threadScratchBytes">;
}

export interface PlacedWeights {
  readonly entries: readonly EntryKernels[];
  readonly layout: ResidentLayout;
}

/** What would break a limit, and where it comes from. */
export interface LimitBreak {
  readonly limit: DeviceLimit;
  /** `the parameter \`fc.weight\``, `a value of \`layers.0.mlp\` in train`. */
  readonly what: string;
  readonly needs: number;
  readonly allowed: number;
  readonly origin?: Origin;
  /** What makes up the need, for people. */
  readonly parts?: readonly (readonly [what: string, amount: string])[];
  readonly help: string;
}

export type DeviceLimit = Exclude<keyof Limits, "gpuClass" | "hasF16" | "subgroupSize">;

/** A device limit that no plan can keep. */
export class LimitError extends Error {
  readonly limit: DeviceLimit;
  readonly broken: LimitBreak;

  constructor(broken: LimitBreak) {
    const { limit, what, needs, allowed } = broken;
    const [need, unit] = amount(limit, needs);
    const [most] = amount(limit, allowed);
    // Where both round to the same, to the byte.
    const [shown, possible] = need === most ? [`${needs} bytes`, `${allowed} bytes`] : [need, most];
    super(`${what} needs ${shown}${unit}, the device allows ${possible} (${limit})`);
    this.limit = limit;
    this.broken = broken;
  }
}

/** A need or a limit in words, and what of: `128 MiB` ` in one piece`, `8` ` buffers at once`. */
function amount(limit: DeviceLimit, value: number): readonly [string, string] {
  switch (limit) {
    case "bindingBytes":
    case "bufferBytes":
      return [bytesText(value), " in one piece"];
    case "totalBytes":
      return [bytesText(value), " in all"];
    case "workgroupBytes":
      return [bytesText(value), " of workgroup memory"];
    case "storageBuffers":
      return [String(value), " buffers at once"];
    case "workgroupInvocations":
      return [String(value), " invocations a workgroup"];
    case "workgroupsPerDimension":
      return [String(value), " workgroups"];
  }
}

/** `1.2 GiB`, `300 bytes`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : Number(value.toPrecision(4))} ${units[unit]}`;
}
