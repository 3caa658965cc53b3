// The order in which the innermost loop of a product reads its right side: panels of eight columns, in each of them
// one step of the sum behind the other. An array that is kept so is read where it lies; any other is packed first.
import { extentOf } from "../kernels/extent.ts";
import type { Axis } from "../kernels/kernel.ts";
import { add, axisIndex, divide, linearIndex, modulo, multiply } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { tileColumns } from "./microkernel.ts";

/** How an array that is kept in panels lies otherwise: element by element in row-major order of `axes`. */
export interface PanelOrder {
  /** Terms of a column's sum. */
  readonly steps: number;
  /** Outermost first; by how many columns and steps the next place along an axis is further. */
  readonly axes: readonly {
    readonly extent: number;
    readonly column: number;
    readonly step: number;
  }[];
}

/** Where (k, n) lies in panels: columns and steps are counted in row-major order of their axes. */
export function panelIndex(n: readonly Axis[], k: readonly Axis[]): Index {
  const column = positionIn(n);
  const panelElements = extentOf(k) * tileColumns;
  return add(
    multiply(divide(column, tileColumns), panelElements),
    multiply(positionIn(k), tileColumns),
    modulo(column, tileColumns),
  );
}

function positionIn(axes: readonly Axis[]): Index {
  return linearIndex(
    axes.map(({ id, extent }) => axisIndex(id, extent)),
    axes.map(({ extent }) => extent),
  );
}

/** Values in their own order -> in panels, at `panels`. */
export function toPanels(order: PanelOrder, values: Float32Array, panels: Float32Array): void {
  eachRow(order, (at, places) => {
    for (let i = 0; i < places.length; i++) panels[places[i]!] = values[at + i]!;
  });
}

/** The inverse of `toPanels`. */
export function fromPanels(order: PanelOrder, panels: Float32Array): Float32Array {
  const values = new Float32Array(panels.length);
  eachRow(order, (at, places) => {
    for (let i = 0; i < places.length; i++) values[at + i] = panels[places[i]!]!;
  });
  return values;
}

/** Rows along the last axis: where one begins, and where its elements lie in panels. */
function eachRow(order: PanelOrder, visit: (at: number, places: Int32Array) => void): void {
  const { axes } = order;
  const last = axes.at(-1)!;
  const outer = axes.slice(0, -1);
  const rows = outer.reduce((product, { extent }) => product * extent, 1);
  const columns = columnStarts(order);
  const places = new Int32Array(last.extent);
  const at = outer.map(() => 0);
  for (let row = 0; row < rows; row++) {
    let [column, step] = [0, 0];
    for (let i = 0; i < at.length; i++) {
      column += outer[i]!.column * at[i]!;
      step += outer[i]!.step * at[i]!;
    }
    for (let i = 0; i < places.length; i++)
      places[i] = columns[column + last.column * i]! + (step + last.step * i) * tileColumns;
    visit(row * last.extent, places);
    for (let i = outer.length - 1; i >= 0 && ++at[i]! === outer[i]!.extent; i--) at[i] = 0;
  }
}

/** Where each column's first step lies. */
function columnStarts({ steps, axes }: PanelOrder): Int32Array {
  const count = axes.reduce((sum, { extent, column }) => sum + column * (extent - 1), 1);
  return Int32Array.from({ length: count }, (_, column) => {
    const panel = Math.floor(column / tileColumns);
    return (panel * steps - panel) * tileColumns + column;
  });
}
