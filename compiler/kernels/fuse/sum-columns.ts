// A walk over rows and kernels that sum columns of what it walks -> the walk with these sums in it, part by part, and for
// each of the kernels one that joins the sums of all parts.
// The parts depend on the number of rows alone, so every target and every thread count adds in the same order.
import { extentOf } from "../extent.ts";
import { add, axisIndex, linearIndex, multiply, offset } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import type { Expression, LoopKernel, Parts, Stage } from "../kernel.ts";
import type { Splitting } from "./split-sums.ts";

/** A kernel that sums columns, in axes of its own. */
export interface ColumnSums {
  readonly kernel: LoopKernel;
  /** What each of its reductions adds up, in the walk's axes. */
  readonly values: readonly Expression[];
  /** A position on the kernel's axes in the walk's. */
  readonly inWalk: (index: Index) => Index;
}

/** Few enough that parts fill a device, so many that what they leave to be joined is small beside them. */
const usualRows = 16;
const mostParts = 1024;

export function sumColumns(
  walk: LoopKernel,
  all: readonly ColumnSums[],
  splitting: Splitting,
): LoopKernel[] {
  const parts = partsOf(walk, all);
  const part = axisIndex(parts.axis.id, parts.axis.extent);
  const columns: Stage[] = [];
  const joins = all.map(({ kernel, values, inWalk }): LoopKernel => {
    const at = linearIndex(kernel.grid.map(({ id, extent }) => axisIndex(id, extent)), kernel.grid.map(({ extent }) => extent)); // prettier-ignore
    const points = extentOf(kernel.grid);
    const length = points * parts.axis.extent;
    // One array for all of a kernel's sums: a walk has many arrays already, and devices bind few.
    const buffer = splitting.scratch(length * values.length, "f32");
    const inParts = (sum: number, position: Index) => offset(add(multiply(part, points), position), sum * length); // prettier-ignore
    values.forEach((value, sum) => {
      const index = inParts(sum, inWalk(at));
      columns.push({ kind: "store", over: "columns", store: { buffer, index, value } });
    });
    const joined: LoopKernel = {
      ...kernel,
      id: splitting.nextId(),
      macs: 0,
      flops: 0,
      row: [parts.axis],
      stages: [
        ...values.map(({ dtype }, sum): Stage => {
          const value: Expression = { kind: "load", buffer, index: inParts(sum, at), dtype };
          return { kind: "reduce", reducer: "sum", value, dtype };
        }),
        ...kernel.stages.filter(({ kind }) => kind === "store"),
      ],
    };
    splitting.joined(joined, [buffer]);
    return joined;
  });
  return [{ ...walk, stages: [...walk.stages, ...columns], parts }, ...joins];
}

function partsOf(walk: LoopKernel, all: readonly ColumnSums[]): Parts {
  const axes = [walk, ...all.map(({ kernel }) => kernel)].flatMap(({ grid, row }) => [...grid, ...row]); // prettier-ignore
  const count = extentOf(walk.grid);
  const rows = Math.max(usualRows, Math.ceil(count / mostParts));
  const id = 1 + Math.max(...axes.map((axis) => axis.id));
  return { axis: { id, extent: Math.ceil(count / rows) }, rows };
}
