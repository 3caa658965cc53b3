// Kernel graphs of all entries -> the bytes that their program would take, planned without making any code.
import type { ResidentLayout } from "../compiled.ts";
import type { Limits } from "./limits.ts";
import { planProgram } from "./plan.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import type { Target } from "./target.ts";

/** Residents, tables, what the host writes and reads, and scratch. @throws LimitError where one array is too large */
export function measureProgram(
  entries: readonly EntryKernels[],
  layout: ResidentLayout,
  name: Target["name"],
  limits: Limits,
): number {
  const target: Target = {
    name,
    largestArrayBytes: Number.POSITIVE_INFINITY,
    generate: () => ({ key: "", code: { target: "wasm", name: "", parallel: false }, order: [] }),
    link: () => ({}),
  };
  const { arenas } = planProgram(entries, layout, target, { ...limits, totalBytes: Infinity });
  return arenas.reduce((sum, { bytes }) => sum + bytes, 0);
}
