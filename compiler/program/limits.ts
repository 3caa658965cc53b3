// What a device can do, as an input of the compiler: one can plan for another device than the one at hand.

import { elementCount } from "../graph/graph.ts";
import type { DType, TensorType } from "../graph/graph.ts";
import { isHalf } from "../ops/half.ts";

/**
 * `discrete`: many cores with memory of their own. `integrated`: few, beside a CPU. `software`: a CPU that plays a GPU,
 * where few invocations with much work each and no barriers are better.
 */
export type GpuClass = "discrete" | "integrated" | "software";

export interface Limits {
  /** Storage buffers bound in one dispatch. */
  readonly storageBuffers: number;
  /** Bytes of one binding. */
  readonly bindingBytes: number;
  /** Bytes of one buffer. */
  readonly bufferBytes: number;
  readonly workgroupBytes: number;
  readonly workgroupInvocations: number;
  readonly workgroupsPerDimension: number;
  /** Bytes in all (WebAssembly: 4 GiB). */
  readonly totalBytes: number;
  /** WebGPU's `shader-f16`: scratch that is f16 takes 16 bits. */
  readonly hasF16?: boolean;
  /** WebGPU's `subgroups`: invocations, in order, that can exchange values directly; at least so many on this device. */
  readonly subgroupSize?: number;
  /** WebGPU: what the kernels' tiles are made for; `discrete` unless said. */
  readonly gpuClass?: GpuClass;
}

/** What every WebGPU adapter offers. */
export const DEFAULT_WEBGPU_LIMITS: Limits = {
  storageBuffers: 8,
  bindingBytes: 128 * 1024 * 1024,
  bufferBytes: 256 * 1024 * 1024,
  workgroupBytes: 16384,
  workgroupInvocations: 256,
  workgroupsPerDimension: 65535,
  totalBytes: Number.POSITIVE_INFINITY,
};

export const WASM_LIMITS: Limits = {
  storageBuffers: Number.POSITIVE_INFINITY,
  bindingBytes: 4 * 1024 ** 3,
  bufferBytes: 4 * 1024 ** 3,
  workgroupBytes: Number.POSITIVE_INFINITY,
  workgroupInvocations: Number.POSITIVE_INFINITY,
  workgroupsPerDimension: Number.POSITIVE_INFINITY,
  totalBytes: 4 * 1024 ** 3 - 65536,
};

/** Whether scratch of this type lies in arenas of halves: on WebGPU an arena holds elements of one size. */
export function hasOwnArena(dtype: DType, target: "wasm" | "webgpu", { hasF16 }: Limits): boolean {
  return target === "webgpu" && dtype === "f16" && hasF16 === true;
}

/**
 * Bytes of an element in a target's memory. WebGPU's shaders write memory in words of 32 bits, and two invocations may
 * not write one word: halves are rounded there as everywhere, but each takes a word, unless it has an arena of its own.
 */
export function elementBytes(dtype: DType, target: "wasm" | "webgpu"): 2 | 4 {
  return target === "wasm" && isHalf(dtype) ? 2 : 4;
}

/** Bytes of a whole array in an arena of words. */
export function arrayBytes({ shape, dtype }: TensorType, target: "wasm" | "webgpu"): number {
  return elementCount(shape) * elementBytes(dtype, target);
}
