// Seed and step -> which examples make up that batch, by arithmetic alone: nothing is replayed to resume.
// In training each epoch is a permutation of its own and the order runs on across epochs, so that no batch is partial.
// In evaluation a pass goes in order, and its last batch is filled up with its own last example.
import { drawFrom, nameWord, seedKey, threefry2x32 } from "./draws.ts";
import type { Example } from "./draws.ts";

export interface BatchOrder {
  readonly examples: readonly Example[];
  /** How many of them, from the first, are real; the rest is filler. */
  readonly count: number;
}

export interface OrderSettings {
  readonly mode: "train" | "evaluate";
  readonly size: number;
  readonly batch: number;
  readonly seed: number;
  /** Each example comes so many times in a row; an epoch stays `size` examples long (Hoffer et al., 2020). */
  readonly repeat: number;
}

/** A function from step (counted from 0, any order) to batch. Keeps the permutation of the latest epoch. */
export function openOrder(settings: OrderSettings): (step: number) => BatchOrder {
  return settings.mode === "train"
    ? trainingOrder(settings)
    : (step) => evaluationOrder(settings, step);
}

/** Steps in one pass of an evaluation. */
export function stepsPerPass(size: number, batch: number): number {
  return Math.ceil(size / batch);
}

function trainingOrder({ size, batch, seed, repeat }: OrderSettings): (step: number) => BatchOrder {
  let epochOfKept = -1;
  let kept: Uint32Array = new Uint32Array();
  const permutationOf = (epoch: number): Uint32Array => {
    if (epoch !== epochOfKept) kept = permutation(size, seed, epoch);
    epochOfKept = epoch;
    return kept;
  };
  return (step) => {
    const examples: Example[] = [];
    for (let place = step * batch; place < (step + 1) * batch; place++) {
      const epoch = Math.floor(place / size);
      const within = place - epoch * size;
      const index = permutationOf(epoch)[Math.floor(within / repeat)]!;
      examples.push({ epoch, index, repeat: within % repeat });
    }
    return { examples, count: batch };
  };
}

function evaluationOrder({ size, batch }: OrderSettings, step: number): BatchOrder {
  const first = (step % stepsPerPass(size, batch)) * batch;
  const count = Math.min(batch, size - first);
  const examples = Array.from({ length: batch }, (_, i) => ({
    epoch: 0,
    index: first + Math.min(i, count - 1),
    repeat: 0,
  }));
  return { examples, count };
}

/** Numbers 0 … size - 1 in the order of one epoch (Fisher and Yates). */
export function permutation(size: number, seed: number, epoch: number): Uint32Array {
  const key = threefry2x32(seedKey(seed), [nameWord("order of examples"), epoch]);
  const draw = drawFrom(key, 0);
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let last = size - 1; last > 0; last--) {
    const other = draw.below(last + 1);
    const moved = order[last]!;
    order[last] = order[other]!;
    order[other] = moved;
  }
  return order;
}
