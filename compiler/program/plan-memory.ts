// Buffers with lifetimes -> places in scratch arenas such that no two that live at once overlap.
// Greedy by several orders, the best kept: sizes and lifetimes of a training step are nested (forward values die
// backwards), where one of the orders is as a rule within a few percent of the largest live set.

export interface Interval {
  readonly id: number;
  readonly bytes: number;
  /** First and last step in which it is written or read, both included. */
  readonly first: number;
  readonly last: number;
}

export interface Placement {
  /** Arena number and byte offset of each interval, by id. */
  readonly places: ReadonlyMap<number, { readonly arena: number; readonly offset: number }>;
  /** Bytes of each arena. */
  readonly arenas: readonly number[];
}

/** Offsets align to what a binding may begin at. */
export const ALIGNMENT = 256;

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The largest sum of buffers that live at once: no plan can need less. */
export function lowerBound(intervals: readonly Interval[]): number {
  const changes = new Map<number, number>();
  for (const { bytes, first, last } of intervals) {
    changes.set(first, (changes.get(first) ?? 0) + align(bytes));
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - align(bytes));
  }
  let live = 0;
  let most = 0;
  for (const step of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(step)!;
    most = Math.max(most, live);
  }
  return most;
}

type Order = (a: Interval, b: Interval) => number;

const span = (interval: Interval) => interval.last - interval.first + 1;

const orders: readonly Order[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => b.bytes * span(b) - a.bytes * span(a) || a.first - b.first,
  (a, b) => span(b) - span(a) || b.bytes - a.bytes,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
  (a, b) => b.last - a.last || b.bytes - a.bytes,
];

/** @param arenaBytes no arena is longer; every interval must fit one by itself. */
export function planMemory(intervals: readonly Interval[], arenaBytes: number): Placement {
  const bound = lowerBound(intervals);
  let best: Placement | undefined;
  for (const order of orders) {
    const placement = placeInOrder([...intervals].sort(order), arenaBytes);
    if (!best || total(placement) < total(best)) best = placement;
    if (total(best) <= bound) break;
  }
  return best ?? { places: new Map(), arenas: [] };
}

function total(placement: Placement): number {
  return placement.arenas.reduce((sum, bytes) => sum + bytes, 0);
}

interface Placed {
  readonly interval: Interval;
  readonly offset: number;
}

function placeInOrder(intervals: readonly Interval[], arenaBytes: number): Placement {
  const arenas: { bytes: number; placed: Placed[] }[] = [];
  const places = new Map<number, { arena: number; offset: number }>();
  for (const interval of intervals) {
    const found = findPlace(interval, arenas, arenaBytes);
    const arena = (arenas[found.arena] ??= { bytes: 0, placed: [] });
    insert(arena.placed, { interval, offset: found.offset });
    arena.bytes = Math.max(arena.bytes, found.offset + align(interval.bytes));
    places.set(interval.id, found);
  }
  return { places, arenas: arenas.map(({ bytes }) => bytes) };
}

/** Keeps an arena's list sorted by offset. */
function insert(placed: Placed[], item: Placed): void {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle]!.offset <= item.offset) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, item);
}

/** The tightest gap among those that live at the same time; else behind them; else a new arena. */
function findPlace(
  interval: Interval,
  arenas: readonly { readonly placed: readonly Placed[] }[],
  arenaBytes: number,
): { arena: number; offset: number } {
  const size = align(interval.bytes);
  for (const [arena, { placed }] of arenas.entries()) {
    const offset = bestOffset(interval, size, placed, arenaBytes);
    if (offset !== undefined) return { arena, offset };
  }
  return { arena: arenas.length, offset: 0 };
}

function bestOffset(
  interval: Interval,
  size: number,
  placed: readonly Placed[],
  arenaBytes: number,
): number | undefined {
  let end = 0;
  let best: number | undefined;
  let bestGap = Number.POSITIVE_INFINITY;
  for (const { interval: other, offset } of placed) {
    if (other.last < interval.first || other.first > interval.last) continue;
    const gap = offset - end;
    if (gap >= size && gap < bestGap) {
      best = end;
      bestGap = gap;
    }
    end = Math.max(end, offset + align(other.bytes));
  }
  if (best !== undefined) return best;
  return end + size <= arenaBytes ? end : undefined;
}
