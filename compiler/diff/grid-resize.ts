// A table with a row for each place of a square grid, and a few more for tokens such as the class token, can be
// resized to another grid: 197 = 14 * 14 + 1 rows to 577 = 24 * 24 + 1.

export interface GridResize {
  readonly from: number;
  readonly to: number;
}

/** The sides of the two grids, where the shapes differ in one axis that counts the places of grids. */
export function gridResize(from: readonly number[], to: readonly number[]): GridResize | undefined {
  if (from.length !== to.length || from.length < 2) return undefined;
  const different = from.flatMap((size, axis) => (size === to[axis] ? [] : [axis]));
  const [axis] = different;
  if (axis === undefined || different.length > 1) return undefined;
  for (const extra of [0, 1, 2]) {
    const sides = { from: Math.sqrt(from[axis]! - extra), to: Math.sqrt(to[axis]! - extra) };
    const areGrids = Number.isInteger(sides.from) && Number.isInteger(sides.to);
    if (areGrids && Math.min(sides.from, sides.to) >= 2) return sides;
  }
  return undefined;
}
