// The program: what a device loads and runs. Plain JSON (code as text or base64), nothing of the source but labels.
// Always true: live buffers never overlap; everything a step needs lies in the resident arenas, the input area or scratch.
import type { Attributes, DType, Initializer, TensorType } from "../graph/graph.ts";
import type { Kernel, Buffer } from "../kernels/kernel.ts";
import type { PanelOrder } from "../wasm/panel-order.ts";
import type { Limits } from "./limits.ts";

/** Where a buffer lies: `arena` number and byte offset: a multiple of 256, or of 4 for a part of a larger buffer. */
export interface Place {
  readonly arena: number;
  readonly offset: number;
  /** In an arena of f16 (WebGPU): the offset is a multiple of 2. */
  readonly isHalf?: true;
}

/** A block of device memory. An arena never exceeds the limits' binding size. */
export interface Arena {
  readonly kind: "resident" | "io" | "scratch" | "table";
  readonly bytes: number;
}

/** A named array that the host can write or read: dtype, elements and place. */
export interface Slot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly place: Place;
}

/** A parameter, state, optimizer slot or twin: a part of a resident array. */
export interface ResidentSlot extends Slot {
  /** parameter, state, slot (of an optimizer), twin, accumulator. */
  readonly role: "parameter" | "state" | "slot" | "twin" | "accumulator";
  readonly initializer: Initializer;
  readonly trainable: boolean;
  /** wasm: kept in the order in which products read it; the host writes and reads it in its own. */
  readonly panels?: PanelOrder;
}

export interface TableSlot extends Slot {
  readonly generator: string;
  readonly settings: unknown;
}

/** One kernel's run: which code, and where each of its buffers lies (in the code's own order of buffers). */
export interface Dispatch {
  readonly kind: "dispatch";
  readonly code: number;
  readonly places: readonly Place[];
  /** For people and profiles. */
  readonly label: string;
  readonly path: string;
  readonly phase: "forward" | "backward" | "update";
  readonly flops: number;
  readonly bytes: number;
}

/** Copies elements inside the device: a new state value that could not take the old one's place. */
export interface Copy {
  readonly kind: "copy";
  readonly from: Place;
  readonly to: Place;
  readonly bytes: number;
}

/** An array that a step of the host reads or writes. */
export interface PlacedArray extends TensorType {
  readonly place: Place;
}

/** Work of the CPU on arrays of the device, by an op's own meaning. What stands before it is done when it begins. */
export interface HostStep {
  readonly kind: "host";
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly PlacedArray[];
  readonly output: PlacedArray;
  readonly label: string;
  readonly path: string;
  readonly phase: Dispatch["phase"];
  readonly bytes: number;
}

export type Step = Dispatch | Copy | HostStep;

/** A list of steps with a name: `train`, `accumulate`, `update`, `evaluate.top1`, `predict`. */
export interface Entry {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
}

/** Generated code of one distinct kernel. `kernel` keeps the structure (places apart) for profiles and tests. */
export type Code =
  | {
      readonly target: "wasm";
      readonly name: string;
      /** Enough work to share among threads; else one of them runs it alone. */
      readonly parallel: boolean;
    }
  | {
      readonly target: "webgpu";
      readonly name: string;
      readonly wgsl: string;
      readonly workgroups: readonly [number, number, number];
    };

export interface Program {
  readonly target: "wasm" | "webgpu";
  readonly limits: Limits;
  readonly arenas: readonly Arena[];
  readonly residents: readonly ResidentSlot[];
  readonly tables: readonly TableSlot[];
  readonly entries: readonly Entry[];
  readonly codes: readonly Code[];
  /** wasm: the one module with a function for each code, base64 (with and without relaxed SIMD), each made when read. */
  readonly module?: { readonly relaxed: string; readonly plain: string };
  /** wasm: bytes of scratch that each thread needs for packing. */
  readonly threadScratchBytes?: number;
}

/** A kernel and its buffers as `program` hands them to a code generator. */
export interface KernelWithBuffers {
  readonly kernel: Kernel;
  readonly buffers: readonly Buffer[];
}
