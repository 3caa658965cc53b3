// Buffers with lifetimes -> places in scratch arenas such that no two that live at once overlap.
// Greedy by several orders, the best kept: sizes and lifetimes of a training step are nested (forward values die
// backwards), where one of the orders is as a rule within a few percent of the largest live set. Where none reaches it, the
// buffers that stand highest are placed earlier, in all orders, some times over.

export interface Interval {
  readonly id: number;
  readonly bytes: number;
  /** First and last step in which it is written or read, both included. */
  readonly first: number;
  readonly last: number;
  /** Pieces that live less long, by rising offset, none overlapping; what is in none of them is never used. */
  readonly parts?: readonly Part[];
}

export interface Part {
  /** Bytes from the beginning of the buffer. */
  readonly offset: number;
  readonly bytes: number;
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

function alignDown(bytes: number): number {
  return Math.floor(bytes / ALIGNMENT) * ALIGNMENT;
}

function partsOf({ bytes, first, last, parts }: Interval): readonly Part[] {
  return parts ?? [{ offset: 0, bytes, first, last }];
}

/** The largest sum of buffers that live at once: no plan can need less. */
export function lowerBound(intervals: readonly Interval[]): number {
  return Math.max(0, ...liveBytes(intervals));
}

/** The bytes that live in each step, up to the last. */
export function liveBytes(intervals: readonly Interval[]): number[] {
  const changes: number[] = [];
  // What lies behind a part may begin within its last 256 bytes.
  const isExact = intervals.some(({ parts }) => parts !== undefined);
  for (const interval of intervals)
    for (const { bytes, first, last } of partsOf(interval)) {
      const size = isExact ? bytes : align(bytes);
      changes[first] = (changes[first] ?? 0) + size;
      changes[last + 1] = (changes[last + 1] ?? 0) - size;
    }
  let live = 0;
  return Array.from(changes, (change) => (live += change ?? 0));
}

/** In which order buffers are placed, and where among several gaps that are wide enough. */
interface Way {
  readonly order: (a: Interval, b: Interval) => number;
  readonly gap: Gap;
}

/** The tightest gap, the lowest, or the upper end of the highest: what is placed so meets what grows from below last. */
type Gap = "tightest" | "lowest" | "highest";

const span = (interval: Interval) => interval.last - interval.first + 1;

/** `crowd` has the most bytes that live at once while a buffer does. The most promising first: what meets at the peak while all is free, and of it what lives to the end, as on a stack. */
const waysOf = (crowd: (interval: Interval) => number): readonly Way[] => [
  { order: (a, b) => crowd(b) - crowd(a) || b.last - a.last || b.bytes - a.bytes, gap: "lowest" },
  { order: (a, b) => b.last - a.last || a.first - b.first, gap: "lowest" },
  { order: (a, b) => a.first - b.first || b.bytes - a.bytes, gap: "highest" },
  { order: (a, b) => crowd(b) - crowd(a) || b.bytes - a.bytes, gap: "lowest" },
  { order: (a, b) => b.bytes - a.bytes || span(b) - span(a), gap: "lowest" },
  { order: (a, b) => span(b) - span(a) || b.bytes - a.bytes, gap: "tightest" },
];

/** Of placing one interval while others are there: what the retries of one way may take. */
const mostComparisons = 3e6;
const mostRetries = 20;
/** A plan so near the bound is good. */
const nearly = 1.003;

/** One way, as far as it has come. */
interface Try {
  readonly way: Way;
  readonly order: readonly Interval[];
  readonly placement: Placement;
}

/** @param arenaBytes no arena is longer; every interval must fit one by itself. */
export function planMemory(intervals: readonly Interval[], arenaBytes: number): Placement {
  const live = liveBytes(intervals);
  const enough = Math.max(0, ...live) * nearly;
  const crowds = new Map(intervals.map((interval) => [interval, mostWithin(live, interval)]));
  let best: Placement | undefined;
  const attempt = (way: Way, order: readonly Interval[]): Try => {
    const placement = placeInOrder(order, way.gap, arenaBytes);
    if (!best || total(placement) < total(best)) best = placement;
    return { way, order, placement };
  };
  let tries: Try[] = [];
  for (const way of waysOf((interval) => crowds.get(interval)!)) {
    tries.push(attempt(way, intervals.toSorted(way.order)));
    if (total(best!) <= enough) return best!;
  }
  const retries = Math.min(mostRetries, Math.floor(mostComparisons / intervals.length ** 2));
  // All ways in turn: one that is nearly there need not wait for the others to come to nothing.
  for (let retry = 0; retry < retries && tries.length > 0; retry++) {
    const next: Try[] = [];
    for (const { way, order, placement } of tries) {
      const raised = withHighestFirst(order, placement);
      if (raised.every((interval, i) => interval === order[i])) continue;
      next.push(attempt(way, raised));
      if (total(best!) <= enough) return best!;
    }
    tries = next;
  }
  return best!;
}

function mostWithin(live: readonly number[], { first, last }: Interval): number {
  let most = 0;
  for (let step = first; step <= last; step++) most = Math.max(most, live[step]!);
  return most;
}

function withHighestFirst(order: readonly Interval[], placement: Placement): readonly Interval[] {
  const highest = new Set(highestIn(placement, order));
  return [...highest, ...order.filter((each) => !highest.has(each))];
}

/** The buffers that end where their arena does: they make it as long as it is. */
function highestIn({ places, arenas }: Placement, intervals: readonly Interval[]): Interval[] {
  return intervals.filter(({ id, bytes }) => {
    const { arena, offset } = places.get(id)!;
    return offset + align(bytes) === arenas[arena];
  });
}

function total(placement: Placement): number {
  return placement.arenas.reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes [start, end) of an arena, while something is there. */
interface Placed {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

function placeInOrder(intervals: readonly Interval[], gap: Gap, arenaBytes: number): Placement {
  const arenas: { bytes: number; placed: Placed[] }[] = [];
  const places = new Map<number, { arena: number; offset: number }>();
  for (const interval of intervals) {
    const found = findPlace(interval, gap, arenas, arenaBytes);
    const arena = (arenas[found.arena] ??= { bytes: 0, placed: [] });
    for (const { offset, bytes, first, last } of partsOf(interval)) {
      const start = found.offset + offset;
      insert(arena.placed, { start, end: start + bytes, first, last });
    }
    arena.bytes = Math.max(arena.bytes, found.offset + align(interval.bytes));
    places.set(interval.id, found);
  }
  return { places, arenas: arenas.map(({ bytes }) => bytes) };
}

/** Keeps an arena's list sorted by start. */
function insert(placed: Placed[], item: Placed): void {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle]!.start <= item.start) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, item);
}

/** A gap among those that live at the same time; else behind them; else a new arena. */
function findPlace(
  interval: Interval,
  gap: Gap,
  arenas: readonly { readonly placed: readonly Placed[] }[],
  arenaBytes: number,
): { arena: number; offset: number } {
  for (const [arena, { placed }] of arenas.entries()) {
    const offset = interval.parts
      ? lowestOffset(interval.parts, placed)
      : offsetInGap(interval, gap, placed);
    if (offset + align(interval.bytes) <= arenaBytes) return { arena, offset };
  }
  return { arena: arenas.length, offset: 0 };
}

function offsetInGap(
  { bytes, first, last }: Interval,
  wanted: Gap,
  placed: readonly Placed[],
): number {
  let end = 0;
  let best: number | undefined;
  let bestGap = Number.POSITIVE_INFINITY;
  for (const other of placed) {
    if (other.last < first || other.first > last) continue;
    const gap = other.start - end;
    if (gap >= bytes && wanted === "lowest") return end;
    if (gap >= bytes && wanted === "highest") best = alignDown(other.start - bytes);
    else if (gap >= bytes && gap < bestGap) {
      best = end;
      bestGap = gap;
    }
    end = Math.max(end, align(other.end));
  }
  return best ?? end;
}

/** From the beginning upwards, past each part's conflicts, until none is left. */
function lowestOffset(parts: readonly Part[], placed: readonly Placed[]): number {
  let offset = 0;
  for (let isFree = false; !isFree;) {
    isFree = true;
    for (const part of parts)
      for (const { start, end, first, last } of placed) {
        // What begins behind it is out of its way, and so is all that follows.
        if (offset + part.offset + part.bytes <= start) break;
        if (last < part.first || first > part.last || end <= offset + part.offset) continue;
        offset = align(end - part.offset);
        isFree = false;
      }
  }
  return offset;
}
