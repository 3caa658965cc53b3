// A program's entries -> the step in which the most scratch lives, and what holds it then: by kind and by buffer.
//   gradients   made in the backward pass, read by the update
//   saved       made in the forward pass, read in the backward pass
//   temporary   all else: values and gradients on their way, partial sums
import type { Origin } from "../graph/graph.ts";
import { kernelReads, kernelWrites } from "../kernels/kernel-buffers.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { spansOf } from "../kernels/span.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { intervalsOf } from "./lifetimes.ts";
import type { Limits } from "./limits.ts";
import { liveBytes } from "./plan-memory.ts";
import type { Interval } from "./plan-memory.ts";
import type { Target } from "./target.ts";

export type ScratchKind = "gradients" | "saved" | "temporary";

export interface Holder {
  readonly kind: ScratchKind;
  /** Of its pieces that live at the peak. */
  readonly bytes: number;
  readonly origin: Origin;
  /** The kernel that writes it first: `layers.3.mlp.fc1 dot + add`. */
  readonly label: string;
}

export interface MemoryPeak {
  readonly entry: string;
  /** The kernel that runs then. */
  readonly label: string;
  readonly phase: Kernel["phase"];
  readonly bytes: number;
  readonly byKind: Readonly<Record<ScratchKind, number>>;
  /** All that lives then, the largest first. */
  readonly holders: readonly Holder[];
}

/** Undefined where no entry has scratch. */
export function memoryPeak(
  entries: readonly EntryKernels[],
  target: Target["name"],
  limits: Limits,
): MemoryPeak | undefined {
  const peaks = entries.flatMap((entry) => {
    const intervals = intervalsOf(entry, target, limits);
    const live = liveBytes(intervals);
    const bytes = live.reduce((most, each) => Math.max(most, each), 0);
    return bytes > 0 ? [{ entry, intervals, bytes, step: live.indexOf(bytes) }] : [];
  });
  const [highest] = peaks.sort((a, b) => b.bytes - a.bytes);
  if (highest === undefined) return undefined;
  const { entry, intervals, step } = highest;
  const holders = holdersAt(step, entry, intervals);
  const of = (kind: ScratchKind) =>
    holders.reduce((sum, holder) => sum + (holder.kind === kind ? holder.bytes : 0), 0);
  const { label, phase } = entry.kernels.kernels[step]!;
  return {
    entry: entry.name,
    label,
    phase,
    bytes: holders.reduce((sum, holder) => sum + holder.bytes, 0),
    byKind: { gradients: of("gradients"), saved: of("saved"), temporary: of("temporary") },
    holders,
  };
}

function holdersAt(
  step: number,
  { kernels: { buffers, kernels } }: EntryKernels,
  intervals: readonly Interval[],
): Holder[] {
  const spans = spansOf(buffers);
  const written = new Map<number, Pick<Kernel, "label" | "phase">>();
  const read = new Map<number, Pick<Kernel, "phase">>();
  for (const kernel of kernels) {
    for (const id of kernelReads(kernel)) read.set(spans[id]!.root, kernel);
    for (const id of kernelWrites(kernel))
      if (!written.has(spans[id]!.root)) written.set(spans[id]!.root, kernel);
  }
  const holders = intervals.flatMap(({ id, bytes, first, last, parts }): Holder[] => {
    const alive = (parts ?? [{ bytes, first, last }]).filter(
      (part) => part.first <= step && step <= part.last,
    );
    if (alive.length === 0) return [];
    const maker = written.get(id)!;
    return [
      {
        kind: kindOf(maker.phase, read.get(id)?.phase),
        bytes: alive.reduce((sum, part) => sum + part.bytes, 0),
        origin: buffers[id]!.origin,
        label: maker.label,
      },
    ];
  });
  return holders.sort((a, b) => b.bytes - a.bytes);
}

function kindOf(made: Kernel["phase"], read: Kernel["phase"] | undefined): ScratchKind {
  if (made === "backward" && read === "update") return "gradients";
  return made === "forward" && read === "backward" ? "saved" : "temporary";
}
