// How many orders, of how many places -> a list of permutations far from each other (the jigsaw puzzles of Noroozi and
// Favaro, 2016; Goyal et al., 2019): the identity first, then again and again the one with the greatest mean (or least)
// Hamming distance to all before it; among equals, the first in lexicographic order. Nothing is drawn.
export type SpreadRule = "mean" | "min";

/** Undefined where there are fewer than `count` permutations of `of` places. */
export function spreadPermutations(
  count: number,
  of: number,
  by: SpreadRule,
): readonly (readonly number[])[] | undefined {
  if (count > factorial(of)) return undefined;
  return by === "mean" ? spreadByMean(count, of) : spreadByMin(count, of);
}

export function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

/**
 * The sum of distances to those chosen is smallest where a permutation shares fewest (place, value) pairs with them:
 * an assignment problem, solved exactly over sets of values rather than by going through all n! candidates.
 */
function spreadByMean(count: number, of: number): readonly (readonly number[])[] {
  const shared = Array.from({ length: of }, () => new Int32Array(of));
  const chosen: number[][] = [];
  const known = new Set<string>();
  while (chosen.length < count) {
    const rest = leastFrom(shared);
    let found: number[] | undefined;
    for (let budget = rest[0]!; !found; budget++)
      found = firstWithin(budget, shared, rest, (order) => !known.has(order.join()));
    chosen.push(found);
    known.add(found.join());
    found.forEach((value, place) => shared[place]![value]!++);
  }
  return chosen;
}

/** For each set of used values (as bits): the least cost of the places after as many as it holds. */
function leastFrom(cost: readonly Int32Array[]): Float64Array {
  const of = cost.length;
  const all = 2 ** of - 1;
  const least = new Float64Array(all + 1).fill(Infinity);
  least[all] = 0;
  for (let used = all - 1; used >= 0; used--) {
    const place = bitsIn(used);
    for (let value = 0; value < of; value++) {
      if (used & (1 << value)) continue;
      least[used] = Math.min(least[used]!, cost[place]![value]! + least[used | (1 << value)]!);
    }
  }
  return least;
}

function bitsIn(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The lexicographically first permutation that costs at most `budget` and that `accepts`. */
function firstWithin(
  budget: number,
  cost: readonly Int32Array[],
  rest: Float64Array,
  accepts: (order: readonly number[]) => boolean,
): number[] | undefined {
  const order: number[] = [];
  const extend = (used: number, spent: number): boolean => {
    if (order.length === cost.length) return accepts(order);
    for (let value = 0; value < cost.length; value++) {
      const bit = 1 << value;
      const next = spent + cost[order.length]![value]!;
      if (used & bit || next + rest[used | bit]! > budget) continue;
      order.push(value);
      if (extend(used | bit, next)) return true;
      order.pop();
    }
    return false;
  };
  return extend(0, 0) ? order : undefined;
}

/** Every candidate's distance to the nearest of those chosen, updated as one more is. */
function spreadByMin(count: number, of: number): readonly (readonly number[])[] {
  const candidates = allPermutations(of);
  const nearest = new Uint8Array(candidates.length / of).fill(of + 1);
  const chosen: (readonly number[])[] = [];
  for (let next = 0; chosen.length < count; next = placeOfGreatest(nearest)) {
    const order = candidates.slice(next * of, (next + 1) * of);
    chosen.push([...order]);
    for (let candidate = 0, at = 0; candidate < nearest.length; candidate++, at += of) {
      let distance = 0;
      for (let place = 0; place < of; place++)
        if (candidates[at + place] !== order[place]) distance++;
      if (distance < nearest[candidate]!) nearest[candidate] = distance;
    }
  }
  return chosen;
}

function placeOfGreatest(values: Uint8Array): number {
  let place = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[place]!) place = i;
  return place;
}

/** In lexicographic order, one after another. */
function allPermutations(of: number): Uint8Array {
  const all = new Uint8Array(factorial(of) * of);
  const order = Array.from({ length: of }, (_, place) => place);
  for (let at = 0; at < all.length; at += of) {
    all.set(order, at);
    advance(order);
  }
  return all;
}

/** The lexicographic successor, in place (Knuth, volume 4A, algorithm L); the last one stays. */
function advance(order: number[]): void {
  const pivot = order.findLastIndex((value, place) => value < (order[place + 1] ?? -1));
  if (pivot === -1) return;
  const larger = order.findLastIndex((value) => value > order[pivot]!);
  [order[pivot], order[larger]] = [order[larger]!, order[pivot]!];
  order.push(...order.splice(pivot + 1).reverse());
}
