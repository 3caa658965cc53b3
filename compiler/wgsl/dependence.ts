// Which axes an expression depends on, and what of it can be computed before a loop over some axes starts.
import { axesOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Expression } from "../kernels/kernel.ts";
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

function indicesOf(expression: Expression): readonly Index[] {
  switch (expression.kind) {
    case "load":
    case "position":
    case "random":
      return [expression.index];
    case "guard":
      return expression.conditions.map((condition) => condition.index);
    default:
      return [];
  }
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "apply":
      return expression.arguments;
    case "guard":
      return [expression.value, expression.otherwise];
    case "random":
      return [expression.seed, expression.step];
    default:
      return [];
  }
}

function dataOf(index: Index): readonly Expression[] {
  switch (index.kind) {
    case "data":
      return [index.value as Expression];
    case "add":
      return index.terms.flatMap(dataOf);
    case "multiply":
    case "divide":
    case "modulo":
      return dataOf(index.of);
    default:
      return [];
  }
}

/** All loads of an expression, also those inside indices. */
export function loadsOf(expression: Expression): readonly (Expression & { kind: "load" })[] {
  const found: (Expression & { kind: "load" })[] = [];
  everyPart(expression, (part) => {
    if (part.kind === "load") found.push(part);
  });
  return found;
}

/** Numbers of the reduce stages whose results the expression uses. */
export function reducedOf(expression: Expression): readonly number[] {
  const found = new Set<number>();
  everyPart(expression, (part) => {
    if (part.kind === "reduced") found.add(part.stage);
  });
  return [...found];
}

/** Visits each distinct node of an expression once, also those inside indices. */
function everyPart(expression: Expression, visit: (part: Expression) => void): void {
  const seen = new Set<Expression>();
  const walk = (part: Expression): void => {
    if (seen.has(part)) return;
    seen.add(part);
    visit(part);
    partsOf(part).forEach(walk);
    indicesOf(part).flatMap(dataOf).forEach(walk);
  };
  walk(expression);
}
