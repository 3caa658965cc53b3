// Sizes and weights of data sets that are blended -> examples in an epoch of the blend, and how many are of each.
// The compiler counts epochs with it, the runtime finds examples: both must agree.

/** One pass over the data set that lasts longest, given its share. */
export function blendSize(sizes: readonly number[], weights: readonly number[]): number {
  return blendCounts(sizes, weights).reduce((sum, count) => sum + count, 0);
}

/** How many examples of an epoch come from each, rounded up: none is left out. */
export function blendCounts(
  sizes: readonly number[],
  weights: readonly number[],
): readonly number[] {
  const passes = Math.max(...sizes.map((size, i) => size / weights[i]!));
  return weights.map((weight) => Math.ceil(passes * weight - 1e-9));
}
