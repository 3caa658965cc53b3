// An entry's scratch buffers -> places by their lifetimes.
import type { Placement, Interval } from "./plan-memory.ts";
import { align, planMemory } from "./plan-memory.ts";
import { arenaBytes, smallerStep, tooLarge } from "./arena-space.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { intervalsOf } from "./lifetimes.ts";
import { hasOwnArena } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { Target } from "./target.ts";

/** Where halves have arenas of their own, they are placed apart. */
export interface ScratchPlan {
  readonly words: Placement;
  readonly halves: Placement;
}

export function planScratch(
  entry: EntryKernels,
  limits: Limits,
  target: Target["name"],
): ScratchPlan {
  const intervals = intervalsOf(entry, target, limits);
  const origins = new Map(entry.kernels.buffers.map((buffer) => [buffer.id, buffer.origin]));
  for (const { id, bytes } of intervals) {
    if (align(bytes) <= arenaBytes(limits)) continue;
    const origin = origins.get(id)!;
    const whose = origin.path === "" ? "a value" : `a value of \`${origin.path}\``;
    throw tooLarge(`${whose} in ${entry.name}`, align(bytes), limits, smallerStep, origin);
  }
  const { buffers } = entry.kernels;
  const isHalf = ({ id }: Interval) => hasOwnArena(buffers[id]!.dtype, target, limits);
  const words = intervals.filter((interval) => !isHalf(interval));
  return {
    words: planMemory(words, arenaBytes(limits)),
    halves: planMemory(intervals.filter(isHalf), arenaBytes(limits)),
  };
}
