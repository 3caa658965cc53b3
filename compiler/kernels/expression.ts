// Walking expressions and kernels: what they load and store, and expressions over other axes or buffers.
import { substitute } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Expression, HostWork, Kernel, Store } from "./kernel.ts";

export type Load = Expression & { readonly kind: "load" };

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
export function dataOf(index: Index): readonly Expression[] {
  switch (index.kind) {
    case "axis":
    case "constant":
      return [];
    case "data":
      return [index.value as Expression];
    case "add":
      return index.terms.flatMap(dataOf);
    case "multiply":
    case "divide":
    case "modulo":
      return dataOf(index.of);
  }
}

/** Visits each distinct node of an expression once, those inside indices too. */
export function visit(
  expression: Expression,
  each: (part: Expression) => void,
  seen: Set<Expression> = new Set(),
): void {
  if (seen.has(expression)) return;
  seen.add(expression);
  each(expression);
  for (const part of partsOf(expression)) visit(part, each, seen);
  for (const index of indicesOf(expression))
    for (const data of dataOf(index)) visit(data, each, seen);
}

export function loadsOf(expression: Expression): Load[] {
  const found: Load[] = [];
  visit(expression, (part) => {
    if (part.kind === "load") found.push(part);
  });
  return found;
}

/** The expressions of a kernel, by where they stand. */
export function expressionsOf(kernel: Kernel | HostWork): readonly Expression[] {
  switch (kernel.kind) {
    case "loop":
      return kernel.stages.map((stage) =>
        stage.kind === "reduce" ? stage.value : stage.store.value,
      );
    case "contraction":
      return [kernel.a, kernel.b, ...kernel.stores.map((store) => store.value)];
    case "attention":
    case "scatter":
    case "host":
      return [];
  }
}

export function storesOf(kernel: Kernel | HostWork): readonly Store[] {
  switch (kernel.kind) {
    case "loop":
      return kernel.stages.flatMap((stage) => (stage.kind === "store" ? [stage.store] : []));
    case "contraction":
      return kernel.stores;
    case "attention":
    case "scatter":
    case "host":
      return [];
  }
}

/** Puts other indices in place of axes, and other loads in place of loads; what was shared stays shared. */
export class AxisSubstitution {
  private readonly done = new Map<Expression, Expression>();
  private readonly replace: (axis: number, extent: number) => Index;
  private readonly moved: (load: Load) => Load;

  constructor(
    replace: (axis: number, extent: number) => Index,
    moved: (load: Load) => Load = (load) => load,
  ) {
    this.replace = replace;
    this.moved = moved;
  }

  index(index: Index): Index {
    return substitute(index, this.replace, (data) => ({
      ...data,
      value: this.expression(data.value as Expression),
    }));
  }

  expression(expression: Expression): Expression {
    const known = this.done.get(expression);
    if (known !== undefined) return known;
    const made = this.rebuild(expression);
    this.done.set(expression, made);
    return made;
  }

  private rebuild(expression: Expression): Expression {
    switch (expression.kind) {
      case "constant":
      case "reduced":
      case "accumulator":
        return expression;
      case "load":
        return this.moved({ ...expression, index: this.index(expression.index) });
      case "position":
        return { ...expression, index: this.index(expression.index) };
      case "apply":
        return {
          ...expression,
          arguments: expression.arguments.map((part) => this.expression(part)),
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
          seed: this.expression(expression.seed),
          step: this.expression(expression.step),
          index: this.index(expression.index),
        };
    }
  }
}
