// WebGPU for peers that expect a browser's: `navigator.gpu` from Dawn, where this machine has a GPU. An adapter that
// computes on the CPU is no GPU: it would take minutes for a step and say nothing of anyone.
import { lookForAdapter } from "../../runtime/device/choose-device.ts";

/** Why there is none, or what it is. */
export async function offerGpu(): Promise<{ readonly why: string } | { readonly gpu: string }> {
  const found = await lookForAdapter();
  if (found.kind === "none") return { why: found.message };
  const { description, isSoftware } = found.info;
  if (isSoftware) return { why: `the only adapter, ${description}, computes on the CPU` };
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const navigator = { userAgent: "Node.js", gpu: create([]) };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  return { gpu: description };
}
