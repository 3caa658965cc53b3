// The graphs of a training step and a recipe's wish -> the same graphs with the inside of some layers computed again in the
// backward pass. `recompute layers` takes all; `recompute to 2 GB` as few as fit, from the first layer on: what the first
// ones keep is kept longest, and is made again when what the last ones have kept is gone.
import type { Diagnostic } from "../grammar/diagnostic.ts";
import type { EntryGraph } from "./compiled.ts";
import { layersOf, recompute } from "./graph/recompute.ts";
import type { RecomputeWish } from "./graph/lowered.ts";
import { bytesText } from "./program/target.ts";

export interface Recomputation {
  /** Paths of the layers whose inside is computed again. */
  readonly layers: readonly string[];
  /** How many layers have something that could be. */
  readonly of: number;
}

export type Recomputed =
  | {
      readonly kind: "done";
      readonly graphs: readonly EntryGraph[];
      readonly chosen: Recomputation;
    }
  | { readonly kind: "too large"; readonly why: Diagnostic };

/** @param bytesWith what the device needs in all for the program with these graphs of the training step */
export function chooseRecomputation(
  graphs: readonly EntryGraph[],
  wish: RecomputeWish,
  bytesWith: (graphs: readonly EntryGraph[]) => number,
): Recomputed {
  const layers = [...new Set(graphs.flatMap(({ graph }) => layersOf(graph)))];
  const first = (count: number): readonly EntryGraph[] =>
    count === 0 ? graphs : graphs.map(({ name, graph }) => ({ name, graph: recompute(graph, layers.slice(0, count)) })); // prettier-ignore
  const done = (count: number, made = first(count)): Recomputed => ({
    kind: "done",
    graphs: made,
    chosen: { layers: layers.slice(0, count), of: layers.length },
  });
  if (wish.kind === "layers") return done(layers.length);
  if (bytesWith(graphs) <= wish.bytes) return done(0);
  const bytesOf = (count: number): number => bytesWith(first(count));
  const least = downToFit(layers.length, wish.bytes, bytesOf);
  if (least.bytes > wish.bytes)
    return { kind: "too large", why: tooLarge(wish, least, layers.length) };
  let [low, high] = [0, least.count];
  let best = first(high);
  // Always: the first `low` layers are too few, the first `high` fit, and `best` is made of these.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const made = first(middle);
    if (bytesWith(made) <= wish.bytes) [high, best] = [middle, made];
    else low = middle;
  }
  return done(high, best);
}

interface Least {
  readonly count: number;
  readonly bytes: number;
}

/** The last layers may take more to make again than they free: from all downwards while fewer need less, until it fits. */
function downToFit(count: number, enough: number, bytesOf: (count: number) => number): Least {
  let least = { count, bytes: bytesOf(count) };
  while (least.count > 1 && least.bytes > enough) {
    const fewer = { count: least.count - 1, bytes: bytesOf(least.count - 1) };
    if (fewer.bytes >= least.bytes) break;
    least = fewer;
  }
  return least;
}

/** A budget that the program does not keep, whatever is computed again. */
function tooLarge(
  { bytes, at }: Extract<RecomputeWish, { kind: "budget" }>,
  least: Least,
  of: number,
): Diagnostic {
  const how = of === 0 ? "and has no layers to compute again" : `with ${least.count === of ? "all" : least.count} of its layers computed again`; // prettier-ignore
  return {
    severity: "error",
    code: "device-limit",
    message: `the program needs ${bytesText(least.bytes)} at least, ${how}: more than ${bytesText(bytes)}`,
    span: at ?? { file: "--recompute", start: 0, end: 0 },
    hints: ["a smaller batch, or `accumulate`, makes the values of a step smaller"],
  };
}
