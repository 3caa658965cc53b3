// A tensor of a checkpoint of another size -> the size that ours has: a grid of positions, or a kernel of patches.
// As PyTorch's interpolate without align_corners, direction by direction, in double; a patch kernel by the
// pseudo-inverse of such a resize, so that a resized patch gives what the old one gave (Beyer et al., 2023, eq. 3).
import type { Resize } from "../../compiler/names/adaptations.ts";
import { pseudoInverseResize, resizeMatrix } from "../../compiler/ops/generators/resize.ts";

export type Resizing = Resize & { readonly kind: "resize" | "pi_resize" | "cut" };

/** What is done, or why it cannot be. */
export type ResizePlan =
  | { readonly apply: (values: ArrayLike<number>) => Float64Array; readonly said: string }
  | { readonly fault: string };

/** From a shape of ours in the checkpoint's size to the one that we have. */
export function planResize(
  from: readonly number[],
  to: readonly number[],
  resizing: Resizing,
): ResizePlan {
  if (from.length !== to.length) return { fault: `it has ${from.length} axes, not ${to.length}` };
  if (resizing.kind === "cut") return planCut(from, to);
  const unlike = to.flatMap((size, axis) => (size === from[axis] ? [] : [axis]));
  const isTokens = resizing.tokens !== undefined && !unlike.some((axis) => axis > 0);
  if (isTokens) return planTokens(from, to, resizing);
  if (unlike.length === 1)
    return {
      fault:
        "nothing says what grid its positions are: say it, as in resize(bicubic, before = 1, grid = (24, 24), from = (14, 14))",
    };
  const said = `${unlike.map((axis) => from[axis]).join(" x ")} to ${unlike.map((axis) => to[axis]).join(" x ")}`;
  return { said, apply: (values) => resizedAxes(values, from, to, resizing) };
}

/** The beginning of every axis. */
function planCut(from: readonly number[], to: readonly number[]): ResizePlan {
  const short = to.findIndex((size, axis) => size > from[axis]!);
  if (short >= 0) return { fault: `${from[short]} cannot be cut to ${to[short]}` };
  const count = to.reduce((product, size) => product * size, 1);
  const apply = (values: ArrayLike<number>): Float64Array => {
    const result = new Float64Array(count);
    for (let place = 0; place < count; place++) {
      let [rest, stride, source] = [place, 1, 0];
      for (let axis = to.length - 1; axis >= 0; axis--) {
        source += (rest % to[axis]!) * stride;
        rest = Math.floor(rest / to[axis]!);
        stride *= from[axis]!;
      }
      result[place] = values[source]!;
    }
    return result;
  };
  return { said: `${from.join(" x ")} cut to ${to.join(" x ")}`, apply };
}

/** The first axis holds tokens: some before the grid, which stay, and the grid, row by row. */
function planTokens(
  from: readonly number[],
  to: readonly number[],
  resizing: Resizing,
): ResizePlan {
  const { before, grid } = resizing.tokens!;
  const kept = resizing.fromBefore ?? before;
  const count = grid.reduce((product, size) => product * size, 1);
  if (before + count !== to[0])
    return { fault: `${before} and a grid of ${grid.join(" x ")} are not ${to[0]} tokens` };
  if (kept < before)
    return { fault: `its ${kept} tokens before the grid are fewer than our ${before}` };
  const old = resizing.from ?? squareGrid(grid, from[0]! - kept);
  if (old === undefined)
    return { fault: `its ${from[0]! - kept} positions are no square: say from = (rows, cols)` };
  if (kept + old.reduce((product, size) => product * size, 1) !== from[0])
    return { fault: `${kept} and a grid of ${old.join(" x ")} are not its ${from[0]} tokens` };
  if (old.length !== grid.length)
    return { fault: `a grid of ${old.join(" x ")} cannot become one of ${grid.join(" x ")}` };
  const rest = to.slice(1);
  const width = rest.reduce((product, size) => product * size, 1);
  return {
    said: `${old.join(" x ")} to ${grid.join(" x ")}${before > 0 ? ` behind ${before}` : ""}`,
    apply: (values) => {
      const all = Float64Array.from(values);
      const positions = all.subarray(kept * width);
      const resized = resizedAxes(positions, [...old, ...rest], [...grid, ...rest], resizing);
      const result = new Float64Array(before * width + resized.length);
      result.set(all.subarray(0, before * width));
      result.set(resized, before * width);
      return result;
    },
  };
}

/** Our text says that the grid is a square, so it was one too. */
function squareGrid(grid: readonly number[], count: number): readonly number[] | undefined {
  const [rows, cols] = grid;
  const side = Math.round(Math.sqrt(count));
  return grid.length === 2 && rows === cols && side * side === count ? [side, side] : undefined;
}

function resizedAxes(
  values: ArrayLike<number>,
  from: readonly number[],
  to: readonly number[],
  { kind, mode, antialias }: Resizing,
): Float64Array {
  const generator = kind === "resize" ? resizeMatrix : pseudoInverseResize;
  let shape = [...from];
  let now = Float64Array.from(values);
  for (let axis = 0; axis < to.length; axis++) {
    if (shape[axis] === to[axis]) continue;
    const settings = { from: [shape[axis]!], to: [to[axis]!], mode, antialias };
    const matrix = Float64Array.from(generator.fill(settings));
    now = alongAxis(now, shape, axis, to[axis]!, matrix);
    shape = shape.with(axis, to[axis]!);
  }
  return now;
}

/** new[.., i, ..] = sum over j of matrix[i, j] old[.., j, ..]. */
function alongAxis(
  values: Float64Array,
  shape: readonly number[],
  axis: number,
  to: number,
  matrix: Float64Array,
): Float64Array<ArrayBuffer> {
  const from = shape[axis]!;
  const outer = shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const result = new Float64Array(outer * to * inner);
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < to; i++) {
      const start = (block * to + i) * inner;
      for (let j = 0; j < from; j++) {
        const weight = matrix[i * from + j]!;
        if (weight === 0) continue;
        const source = (block * from + j) * inner;
        for (let k = 0; k < inner; k++) result[start + k]! += weight * values[source + k]!;
      }
    }
  }
  return result;
}
