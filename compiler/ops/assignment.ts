// assign: cost [.., rows, cols] with no more rows than columns -> i32 [.., rows]: each row's column, no two the same,
// such that the costs add up to the least there is. Exact: shortest augmenting paths over reduced costs
// (Jonker and Volgenant, 1987; for rectangles as in Crouse, 2016), rows^2 cols steps.
// Among assignments of equal cost it takes the one that rows find in order, so the same costs give the same answer.
import type { TensorType } from "../graph/graph.ts";
import type { HostOp, Sample, Values } from "./op.ts";
import { OpError } from "./op.ts";

function infer([cost]: readonly TensorType[]): TensorType {
  const { shape, dtype } = cost!;
  const [rows, cols] = shape.slice(-2);
  if (rows === undefined || cols === undefined) throw new OpError("costs have two axes at least");
  if (dtype !== "f32") throw new OpError(`costs are f32, not ${dtype}`);
  if (rows > cols) throw new OpError(`${rows} do not find one each among ${cols}`);
  return { shape: shape.slice(0, -1), dtype: "i32" };
}

/**
 * The column of each row of one matrix, row-major. What is no finite number costs more than all that are together.
 * @param cost rows x cols numbers, rows <= cols
 */
export function cheapestAssignment(cost: Values, rows: number, cols: number): Int32Array {
  const known = guarded(cost);
  const colOf = new Int32Array(rows).fill(-1);
  const rowOf = new Int32Array(cols).fill(-1);
  // Prices of rows and columns: no pair costs less than its two prices, and every chosen pair just as much.
  const [rowPrice, colPrice] = [new Float64Array(rows), new Float64Array(cols)];
  const [distance, before] = [new Float64Array(cols), new Int32Array(cols)];
  const [isRowSeen, isColSeen] = [new Uint8Array(rows), new Uint8Array(cols)];
  for (let start = 0; start < rows; start++) {
    distance.fill(Infinity);
    isRowSeen.fill(0);
    isColSeen.fill(0);
    let [row, length, end] = [start, 0, -1];
    while (end < 0) {
      isRowSeen[row] = 1;
      let nearest = -1;
      for (let col = 0; col < cols; col++) {
        if (isColSeen[col] === 1) continue;
        const along = length + known[row * cols + col]! - rowPrice[row]! - colPrice[col]!;
        if (along < distance[col]!) [distance[col], before[col]] = [along, row];
        if (nearest < 0 || isNearer(col, nearest, distance, rowOf)) nearest = col;
      }
      length = distance[nearest]!;
      isColSeen[nearest] = 1;
      if (rowOf[nearest]! < 0) end = nearest;
      else row = rowOf[nearest]!;
    }
    rowPrice[start]! += length;
    for (let other = 0; other < rows; other++)
      if (isRowSeen[other] === 1 && other !== start)
        rowPrice[other]! += length - distance[colOf[other]!]!;
    for (let col = 0; col < cols; col++)
      if (isColSeen[col] === 1) colPrice[col]! -= length - distance[col]!;
    // Along the path each row takes the column that it was reached through.
    for (let col = end; ;) {
      const taker = before[col]!;
      rowOf[col] = taker;
      [colOf[taker], col] = [col, colOf[taker]!];
      if (taker === start) break;
    }
  }
  return colOf;
}

/** Of columns equally near, a free one ends the search at once. */
function isNearer(col: number, other: number, distance: Values, rowOf: Int32Array): boolean {
  if (distance[col] !== distance[other]) return distance[col]! < distance[other]!;
  return rowOf[col]! < 0 && rowOf[other]! >= 0;
}

function guarded(cost: Values): Values {
  if (cost.every(Number.isFinite)) return cost;
  const most = cost.reduce((sum, one) => sum + (Number.isFinite(one) ? Math.abs(one) : 0), 1);
  return cost.map((one) => (Number.isFinite(one) ? one : 2 * most));
}

function sample(...shape: number[]): Sample {
  const inputs = [{ shape, dtype: "f32", range: [-2, 3], distinct: true } as const];
  return { inputs, attributes: {}, differentiable: false };
}

export const assign: HostOp = {
  kind: "host",
  name: "assign",
  infer,
  evaluate([cost], { inputs, output }) {
    const [rows, cols] = inputs[0]!.shape.slice(-2) as [number, number];
    const out = new Float64Array(output.shape.reduce((product, extent) => product * extent, 1));
    for (let first = 0; first < out.length; first += rows) {
      const one = cost!.subarray(first * cols, (first + rows) * cols);
      out.set(cheapestAssignment(one, rows, cols), first);
    }
    return out;
  },
  samples: [sample(3, 5), sample(2, 4, 4), sample(1, 1), sample(2, 3, 1, 6)],
};
