// What an expression depends on, and expressions over other axes: questions that every template asks.
// Indices may read data (a gather), so they lead back to expressions.
import type { Expression, Store } from "../kernels/kernel.ts";
import { substitute } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";

export interface Facts {
  /** Axis numbers. */
  readonly axes: ReadonlySet<number>;
  /** Earlier reduce stages whose results it uses. */
  readonly stages: ReadonlySet<number>;
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

/** Direct sub-expressions, those inside of indices apart. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "apply":
      return expression.arguments;
    case "guard":
      return [expression.value, expression.otherwise];
    case "random":
      return [expression.seed, expression.step];
    case "constant":
    case "load":
    case "position":
    case "reduced":
    case "accumulator":
      return [];
  }
}

export function indicesOf(expression: Expression): readonly Index[] {
  switch (expression.kind) {
    case "load":
    case "position":
    case "random":
      return [expression.index];
    case "guard":
      return expression.conditions.map((condition) => condition.index);
    case "constant":
    case "apply":
    case "reduced":
    case "accumulator":
      return [];
  }
}

/** Expressions that an index reads as data. */
export function dataOf(index: Index): Expression[] {
  switch (index.kind) {
    case "axis":
    case "constant":
      return [];
    case "data":
      return [dataValue(index)];
    case "add":
      return index.terms.flatMap(dataOf);
    case "multiply":
    case "divide":
    case "modulo":
      return dataOf(index.of);
  }
}

/** Every load of an expression, those behind guards and inside of indices too. */
export function loadsOf(
  expression: Expression,
  found: Set<Expression & { readonly kind: "load" }> = new Set(),
): Set<Expression & { readonly kind: "load" }> {
  if (expression.kind === "load") found.add(expression);
  for (const index of indicesOf(expression)) for (const data of dataOf(index)) loadsOf(data, found);
  for (const part of partsOf(expression)) loadsOf(part, found);
  return found;
}

/** Puts other indices in place of axes; sub-expressions that were shared stay shared. */
export class AxisSubstitution {
  private readonly done = new Map<Expression, Expression>();
  private readonly replacements: ReadonlyMap<number, Index>;

  constructor(replacements: ReadonlyMap<number, Index>) {
    this.replacements = replacements;
  }

  index(index: Index): Index {
    return substitute(
      index,
      (axis, extent) => this.replacements.get(axis) ?? { kind: "axis", axis, extent },
      (data) => ({ ...data, value: this.expression(dataValue(data)) }),
    );
  }

  expression(expression: Expression): Expression {
    const known = this.done.get(expression);
    if (known !== undefined) return known;
    const result = this.rebuild(expression);
    this.done.set(expression, result);
    return result;
  }

  store(store: Store): Store {
    return { ...store, index: this.index(store.index), value: this.expression(store.value) };
  }

  private rebuild(expression: Expression): Expression {
    switch (expression.kind) {
      case "load":
      case "position":
        return { ...expression, index: this.index(expression.index) };
      case "apply":
        return {
          ...expression,
          arguments: expression.arguments.map((argument) => this.expression(argument)),
        };
      case "guard":
        return {
          ...expression,
          conditions: expression.conditions.map((condition) => ({
            ...condition,
            index: this.index(condition.index),
          })),
          value: this.expression(expression.value),
          otherwise: this.expression(expression.otherwise),
        };
      case "random":
        return {
          ...expression,
          index: this.index(expression.index),
          seed: this.expression(expression.seed),
          step: this.expression(expression.step),
        };
      case "constant":
      case "reduced":
      case "accumulator":
        return expression;
    }
  }
}
