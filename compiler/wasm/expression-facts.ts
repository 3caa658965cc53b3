// What expressions and indices depend on, found once each: what tells how far ahead of a loop they can be worked out.
// Indices may read data (a gather), so they lead back to expressions.
import { indicesOf, partsOf } from "../kernels/expression.ts";
import type { Expression } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";

export interface Facts {
  /** Axis numbers. */
  readonly axes: ReadonlySet<number>;
  /** Earlier reduce stages whose results it uses. */
  readonly stages: ReadonlySet<number>;
  /** Something is read from memory; of an index: a part of it is an expression, which no integer code works out. */
  readonly loads: boolean;
  /** Uses the finished sum of a contraction. */
  readonly accumulates: boolean;
}

interface Draft {
  axes: Set<number>;
  stages: Set<number>;
  loads: boolean;
  accumulates: boolean;
}

/** Facts of expressions and indices, each found once. */
export class FactTable {
  private readonly known = new Map<Expression | Index, Facts>();

  of(expression: Expression): Facts {
    const known = this.known.get(expression);
    if (known !== undefined) return known;
    const facts: Draft = { axes: new Set(), stages: new Set(), loads: false, accumulates: false };
    this.collect(expression, facts);
    this.known.set(expression, facts);
    return facts;
  }

  ofIndex(index: Index): Facts {
    const known = this.known.get(index);
    if (known !== undefined) return known;
    const facts: Draft = { axes: new Set(), stages: new Set(), loads: false, accumulates: false };
    this.collectIndex(index, facts);
    this.known.set(index, facts);
    return facts;
  }

  private collect(expression: Expression, into: Draft): void {
    if (expression.kind === "reduced") into.stages.add(expression.stage);
    if (expression.kind === "load") into.loads = true;
    if (expression.kind === "accumulator") into.accumulates = true;
    for (const index of indicesOf(expression)) join(into, this.ofIndex(index));
    for (const part of partsOf(expression)) join(into, this.of(part));
  }

  private collectIndex(index: Index, into: Draft): void {
    switch (index.kind) {
      case "axis":
        into.axes.add(index.axis);
        return;
      case "constant":
        return;
      case "data":
        join(into, this.of(dataValue(index)));
        into.loads = true;
        return;
      case "add":
        for (const term of index.terms) join(into, this.ofIndex(term));
        return;
      case "multiply":
      case "divide":
      case "modulo":
        join(into, this.ofIndex(index.of));
    }
  }
}

function join(into: Draft, facts: Facts): void {
  for (const axis of facts.axes) into.axes.add(axis);
  for (const stage of facts.stages) into.stages.add(stage);
  into.loads ||= facts.loads;
  into.accumulates ||= facts.accumulates;
}

/** The i32 expression that a data index reads. */
export function dataValue(index: Index & { readonly kind: "data" }): Expression {
  return index.value as Expression;
}
