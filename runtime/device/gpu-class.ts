// What an adapter says of itself -> the class of GPU that kernels' tiles are chosen by. Names first, since makers are
// known to build the one or the other; where they say nothing, what a workgroup may have tells large GPUs from small.
import type { GpuClass } from "../../compiler/program/limits.ts";
import type { AdapterInfo } from "./webgpu-adapter.ts";

/** A GPU of these makers shares chip and memory with a CPU. */
const INTEGRATED_VENDORS = /^(qualcomm|arm|img-tec|imagination|samsung|broadcom|microsoft)$/i;

/** Arc, which has memory of its own, among Intel's. */
const INTEL_DISCRETE = /hpg|arc\b|battlemage|alchemist|dg[12]/i;

/** AMD's processors with graphics: they name no card. */
const AMD_INTEGRATED = /radeon(\(tm\))? graphics|vega \d+ graphics|radeon(\(tm\))? \d{3}m\b/i;

type Says = Pick<AdapterInfo, "vendor" | "architecture" | "description" | "isSoftware">;

/** `limits` of the adapter itself, for makers of both kinds. */
export function classOfGpu(info: Says, limits: WorkgroupLimits): GpuClass {
  const { vendor, architecture, description, isSoftware } = info;
  if (isSoftware) return "software";
  const about = `${architecture} ${description}`;
  if (INTEGRATED_VENDORS.test(vendor)) return "integrated";
  if (/^intel$/i.test(vendor)) return INTEL_DISCRETE.test(about) ? "discrete" : "integrated";
  if (/^amd$/i.test(vendor)) return AMD_INTEGRATED.test(about) ? "integrated" : "discrete";
  if (/^nvidia$/i.test(vendor)) return "discrete";
  return hasLargeWorkgroups(limits) ? "discrete" : "integrated";
}

type WorkgroupLimits = Pick<
  GPUSupportedLimits,
  "maxComputeWorkgroupStorageSize" | "maxComputeInvocationsPerWorkgroup"
>;

function hasLargeWorkgroups(limits: WorkgroupLimits): boolean {
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = limits;
  return maxComputeWorkgroupStorageSize >= 32768 && maxComputeInvocationsPerWorkgroup >= 1024;
}
