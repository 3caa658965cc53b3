// An entry's scratch buffers -> their lifetimes, and places by them.
import type { Placement, Interval } from "./plan-memory.ts";
import { align, planMemory } from "./plan-memory.ts";
import { buffersOf } from "../kernels/kernel-buffers.ts";
import { spansOf } from "../kernels/span.ts";
import { arenaBytes, smallerStep, tooLarge } from "./arena-space.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { elementBytes, hasOwnArena, WASM_LIMITS } from "./limits.ts";
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

/** Lifetimes of scratch buffers: parts live and die with the whole that they lie in. */
export function intervalsOf(
  { kernels }: Pick<EntryKernels, "kernels">,
  target: Target["name"] = "wasm",
  limits: Limits = WASM_LIMITS,
): Interval[] {
  const spans = spansOf(kernels.buffers);
  const lives = new Map<number, { first: number; last: number }>();
  kernels.kernels.forEach((kernel, step) => {
    for (const buffer of buffersOf(kernel)) {
      const { root } = spans[buffer]!;
      lives.set(root, { first: lives.get(root)?.first ?? step, last: step });
    }
  });
  return kernels.buffers.flatMap((buffer): Interval[] => {
    const live = lives.get(buffer.id);
    if (buffer.within || buffer.role.kind !== "scratch" || !live) return [];
    const isHalf = hasOwnArena(buffer.dtype, target, limits);
    const bytes = buffer.length * (isHalf ? 2 : elementBytes(buffer.dtype, target));
    return [{ id: buffer.id, bytes, ...live }];
  });
}
