// A recipe or model and the memory of a device -> the largest batch whose compiled plan fits, found by search over plans:
// memory grows with the batch almost along a line, so two plans tell about where the third must be looked for.
import { limitsOf } from "../../compiler/compile-settings.ts";
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import { deviceBytes } from "../../compiler/device-bytes.ts";
import { compileSpec, LimitTrouble } from "./compile-spec.ts";
import type { OpenOptions } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";
import type { SpecTarget } from "./spec-target.ts";

export interface LargestBatch {
  /** 0 where not even the smallest fits. */
  readonly batch: number;
  /** What the device needs in all for that batch, or for the smallest; absent where a single array breaks a limit. */
  readonly bytes?: number;
  /** Why no larger one: the memory is full, a limit of the device on a single array, or what `recompute to` allows. */
  readonly because: "memory" | Trouble;
  /** Plans that were made. */
  readonly plans: number;
}

export interface BatchSearch {
  readonly target: SpecTarget;
  readonly options: OpenOptions;
  readonly settings: Omit<CompileSettings, "target"> & { readonly target: "wasm" | "webgpu" };
  /** Bytes of the device, all in all. */
  readonly memory: number;
  /** Batches are multiples of this: the parts that a batch is split into. */
  readonly unit: number;
  /** In units: where to begin. */
  readonly start: number;
}

/** Why a batch has no plan, whatever the memory. */
type Trouble = "limit" | "budget";

/** Where so many plans have not told, memory is no line: the rest is halved. */
const straightPlans = 10;
/** No batch is looked for beyond. */
const mostUnits = 2 ** 24;

export function largestBatch(search: BatchSearch): LargestBatch {
  const known = new Map<number, number | Trouble>();
  const planOf = (units: number): number | Trouble => {
    const plan = known.get(units) ?? planned(search, units);
    known.set(units, plan);
    return plan;
  };
  const bytesOf = (units: number): number => {
    const plan = planOf(units);
    return typeof plan === "number" ? plan : Number.POSITIVE_INFINITY;
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
  const [bytes, next] = [bytesOf(Math.max(low, 1)), planOf(low + 1)];
  return {
    batch: low * search.unit,
    ...(Number.isFinite(bytes) ? { bytes } : {}),
    because: typeof next === "number" ? "memory" : next,
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

function planned(
  { target, options, settings, unit }: BatchSearch,
  units: number,
): number | Trouble {
  const limits = { ...limitsOf(settings), totalBytes: Number.POSITIVE_INFINITY };
  try {
    const { compiled } = compileSpec(target, { ...options, batch: units * unit }, { ...settings, limits }); // prettier-ignore
    return deviceBytes(compiled.program!, settings.threads ?? 1);
  } catch (error) {
    if (error instanceof LimitTrouble) return "limit";
    if (error instanceof SpecError && error.diagnostics.some(({ code }) => code === "device-limit"))
      return "budget";
    throw error;
  }
}
