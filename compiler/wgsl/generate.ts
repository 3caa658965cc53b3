// Kernel and limits -> WGSL, one shader and one dispatch a kernel. The target `webgpu` of the compiler.
// The text names buffers by slot and knows neither places nor names, so that kernels of equal structure
// (a layer repeated) have equal text.
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import type { GeneratedKernel, Target } from "../program/target.ts";
import { writeAttentionBackward } from "./attention-backward.ts";
import { writeAttentionForward } from "./attention-forward.ts";
import { writeContraction } from "./contraction.ts";
import { writeDirectAttention } from "./attention-direct.ts";
import { writeDirectContraction } from "./contraction-direct.ts";
import { KernelText } from "./kernel-text.ts";
import { writeLoopKernel, type KernelShape } from "./loop-kernel.ts";
import { writeScatter } from "./scatter.ts";

export const webgpuTarget: Target = {
  name: "webgpu",
  largestArrayBytes: Number.POSITIVE_INFINITY,
  generate: generateWgsl,
  link: () => ({}),
};

/** @throws LimitError where the kernel's grid is larger than the device allows. */
export function generateWgsl(
  kernel: Kernel,
  buffers: readonly Buffer[],
  limits: Limits,
): GeneratedKernel {
  const text = new KernelText(buffers);
  const { threads, workgroups } = writeKernel(text, kernel, limits);
  const wgsl = text.finish(threads);
  return {
    key: `${workgroups.join(" ")}\n${wgsl}`,
    code: { target: "webgpu", name: kernel.kind, wgsl, workgroups },
    order: text.order,
  };
}

function writeKernel(text: KernelText, kernel: Kernel, limits: Limits): KernelShape {
  switch (kernel.kind) {
    case "loop":
      return writeLoopKernel(text, kernel, limits);
    case "contraction":
      return limits.gpuClass === "software"
        ? writeDirectContraction(text, kernel, limits)
        : writeContraction(text, kernel, limits);
    case "attention":
      if (limits.gpuClass === "software") return writeDirectAttention(text, kernel, limits);
      return kernel.pass === "forward"
        ? writeAttentionForward(text, kernel, limits)
        : writeAttentionBackward(text, kernel, limits);
    case "scatter":
      return writeScatter(text, kernel, limits);
  }
}
