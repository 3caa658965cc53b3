// Resizing as a matrix, half-pixel centres (align_corners = false), as PyTorch's interpolate.
//   resize_matrix          {from, to, mode = linear | cubic, antialias = false} -> B [to, from], new = B old
//   pseudo_inverse_resize  the same settings -> pinv(B^T) [to, from]: FlexiViT's resize of patch embeddings
//                          (Beyer et al. 2023, eq. 3: the new patches of a resized image give the old tokens)
// `from` and `to` are lists of extents, one a direction; several make the Kronecker product over row-major grids.
import { OpError } from "../op.ts";
import type { Generator, Settings } from "./generator.ts";
import { counts, word } from "./generator.ts";
import type { Matrix } from "./matrix.ts";
import { kronecker, matrix, pseudoInverse, transpose } from "./matrix.ts";

/** Keys's cubic: a = -0.75 in PyTorch, -0.5 where it antialiases (as PIL). */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

function linear(distance: number): number {
  return Math.max(0, 1 - Math.abs(distance));
}

/** Without antialiasing a tap beyond the border counts for the border's own pixel. */
function plainRow(
  from: number,
  centre: number,
  kernel: (distance: number) => number,
): Float64Array {
  const row = new Float64Array(from);
  const nearest = Math.floor(centre);
  for (let tap = nearest - 1; tap <= nearest + 2; tap++) {
    const pixel = Math.min(Math.max(tap, 0), from - 1);
    row[pixel]! += kernel(tap - centre);
  }
  return row;
}

/** With antialiasing the kernel widens with the scale, is cut at the border and normalised. */
function antialiasedRow(
  from: number,
  centre: number,
  scale: number,
  kernel: (distance: number) => number,
): Float64Array {
  const widening = Math.max(scale, 1);
  const row = new Float64Array(from).map((_, pixel) => kernel((pixel - centre) / widening));
  const sum = row.reduce((total, weight) => total + weight, 0);
  return row.map((weight) => weight / sum);
}

function resizeOne(from: number, to: number, settings: Settings): Matrix {
  const isCubic = word(settings, "mode", ["linear", "cubic"]) === "cubic";
  const isAntialiased = settings["antialias"] === true;
  const kernel = isCubic ? (x: number) => cubic(x, isAntialiased ? -0.5 : -0.75) : linear;
  const scale = from / to;
  const rows = Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale - 0.5;
    return isAntialiased
      ? antialiasedRow(from, centre, scale, kernel)
      : plainRow(from, centre, kernel);
  });
  return matrix(to, from, (row, col) => rows[row]![col]!);
}

function directions(settings: Settings): {
  readonly from: readonly number[];
  readonly to: readonly number[];
} {
  const [from, to] = [counts(settings, "from"), counts(settings, "to")];
  if (from.length !== to.length || from.length === 0)
    throw new OpError("`from` and `to` need one extent for each direction");
  return { from, to };
}

function resizeShape(settings: Settings): readonly number[] {
  const { from, to } = directions(settings);
  return [to.reduce((a, b) => a * b), from.reduce((a, b) => a * b)];
}

function fillWith(settings: Settings, of: (matrix: Matrix) => Matrix): Float64Array {
  const { from, to } = directions(settings);
  return from.map((extent, place) => of(resizeOne(extent, to[place]!, settings))).reduce(kronecker)
    .values;
}

export const resizeMatrix: Generator = {
  name: "resize_matrix",
  shape: resizeShape,
  fill: (settings) => fillWith(settings, (resize) => resize),
};

export const pseudoInverseResize: Generator = {
  name: "pseudo_inverse_resize",
  shape: resizeShape,
  fill: (settings) => fillWith(settings, (resize) => pseudoInverse(transpose(resize))),
};
