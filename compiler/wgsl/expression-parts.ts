// What an expression consists of: its operands, its indices, and the expressions that choose places inside them.
import type { Expression } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";

export function indicesOf(expression: Expression): readonly Index[] {
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

export function partsOf(expression: Expression): readonly Expression[] {
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

export function dataOf(index: Index): readonly Expression[] {
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

export function nodeCount(expression: Expression): number {
  let count = 0;
  everyPart(expression, () => count++);
  return count;
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
