// The register tile of one invocation of a contraction: its names, and the stores that turn it into results.
import type { ContractionKernel } from "../kernels/kernel.ts";
import { storesText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import { Scope } from "./scope.ts";
import { splitPosition } from "./workgroups.ts";

/** Row i of the tile: a vec4f for each four columns. */
export function accumulatorRow(row: number, wide: number): string[] {
  return Array.from({ length: wide / 4 }, (_, group) => `sum${row}_${group}`);
}

export interface RegisterTile {
  readonly text: KernelText;
  readonly kernel: ContractionKernel;
  readonly m: number;
  readonly n: number;
  readonly high: number;
  readonly wide: number;
  /** Names of the batch coordinates. */
  readonly scope: Scope;
  /** Position along m (n) of row i (column j), which may lie outside unless exact; both grow with i and j. */
  readonly rowOf: (i: string) => string;
  readonly columnOf: (j: string) => string;
  readonly isRowExact: boolean;
  readonly isColumnExact: boolean;
}

/**
 * The kernel's stores, written once inside two loops. Registers cannot be indexed by a variable without leaving
 * registers, so after each turn all rows (and inside, all elements of a row) move up by one.
 */
export function writeRegisterStores(tile: RegisterTile): void {
  const { text, kernel, m, n, high, wide } = tile;
  text.block(`for (var i = 0; i < ${high}; i++)`, () => {
    text.line(`let row = ${tile.rowOf("i")};`);
    if (!tile.isRowExact) text.line(`if (row >= ${m}) { break; }`);
    const scope = new Scope(tile.scope);
    splitPosition(text, scope, kernel.m, "row");
    text.block(`for (var j = 0; j < ${wide}; j++)`, () => {
      text.line(`let column = ${tile.columnOf("j")};`);
      if (!tile.isColumnExact) text.line(`if (column >= ${n}) { break; }`);
      const inner = new Scope(scope);
      splitPosition(text, inner, kernel.n, "column");
      inner.accumulator = text.define("total", "sum0_0.x");
      storesText(text, inner, kernel.stores);
      accumulatorRow(0, wide).forEach((name, group, names) =>
        text.line(`${name} = vec4f(${name}.yzw, ${names[group + 1] ?? name}.x);`),
      );
    });
    for (let row = 0; row + 1 < high; row++)
      accumulatorRow(row, wide).forEach((name, group) =>
        text.line(`${name} = ${accumulatorRow(row + 1, wide)[group]};`),
      );
  });
}
