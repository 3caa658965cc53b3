// A recipe or model and the memory of a device -> the largest batch whose compiled plan fits, found by search over plans:
// memory grows with the batch almost along a line, so two plans tell about where the third must be looked for.
import { measureGraphs } from "../../compiler/compile.ts";
import { limitsOf } from "../../compiler/compile-settings.ts";
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import { LimitError } from "../../compiler/program/target.ts";
import { compileSpec, LimitTrouble } from "./compile-spec.ts";
import type { OpenOptions } from "./open-spec.ts";
import type { SpecTarget } from "./spec-target.ts";

export interface LargestBatch {
  /** 0 where not even the smallest fits. */
  readonly batch: number;
  /** Of that batch, or of the smallest; absent where a single array breaks a limit. */
  readonly bytes?: number;
  /** Why no larger one: the memory is full, or a limit of the device on a single array. */
  readonly because: "memory" | "limit";
  /** Plans that were made. */
  readonly plans: number;
}

export interface BatchSearch {
  readonly target: SpecTarget;
  readonly options: OpenOptions;
  readonly settings: Omit<CompileSettings, "target"> & { readonly target: "wasm" | "webgpu" };
  /** Bytes of the device, all in all, and those that it needs beside the program's arrays. */
  readonly memory: number;
  readonly beside: number;
  /** Batches are multiples of this: the parts that a batch is split into. */
  readonly unit: number;
  /** In units: where to begin. */
  readonly start: number;
}

/** Where so many plans have not told, memory is no line: the rest is halved. */
const straightPlans = 10;
/** No batch is looked for beyond. */
const mostUnits = 2 ** 24;

export function largestBatch(search: BatchSearch): LargestBatch {
  const known = new Map<number, number>();
  const bytesOf = (units: number): number => {
    const bytes = known.get(units) ?? planned(search, units);
    known.set(units, bytes);
    return bytes;
  };
  const fits = (units: number) => bytesOf(units) <= search.memory;
  let [low, high] = bracket(fits, Math.max(1, search.start));
  // Always: `low` fits (or is 0), `high` does not.
  while (high - low > 1) {
    const isLine = known.size < straightPlans;
    const middle = isLine ? between(low, high, bytesOf, search.memory) : (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  const bytes = bytesOf(Math.max(low, 1));
  return {
    batch: low * search.unit,
    ...(Number.isFinite(bytes) ? { bytes } : {}),
    because: Number.isFinite(bytesOf(low + 1)) ? "memory" : "limit",
    plans: known.size,
  };
}

function bracket(fits: (units: number) => boolean, start: number): [number, number] {
  if (!fits(start)) {
    let high = start;
    while (high > 1 && !fits(high >> 1)) high >>= 1;
    return [high === 1 ? 0 : high >> 1, high];
  }
  let low = start;
  while (low < mostUnits && fits(low * 2)) low *= 2;
  return [low, low * 2];
}

/** Where the line through both ends meets the memory, inside; the middle where there is no line. */
function between(
  low: number,
  high: number,
  bytesOf: (units: number) => number,
  memory: number,
): number {
  const [less, more] = [low === 0 ? NaN : bytesOf(low), bytesOf(high)];
  const at = low + ((memory - less) / (more - less)) * (high - low);
  const guess = Number.isFinite(at) ? Math.floor(at) : (low + high) >> 1;
  // A guess at an end would not part what is left: one next to it does.
  return Math.min(high - 1, Math.max(low + 1, guess));
}

/** Infinity where a single array, or a kernel, breaks a limit. */
function planned({ target, options, settings, beside, unit }: BatchSearch, units: number): number {
  const { recompute } = settings;
  const graphsAlone = { target: "interpret", limits: limitsOf(settings), ...(recompute ? { recompute } : {}) } as const; // prettier-ignore
  try {
    const spec = compileSpec(target, { ...options, batch: units * unit }, graphsAlone);
    const { graphs, layout } = spec.compiled;
    return measureGraphs(graphs, layout, settings) + beside;
  } catch (error) {
    if (error instanceof LimitTrouble || error instanceof LimitError)
      return Number.POSITIVE_INFINITY;
    throw error;
  }
}
