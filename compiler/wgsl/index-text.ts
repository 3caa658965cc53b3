// Index -> a WGSL expression of type i32. Quotients and remainders become names of their own, written once a scope;
// where the operand cannot be negative they are made unsigned, which divides faster.
import type { Index } from "../ops/index-expression.ts";
import { rangeOf } from "../ops/index-arithmetic.ts";
import type { KernelText } from "./kernel-text.ts";
import type { Scope } from "./scope.ts";

/** The value that a `data` index reads, as i32. */
export type DataText = (value: unknown) => string;

export function indexText(text: KernelText, scope: Scope, index: Index, data: DataText): string {
  const recur = (of: Index): string => indexText(text, scope, of, data);
  switch (index.kind) {
    case "axis":
      return index.extent === 1 ? "0" : scope.axis(index.axis);
    case "constant":
      return index.value < 0 ? `(${index.value})` : String(index.value);
    case "add":
      return sum(index.terms.map(recur));
    case "multiply":
      return product(recur(index.of), index.by);
    case "divide":
      return quotient(text, scope, index, recur(index.of));
    case "modulo":
      return remainder(text, scope, index, recur(index.of));
    case "data":
      return named(text, scope, `clamp(${data(index.value)}, 0, ${index.extent - 1})`);
  }
}

function sum(terms: readonly string[]): string {
  const parts = terms.filter((term) => term !== "0");
  if (parts.length === 0) return "0";
  return parts.length === 1 ? parts[0]! : `(${parts.join(" + ")})`;
}

function product(of: string, by: number): string {
  if (of === "0" || by === 0) return "0";
  if (by === 1) return of;
  return `${of} * ${by < 0 ? `(${by})` : by}`;
}

function quotient(
  text: KernelText,
  scope: Scope,
  index: Index & { kind: "divide" },
  of: string,
): string {
  const { low, high } = rangeOf(index.of);
  if (index.by === 1) return of;
  if (low >= 0 && high < index.by) return "0";
  if (low >= 0) return named(text, scope, `i32(u32(${of}) / ${index.by}u)`);
  return named(text, scope, `${text.call("floor_divide")}(${of}, ${index.by})`);
}

function remainder(
  text: KernelText,
  scope: Scope,
  index: Index & { kind: "modulo" },
  of: string,
): string {
  const { low, high } = rangeOf(index.of);
  if (index.by === 1) return "0";
  if (low >= 0 && high < index.by) return of;
  if (low >= 0) return named(text, scope, `i32(u32(${of}) % ${index.by}u)`);
  return named(text, scope, `${text.call("floor_modulo")}(${of}, ${index.by})`);
}

function named(text: KernelText, scope: Scope, value: string): string {
  const known = scope.knownIndex(value);
  if (known !== undefined) return known;
  const name = text.define("i", value);
  scope.rememberIndex(value, name);
  return name;
}
