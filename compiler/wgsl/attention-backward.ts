import type { AttentionKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
export function writeAttentionBackward(
  _t: KernelText,
  _k: AttentionKernel,
  _l: Limits,
): KernelShape {
  throw new Error("draft");
}
