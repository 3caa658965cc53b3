// Builds integer index expressions in a simplified form: the only way to make one, so that equal indices look equal
// and a chain of reshapes and permutes costs no division that it does not need.
// Everything rests on ranges: axis i lies in [0, extent), so (8 i + j) / 8 is i wherever j < 8.
import type { Index } from "./index-expression.ts";
import { elementCount, rowMajorStrides } from "./shape.ts";

export interface Range {
  readonly low: number;
  /** Inclusive. */
  readonly high: number;
}

export function constantIndex(value: number): Index {
  return { kind: "constant", value };
}

/** An axis of extent 1 has one position only. */
export function axisIndex(axis: number, extent: number): Index {
  return extent === 1 ? constantIndex(0) : { kind: "axis", axis, extent };
}

/** Axis variables 0, 1, ... of a shape. */
export function axisIndices(shape: readonly number[], from = 0): Index[] {
  return shape.map((extent, axis) => axisIndex(from + axis, extent));
}

/** Smallest and largest value, by interval arithmetic. */
export function rangeOf(index: Index): Range {
  switch (index.kind) {
    case "axis":
    case "data":
      return { low: 0, high: index.extent - 1 };
    case "constant":
      return { low: index.value, high: index.value };
    case "add": {
      let low = 0;
      let high = 0;
      for (const term of index.terms) {
        const range = rangeOf(term);
        low += range.low;
        high += range.high;
      }
      return { low, high };
    }
    case "multiply": {
      const { low, high } = rangeOf(index.of);
      return index.by >= 0
        ? { low: low * index.by, high: high * index.by }
        : { low: high * index.by, high: low * index.by };
    }
    case "divide": {
      const { low, high } = rangeOf(index.of);
      return { low: Math.floor(low / index.by), high: Math.floor(high / index.by) };
    }
    case "modulo": {
      const { low, high } = rangeOf(index.of);
      const isOnePeriod = Math.floor(low / index.by) === Math.floor(high / index.by);
      if (!isOnePeriod) return { low: 0, high: index.by - 1 };
      return { low: floorModulo(low, index.by), high: floorModulo(high, index.by) };
    }
  }
}

export function floorModulo(value: number, by: number): number {
  return value - by * Math.floor(value / by);
}

export function sameIndex(a: Index, b: Index): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "axis":
      return b.kind === "axis" && a.axis === b.axis;
    case "constant":
      return b.kind === "constant" && a.value === b.value;
    case "data":
      return b.kind === "data" && a.value === b.value && a.extent === b.extent;
    case "add":
      return (
        b.kind === "add" &&
        a.terms.length === b.terms.length &&
        a.terms.every((term, place) => sameIndex(term, b.terms[place]!))
      );
    case "multiply":
    case "divide":
    case "modulo":
      return b.kind === a.kind && a.by === b.by && sameIndex(a.of, b.of);
  }
}

/** factor * of, where `of` is neither an addition, a product nor a constant. */
interface Term {
  readonly factor: number;
  readonly of: Index;
}

/** An index as constant + sum of factor * atom. */
interface Linear {
  readonly constant: number;
  readonly terms: readonly Term[];
}

/** Adds indices up as linear forms; equal atoms become one term. */
class LinearSum {
  private constant = 0;
  private readonly terms: { factor: number; of: Index }[] = [];

  add(index: Index, factor: number): void {
    switch (index.kind) {
      case "constant":
        this.constant += index.value * factor;
        return;
      case "multiply":
        return this.add(index.of, index.by * factor);
      case "add":
        for (let i = 0; i < index.terms.length; i++) this.add(index.terms[i]!, factor);
        return;
      case "axis":
      case "divide":
      case "modulo":
      case "data":
        return this.addTerm(factor, index);
    }
  }

  addForm({ constant, terms }: Linear): void {
    this.constant += constant;
    for (let i = 0; i < terms.length; i++) this.addTerm(terms[i]!.factor, terms[i]!.of);
  }

  private addTerm(factor: number, of: Index): void {
    for (let i = 0; i < this.terms.length; i++) {
      const term = this.terms[i]!;
      if (!sameIndex(term.of, of)) continue;
      term.factor += factor;
      return;
    }
    this.terms.push({ factor, of });
  }

  form(): Linear {
    const { constant, terms } = this;
    const isWhole = terms.every(({ factor }) => factor !== 0);
    return joinQuotients({ constant, terms: isWhole ? terms : terms.filter(({ factor }) => factor !== 0) }); // prettier-ignore
  }
}

function linear(index: Index): Linear {
  const sum = new LinearSum();
  sum.add(index, 1);
  return sum.form();
}

function merge(parts: readonly Linear[]): Linear {
  const sum = new LinearSum();
  for (const part of parts) sum.addForm(part);
  return sum.form();
}

/** f * (x mod b) + f * b * (x div b) is f * x: what a split and a merge of one axis leave. */
function joinQuotients(form: Linear): Linear {
  const { constant, terms } = form;
  if (terms.length < 2) return form;
  for (const rest of terms) {
    if (rest.of.kind !== "modulo") continue;
    const { by, of } = rest.of;
    if (!terms.some((term) => term.factor === rest.factor * by)) continue;
    const quotient = divide(of, by);
    const whole = terms.find(
      (term) => term.factor === rest.factor * by && sameIndex(term.of, quotient),
    );
    if (whole === undefined) continue;
    const others = terms.filter((term) => term !== rest && term !== whole);
    // What is joined may bring a constant of its own.
    return merge([{ constant, terms: others }, linear(multiply(of, rest.factor))]);
  }
  return form;
}

function fromLinear({ constant, terms }: Linear): Index {
  const products = terms.map(({ factor, of }): Index =>
    factor === 1 ? of : { kind: "multiply", by: factor, of },
  );
  if (constant !== 0 || products.length === 0) products.push(constantIndex(constant));
  return products.length === 1 ? products[0]! : { kind: "add", terms: products };
}

export function add(...terms: readonly Index[]): Index {
  const sum = new LinearSum();
  for (let i = 0; i < terms.length; i++) sum.add(terms[i]!, 1);
  return fromLinear(sum.form());
}

export function offset(index: Index, by: number): Index {
  return by === 0 ? index : add(index, constantIndex(by));
}

export function multiply(index: Index, by: number): Index {
  if (by === 1) return index;
  if (by === 0) return constantIndex(0);
  const sum = new LinearSum();
  sum.add(index, by);
  return fromLinear(sum.form());
}

/** Parts of a linear form: those divisible by `by`, and the rest (with the constant's rest in [0, by)). */
function splitBy(form: Linear, by: number): { readonly whole: Linear; readonly rest: Linear } {
  const constantRest = floorModulo(form.constant, by);
  return {
    whole: {
      constant: form.constant - constantRest,
      terms: form.terms.filter((term) => term.factor % by === 0),
    },
    rest: { constant: constantRest, terms: form.terms.filter((term) => term.factor % by !== 0) },
  };
}

function scaleDown(form: Linear, by: number): Linear {
  return {
    constant: form.constant / by,
    terms: form.terms.map((term) => ({ factor: term.factor / by, of: term.of })),
  };
}

function isWithin(form: Linear, by: number): boolean {
  let low = form.constant;
  let high = form.constant;
  for (let i = 0; i < form.terms.length; i++) {
    const { factor, of } = form.terms[i]!;
    const range = rangeOf(of);
    low += factor * (factor >= 0 ? range.low : range.high);
    high += factor * (factor >= 0 ? range.high : range.low);
  }
  return low >= 0 && high < by;
}

/**
 * A factor f > 1 that divides `by`, such that all that f does not divide lies in [0, f):
 * then (f a + c) div (f b) = a div b, and (f a + c) mod (f b) = f (a mod b) + c.
 */
function commonFactor(form: Linear, by: number): number | undefined {
  const candidates = form.terms.map((term) => greatestCommonDivisor(Math.abs(term.factor), by));
  for (const factor of [...new Set(candidates)].sort((a, b) => b - a))
    if (factor > 1 && factor < by && isWithin(splitBy(form, factor).rest, factor)) return factor;
  return undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Floor division by a positive constant. */
export function divide(index: Index, by: number): Index {
  if (by === 1) return index;
  const { whole, rest } = splitBy(linear(index), by);
  const quotient = scaleDown(whole, by);
  if (isWithin(rest, by)) return fromLinear(quotient);
  return fromLinear(merge([quotient, linear(divideRest(rest, by))]));
}

function divideRest(rest: Linear, by: number): Index {
  const factor = commonFactor(rest, by);
  if (factor !== undefined)
    return divide(fromLinear(scaleDown(splitBy(rest, factor).whole, factor)), by / factor);
  const of = fromLinear(rest);
  if (of.kind === "divide") return divide(of.of, of.by * by);
  // (x mod ab) div a = (x div a) mod b
  if (of.kind === "modulo" && of.by % by === 0) return modulo(divide(of.of, by), of.by / by);
  const { low, high } = rangeOf(of);
  if (Math.floor(low / by) === Math.floor(high / by)) return constantIndex(Math.floor(low / by));
  return { kind: "divide", by, of };
}

/** Remainder in [0, by) of floor division by a positive constant. */
export function modulo(index: Index, by: number): Index {
  if (by === 1) return constantIndex(0);
  const { rest } = splitBy(linear(index), by);
  if (isWithin(rest, by)) return fromLinear(rest);
  const factor = commonFactor(rest, by);
  if (factor !== undefined) {
    const split = splitBy(rest, factor);
    const whole = fromLinear(scaleDown(split.whole, factor));
    return add(multiply(modulo(whole, by / factor), factor), fromLinear(split.rest));
  }
  const of = fromLinear(rest);
  if (of.kind === "modulo" && of.by % by === 0) return modulo(of.of, by);
  return { kind: "modulo", by, of };
}

/** Position in a row-major array of `shape`. */
export function linearIndex(indices: readonly Index[], shape: readonly number[]): Index {
  const sum = new LinearSum();
  let stride = elementCount(shape);
  for (let axis = 0; axis < shape.length; axis++) {
    stride /= shape[axis]!;
    sum.add(indices[axis]!, stride);
  }
  return fromLinear(sum.form());
}

/** Indices in a row-major array of `shape` of the element at a linear position. */
export function delinearize(position: Index, shape: readonly number[]): Index[] {
  const strides = rowMajorStrides(shape);
  return shape.map((extent, axis) => {
    const quotient = divide(position, strides[axis]!);
    return axis === 0 ? quotient : modulo(quotient, extent);
  });
}

/** Puts an index in place of each axis (and of each data value where `replaceData` says so). */
export function substitute(
  index: Index,
  replaceAxis: (axis: number, extent: number) => Index,
  replaceData: (data: Index & { readonly kind: "data" }) => Index = (data) => data,
): Index {
  const recur = (of: Index): Index => substitute(of, replaceAxis, replaceData);
  switch (index.kind) {
    case "axis":
      return replaceAxis(index.axis, index.extent);
    case "constant":
      return index;
    case "data":
      return replaceData(index);
    case "add":
      return add(...index.terms.map(recur));
    case "multiply":
      return multiply(recur(index.of), index.by);
    case "divide":
      return divide(recur(index.of), index.by);
    case "modulo":
      return modulo(recur(index.of), index.by);
  }
}

/** The axes that an index depends on. */
export function axesOf(index: Index, found: Set<number> = new Set()): Set<number> {
  switch (index.kind) {
    case "axis":
      return found.add(index.axis);
    case "constant":
    case "data":
      return found;
    case "add":
      index.terms.forEach((term) => axesOf(term, found));
      return found;
    case "multiply":
    case "divide":
    case "modulo":
      return axesOf(index.of, found);
  }
}

/** offset + sum of stride * axis, or undefined where the index divides, takes remainders or reads data. */
export function affine(
  index: Index,
): { readonly offset: number; readonly strides: ReadonlyMap<number, number> } | undefined {
  const { constant, terms } = linear(index);
  const strides = new Map<number, number>();
  for (const { factor, of } of terms) {
    if (of.kind !== "axis") return undefined;
    strides.set(of.axis, factor);
  }
  return { offset: constant, strides };
}

/** The value of an index, given the position on each axis. */
export function evaluateIndex(
  index: Index,
  positions: readonly number[],
  readData: (data: Index & { readonly kind: "data" }) => number = () => {
    throw new Error("an index reads data, but none was given");
  },
): number {
  switch (index.kind) {
    case "axis":
      return positions[index.axis]!;
    case "constant":
      return index.value;
    case "data":
      return Math.min(Math.max(readData(index), 0), index.extent - 1);
    case "add":
      return index.terms.reduce((sum, term) => sum + evaluateIndex(term, positions, readData), 0);
    case "multiply":
      return index.by * evaluateIndex(index.of, positions, readData);
    case "divide":
      return Math.floor(evaluateIndex(index.of, positions, readData) / index.by);
    case "modulo":
      return floorModulo(evaluateIndex(index.of, positions, readData), index.by);
  }
}

/** `i0 * 64 + i1 / 8 % 4`, for people and snapshots. */
export function showIndex(index: Index): string {
  switch (index.kind) {
    case "axis":
      return `i${index.axis}`;
    case "constant":
      return String(index.value);
    case "data":
      return "data";
    case "add":
      return `(${index.terms.map(showIndex).join(" + ")})`;
    case "multiply":
      return `${showIndex(index.of)} * ${index.by}`;
    case "divide":
      return `${showIndex(index.of)} / ${index.by}`;
    case "modulo":
      return `${showIndex(index.of)} % ${index.by}`;
  }
}
