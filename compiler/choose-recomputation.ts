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

/** @param bytesWith what the program needs in all, with these graphs of the training step */
export function chooseRecomputation(
  graphs: readonly EntryGraph[],
  wish: RecomputeWish,
  bytesWith: (graphs: readonly EntryGraph[]) => number,
): Recomputed {
  const layers = [...new Set(graphs.flatMap(({ graph }) => layersOf(graph)))];
  const first = (count: number): readonly EntryGraph[] =>
    count === 0 ? graphs : graphs.map(({ name, graph }) => ({ name, graph: recompute(graph, layers.slice(0, count)) })); // prettier-ignore
  const done = (count: number, made: readonly EntryGraph[]): Recomputed => ({
    kind: "done",
    graphs: made,
    chosen: { layers: layers.slice(0, count), of: layers.length },
  });
  if (wish.kind === "layers") return done(layers.length, first(layers.length));
  if (bytesWith(graphs) <= wish.bytes) return done(0, graphs);
  let [low, high] = [0, layers.length];
  let best = first(high);
  const least = bytesWith(best);
  if (least > wish.bytes) return { kind: "too large", why: tooLarge(wish, least) };
  // Always: the first `low` layers are too few, the first `high` fit, and `best` is made of these.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const made = first(middle);
    if (bytesWith(made) <= wish.bytes) [high, best] = [middle, made];
    else low = middle;
  }
  return done(high, best);
}

/** A budget that even the inside of all layers computed again does not keep. */
function tooLarge(
  { bytes, at }: Extract<RecomputeWish, { kind: "budget" }>,
  least: number,
): Diagnostic {
  return {
    severity: "error",
    code: "device-limit",
    message: `the program needs ${bytesText(least)} even where every layer is computed again, more than ${bytesText(bytes)}`,
    span: at ?? { file: "--recompute", start: 0, end: 0 },
    hints: ["a smaller batch, or `accumulate`, makes the values of a step smaller"],
  };
}
