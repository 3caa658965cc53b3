// Which tile a contraction is cut into: for each class of GPU a small table, ordered from large to small, and the rule
// that picks a line by the product's shape. A workgroup of `down` x `across` invocations makes a tile of
// (down * high) x (across * wide) sums, each invocation high x wide of them in registers; operands pass through workgroup
// memory `depth` steps of k at a time. (A software adapter has no use for workgroup memory: see `contraction-direct.ts`.)
import type { GpuClass, Limits } from "../program/limits.ts";

export interface Tile {
  /** Multiples of 4. */
  readonly down: number;
  readonly across: number;
  /** Rows and columns of one invocation: 4 or 8. */
  readonly high: number;
  readonly wide: number;
  /** A multiple of 4. */
  readonly depth: number;
}

interface TileTable {
  readonly tiles: readonly Tile[];
  /** Workgroups that keep such a GPU busy. */
  readonly enough: number;
}

/** Tall and flat tiles are for products with few columns or rows (a classifier's head, its gradient). */
const narrow: readonly Tile[] = [
  { down: 8, across: 8, high: 4, wide: 4, depth: 16 },
  { down: 16, across: 4, high: 4, wide: 4, depth: 16 },
  { down: 4, across: 16, high: 4, wide: 4, depth: 16 },
];

/** For k of a few steps (a patch of one channel), of which a deeper tile would be mostly empty. */
const shallow: Tile = { down: 8, across: 8, high: 4, wide: 4, depth: 4 };

/** One table for all GPUs loses much on some: those that share memory with a CPU have few cores and few registers. */
export const TILE_TABLES: Readonly<Record<Exclude<GpuClass, "software">, TileTable>> = {
  discrete: {
    tiles: [
      { down: 16, across: 16, high: 8, wide: 8, depth: 8 },
      { down: 8, across: 8, high: 8, wide: 8, depth: 16 },
      ...narrow,
      shallow,
    ],
    enough: 128,
  },
  integrated: {
    tiles: [
      { down: 8, across: 16, high: 8, wide: 4, depth: 16 },
      { down: 8, across: 8, high: 8, wide: 4, depth: 16 },
      ...narrow,
      shallow,
    ],
    enough: 32,
  },
};

export interface ProductSize {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * The tile with the least work wasted at the borders, and among those within a quarter of it the first
 * that still gives enough workgroups, or else gives the most.
 */
export function chooseTile(size: ProductSize, limits: Limits): Tile {
  const { tiles, enough } = TILE_TABLES[limits.gpuClass === "integrated" ? "integrated" : "discrete"]; // prettier-ignore
  const fitting = tiles.filter((tile) => fits(tile, limits));
  const least = Math.min(...fitting.map((tile) => computed(size, tile)));
  const lean = fitting.filter((tile) => computed(size, tile) <= 1.25 * least);
  const smallest = Math.min(...lean.map((tile) => rowsOf(tile) * columnsOf(tile)));
  return lean.find(
    (tile) => tileCount(size, tile) >= enough || rowsOf(tile) * columnsOf(tile) === smallest,
  )!;
}

export function tileCount(
  { batch, m, n }: Pick<ProductSize, "batch" | "m" | "n">,
  tile: Tile,
): number {
  return batch * Math.ceil(m / rowsOf(tile)) * Math.ceil(n / columnsOf(tile));
}

export function rowsOf(tile: Tile): number {
  return tile.down * tile.high;
}

export function columnsOf(tile: Tile): number {
  return tile.across * tile.wide;
}

/** Products made, those outside of the matrices included. */
function computed(size: ProductSize, tile: Tile): number {
  const steps = Math.ceil(size.k / tile.depth) * tile.depth;
  return tileCount(size, tile) * rowsOf(tile) * columnsOf(tile) * steps;
}

/** vec4f elements of workgroup memory for one operand; one is added to each line so that lines start in other banks. */
export function operandVectors(lines: number, invocations: number, each: number): number {
  return lines * ((invocations * each) / 4 + 1);
}

function fits(tile: Tile, limits: Limits): boolean {
  const vectors =
    operandVectors(tile.depth, tile.down, tile.high) +
    operandVectors(tile.depth, tile.across, tile.wide);
  return (
    tile.down * tile.across <= limits.workgroupInvocations && vectors * 16 <= limits.workgroupBytes
  );
}
