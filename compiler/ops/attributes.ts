// Reads a node's attributes with the type that its op expects; a wrong one is an OpError in words.
import type { Attributes, DType } from "../graph/graph.ts";
import { OpError } from "./op.ts";
import { showShape } from "./shape.ts";

const dtypes: readonly string[] = ["f32", "f16", "bf16", "i32", "u32", "bool"];

export function isNumberList(value: unknown): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== "number") return false;
  return true;
}

/** A list of numbers. Missing: `otherwise`, or an OpError where there is none. */
export function numbers(
  attributes: Attributes,
  name: string,
  otherwise?: readonly number[],
): readonly number[] {
  const value = attributes[name] ?? otherwise;
  if (!isNumberList(value)) throw new OpError(`\`${name}\` must be a list of numbers`);
  return value;
}

/** A list of lists of numbers, `count` of them. */
export function numberLists(
  attributes: Attributes,
  name: string,
  count: number,
  otherwise?: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const value = attributes[name] ?? otherwise;
  if (!Array.isArray(value) || value.length !== count || !value.every(isNumberList))
    throw new OpError(`\`${name}\` must be ${count} lists of numbers`);
  return value;
}

export function number(attributes: Attributes, name: string, otherwise?: number): number {
  const value = attributes[name] ?? otherwise;
  if (typeof value !== "number") throw new OpError(`\`${name}\` must be a number`);
  return value;
}

export function text(attributes: Attributes, name: string, otherwise?: string): string {
  const value = attributes[name] ?? otherwise;
  if (typeof value !== "string") throw new OpError(`\`${name}\` must be a word`);
  return value;
}

export function dtypeOf(attributes: Attributes, otherwise?: DType): DType {
  const value = attributes["dtype"] ?? otherwise;
  if (typeof value !== "string" || !dtypes.includes(value))
    throw new OpError(`\`dtype\` must be one of ${dtypes.join(", ")}`);
  return value as DType;
}

/** A shape: whole positive extents. */
export function shapeOf(attributes: Attributes, name = "shape"): readonly number[] {
  const shape = numbers(attributes, name);
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 1))
    throw new OpError(
      `\`${name}\` ${showShape(shape)} has an extent that is not a whole number >= 1`,
    );
  return shape;
}

/** Distinct axes of an array of `rank` axes. */
export function checkedAxes(
  axes: readonly number[],
  rank: number,
  name = "axes",
): readonly number[] {
  const isValid = axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  if (!isValid || new Set(axes).size !== axes.length)
    throw new OpError(`\`${name}\` ${showShape(axes)} must be distinct axes of ${rank}`);
  return axes;
}

/** One axis of an array of `rank` axes. */
export function checkedAxis(attributes: Attributes, rank: number, name = "axis"): number {
  const axis = number(attributes, name);
  checkedAxes([axis], rank, name);
  return axis;
}

/** A list with one entry for each axis. */
export function perAxis(
  attributes: Attributes,
  name: string,
  count: number,
  otherwise?: readonly number[],
): readonly number[] {
  const list = numbers(attributes, name, otherwise);
  if (list.length !== count)
    throw new OpError(`\`${name}\` has ${list.length} entries, but there are ${count} axes`);
  return list;
}
