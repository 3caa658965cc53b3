// Sums over columns beside a walk over rows, in WGSL: each lane holds the sums of the columns that it visits, from the
// first row of a part to its last, and stores them then. Nothing is shared between lanes, and no order is left to chance.
//   for each row of the part    the stages at this point of the grid; `columns<n>[turn] += value`
//   at the end                  store what the part has summed up
import type { Parts, Stage, Store } from "../kernels/kernel.ts";
import { convert, wgslType } from "./dtype-text.ts";
import { expressionText, positionText } from "./expression-text.ts";
import { overRow, type Generation } from "./loop-walk.ts";
import { Scope } from "./scope.ts";
import { extentOf } from "../kernels/extent.ts";

/** Writes the work of a part: `writeRow` is what is done at one point of the grid. */
export function writePart(
  generation: Generation,
  { axis, rows }: Parts,
  writeRow: (inner: Generation) => void,
): void {
  const { text, kernel, spread, rowExtent } = generation;
  const scope = new Scope();
  // The same for a whole workgroup, so that lanes may meet at barriers in the loop.
  const part = spread.points === 1 ? "block" : "point";
  scope.setAxis(axis, part);
  const columns = columnsOf(kernel.stages);
  const turns = Math.ceil(rowExtent / spread.lanes);
  columns.forEach(({ value }, number) => {
    text.line(`var columns${number}: array<${wgslType(value.dtype)}, ${turns}>;`);
  });
  const end = `min(${part} * ${rows} + ${rows}, ${extentOf(kernel.grid)})`;
  text.block(`for (var line = ${part} * ${rows}; line < ${end}; line++)`, () =>
    writeRow({ ...generation, scope: new Scope(scope) }),
  );
  const write = (): void =>
    overRow({ ...generation, scope }, (inner) =>
      columns.forEach(({ buffer, index, value }, number) => {
        const held = convert(`columns${number}[${turn(generation)}]`, value.dtype, text.dtypeOf(buffer)); // prettier-ignore
        text.store(buffer, positionText(text, inner, index), held);
      }),
    );
  if (extentOf([axis]) % spread.points === 0) write();
  else text.block("if (place == point)", write);
}

/** Inside the walk over a row. */
export function addToColumns(generation: Generation, inner: Scope): void {
  const { text } = generation;
  columnsOf(generation.kernel.stages).forEach(({ value }, number) =>
    text.line(`columns${number}[${turn(generation)}] += ${expressionText(text, inner, value)};`),
  );
}

function columnsOf(stages: readonly Stage[]): Store[] {
  return stages.flatMap((stage) =>
    stage.kind === "store" && stage.over === "columns" ? [stage.store] : [],
  );
}

/** How often a lane has gone on in its row. */
function turn({ spread }: Generation): string {
  return spread.lanes === 1 ? "element" : `element / ${spread.lanes}`;
}
