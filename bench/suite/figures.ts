// What a run of the suite found: plain data that is printed, kept as JSON and drawn.
import type { Footprint } from "../../compiler/program/footprint.ts";
import type { KernelGroup } from "../../runtime/profile/kernel-groups.ts";
import type { Spread } from "./measure.ts";
import type { Workload } from "./workloads.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly vitrail: string;
  /** `2026-11-25` */
  readonly date: string;
}

export interface PeerResult {
  readonly name: string;
  /** Absent on a GPU. */
  readonly threads?: number;
  /** What it is, with its version and how it computes. */
  readonly version?: string;
  /** Milliseconds of a run. */
  readonly spread?: Spread;
  readonly samples: number;
  /** Dropped: other processes took the machine. */
  readonly dropped: number;
  /** Why there is no figure. */
  readonly why?: string;
}

export interface WorkloadResult {
  readonly workload: Workload;
  /** Losses of the first runs, on which all peers agree. */
  readonly losses: readonly number[];
  readonly results: readonly PeerResult[];
}

/** A kernel on a device with so many threads. */
export interface KernelTime {
  readonly threads: number;
  readonly spread: Spread;
  /** The time that its arithmetic or its memory needs at best, over the least that it took: other processes only slow both. */
  readonly ofPeak: number;
  readonly limit: "arithmetic" | "memory";
}

export interface KernelResult {
  readonly group: string;
  readonly name: string;
  readonly flops: number;
  readonly bytes: number;
  readonly times: readonly KernelTime[];
}

export interface PeakResult {
  readonly threads: number;
  readonly flops: number;
  readonly bytes: number;
}

/** A figure that a compilation alone decides, or that the compiler's own clock gives. */
export interface CompileResult {
  readonly target: string;
  readonly milliseconds: Spread;
  readonly dispatches: { readonly forward: number; readonly backward: number; readonly update: number }; // prettier-ignore
  /** Of the update and of what it needs beforehand: the norm of all gradients, whether they are finite. */
  readonly optimizerDispatches: number;
  /** Repeated layers, where the model has such. */
  readonly layers?: number;
  /** Bytes, by what they hold. */
  readonly memory: Footprint;
}

/** The largest kernels of a training step, equal layers together. */
export interface ProfileResult {
  readonly target: string;
  readonly device: string;
  /** Milliseconds of a whole step, and of its kernels one by one. */
  readonly wholeMs: number;
  readonly sumMs: number;
  readonly groups: readonly KernelGroup[];
}

export interface SuiteFigures {
  readonly machine: Machine;
  /** Samples were kept although other processes took the machine: not to be reported. */
  readonly isNoisy: boolean;
  readonly command: string;
  readonly workloads: readonly WorkloadResult[];
  readonly peaks: readonly PeakResult[];
  readonly kernels: readonly KernelResult[];
  readonly compilations: readonly CompileResult[];
  readonly profiles: readonly ProfileResult[];
}
