// A loop kernel with reductions -> which way its rows are walked by vectors or lanes: along each row, or across rows, where
// every sum adds one element after the other. The two add in another order, so nothing may decide but the sums themselves:
// what else a kernel stores is another where a value is computed again, and the last bits would be others too.
import { axesOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { elementCount } from "../ops/shape.ts";
import { loadsOf } from "./expression.ts";
import type { Axis, LoopKernel } from "./kernel.ts";

export type WalkDirection = "along the row" | "across rows";

/** Undefined where nothing is reduced. Other reductions count where nothing is summed. */
export function walkDirection({ grid, row, stages }: LoopKernel): WalkDirection | undefined {
  const reduces = stages.filter((stage) => stage.kind === "reduce");
  if (reduces.length === 0) return undefined;
  const sums = reduces.filter(({ reducer }) => reducer === "sum");
  const values = (sums.length > 0 ? sums : reduces).map(({ value }) => value);
  const [across, along] = [longest(grid), longest(row)];
  if (across < 4) return "along the row";
  // Elements that lie beside each other along the row, less those that do along the grid.
  let balance = 0;
  for (const { index } of new Set(values.flatMap(loadsOf))) {
    const axes = axesOf(index);
    const elements = elementCount([...grid, ...row].map(({ id, extent }) => (axes.has(id) ? extent : 1))); // prettier-ignore
    if (isStepped(index, row)) balance += elements;
    if (isStepped(index, grid)) balance -= elements;
  }
  if (balance === 0) return along >= across ? "along the row" : "across rows";
  return balance > 0 ? "along the row" : "across rows";
}

/** Whether vectors and lanes go along the rows of a kernel, as they must where each is to own some columns. */
export function goesAlongRows(kernel: LoopKernel): boolean {
  const inner = kernel.row.findLast(({ extent }) => extent > 1);
  return walkDirection(kernel) === "along the row" && inner !== undefined && inner.extent >= 4;
}

function longest(axes: readonly Axis[]): number {
  return Math.max(1, ...axes.map(({ extent }) => extent));
}

function isStepped(index: Index, axes: readonly Axis[]): boolean {
  return axes.some(({ id, extent }) => extent > 1 && stepOf(index, id) === 1);
}

/** From an element to the next one along an axis, runs of quotients and remainders apart. */
function stepOf(index: Index, axis: number): number {
  switch (index.kind) {
    case "axis":
      return index.axis === axis ? 1 : 0;
    case "constant":
    case "data":
      return 0;
    case "add":
      return index.terms.reduce((sum, term) => sum + stepOf(term, axis), 0);
    case "multiply":
      return stepOf(index.of, axis) * index.by;
    case "modulo":
      return stepOf(index.of, axis);
    case "divide":
      return stepOf(index.of, axis) / index.by;
  }
}
