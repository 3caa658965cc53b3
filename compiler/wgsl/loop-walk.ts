// What the parts of a loop kernel's text know of it, and the walk over a row that they share.
import type { LoopKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import type { Dependence } from "./dependence.ts";
import type { KernelText } from "./kernel-text.ts";
import type { Spread } from "./loop-spread.ts";
import { Scope } from "./scope.ts";
import { splitPosition } from "./workgroups.ts";

export interface Generation {
  readonly text: KernelText;
  readonly kernel: LoopKernel;
  readonly limits: Limits;
  readonly spread: Spread;
  readonly rowExtent: number;
  readonly rowAxes: ReadonlySet<number>;
  readonly dependence: Dependence;
  /** Names of one grid point. */
  readonly scope: Scope;
}

/** `for` over this lane's elements of the row, with the row's axes named inside. */
export function overRow(generation: Generation, inside: (scope: Scope) => void): void {
  const { text, kernel, spread, rowExtent } = generation;
  const start = spread.lanes === 1 ? "0" : "lane";
  const step = spread.lanes === 1 ? "element++" : `element += ${spread.lanes}`;
  text.block(`for (var element = ${start}; element < ${rowExtent}; ${step})`, () => {
    const scope = new Scope(generation.scope);
    splitPosition(text, scope, kernel.row, "element");
    inside(scope);
  });
}
