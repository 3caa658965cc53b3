// Which axes an expression depends on, and what of it can be computed before a loop over some axes starts.
import { axesOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Expression } from "../kernels/kernel.ts";
import { dataOf, indicesOf, partsOf } from "./expression-parts.ts";
import { expressionText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import type { Scope } from "./scope.ts";

/** Answers for one kernel; remembers by identity, since expressions share nodes. */
export class Dependence {
  private readonly known = new Map<Expression, ReadonlySet<number>>();

  axesOf(expression: Expression): ReadonlySet<number> {
    const known = this.known.get(expression);
    if (known !== undefined) return known;
    const axes = new Set<number>();
    for (const index of indicesOf(expression)) this.addIndex(index, axes);
    for (const part of partsOf(expression)) this.axesOf(part).forEach((axis) => axes.add(axis));
    this.known.set(expression, axes);
    return axes;
  }

  private addIndex(index: Index, axes: Set<number>): void {
    axesOf(index, axes);
    for (const value of dataOf(index)) this.axesOf(value).forEach((axis) => axes.add(axis));
  }

  /** Writes the largest parts of `expression` that none of `axes` changes, outside of guards, into `scope`. */
  hoist(text: KernelText, scope: Scope, expression: Expression, axes: ReadonlySet<number>): void {
    const isFree = ![...this.axesOf(expression)].some((axis) => axes.has(axis));
    if (isFree) {
      if (expression.kind !== "accumulator") expressionText(text, scope, expression);
    } else if (expression.kind === "apply" || expression.kind === "random") {
      for (const part of partsOf(expression)) this.hoist(text, scope, part, axes);
    }
  }
}
