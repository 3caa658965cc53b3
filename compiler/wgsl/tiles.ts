// Which tile a contraction is cut into: a small table, ordered from large to small, and the rule that picks a line.
// A workgroup of `down` x `across` invocations makes a tile of (down * high) x (across * wide) sums, each invocation
// high x wide of them in registers; operands pass through workgroup memory `depth` steps of k at a time.
import type { Limits } from "../program/limits.ts";

export interface Tile {
  readonly down: number;
  readonly across: number;
  /** Rows and columns of one invocation: multiples of 4. */
  readonly high: number;
  readonly wide: number;
  readonly depth: number;
}

/** Tall and flat tiles are for products with few columns or rows (a classifier's head, its gradient). */
export const TILES: readonly Tile[] = [
  { down: 16, across: 16, high: 8, wide: 8, depth: 8 },
  { down: 8, across: 8, high: 8, wide: 8, depth: 16 },
  { down: 8, across: 8, high: 4, wide: 4, depth: 16 },
  { down: 16, across: 4, high: 4, wide: 4, depth: 16 },
  { down: 4, across: 16, high: 4, wide: 4, depth: 16 },
];

/** Enough workgroups to keep a GPU busy. */
const ENOUGH = 128;

export interface ProductSize {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
}

/**
 * The tile with the least work wasted at the borders, and among those within a quarter of it the largest
 * that still gives enough workgroups.
 */
export function chooseTile(size: ProductSize, limits: Limits): Tile {
  const fitting = TILES.filter((tile) => fits(tile, limits));
  const least = Math.min(...fitting.map((tile) => computed(size, tile)));
  const lean = fitting.filter((tile) => computed(size, tile) <= 1.25 * least);
  const smallest = Math.min(...lean.map((tile) => rowsOf(tile) * columnsOf(tile)));
  return lean.find(
    (tile) => tileCount(size, tile) >= ENOUGH || rowsOf(tile) * columnsOf(tile) === smallest,
  )!;
}

export function tileCount({ batch, m, n }: ProductSize, tile: Tile): number {
  return batch * Math.ceil(m / rowsOf(tile)) * Math.ceil(n / columnsOf(tile));
}

export function rowsOf(tile: Tile): number {
  return tile.down * tile.high;
}

export function columnsOf(tile: Tile): number {
  return tile.across * tile.wide;
}

/** Sums made, those outside of the matrix included. */
function computed(size: ProductSize, tile: Tile): number {
  return tileCount(size, tile) * rowsOf(tile) * columnsOf(tile);
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
