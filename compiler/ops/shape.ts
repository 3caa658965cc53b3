// Shapes as lists of extents, row-major: the small arithmetic that ops, graph passes and kernels share.
// Plain loops: these run some hundred thousand times in a compilation, mostly before the engine has optimised them.
import type { TensorType } from "../graph/graph.ts";

export type Shape = readonly number[];

export function elementCount(shape: Shape): number {
  let count = 1;
  for (let axis = 0; axis < shape.length; axis++) count *= shape[axis]!;
  return count;
}

/** Elements to step over for one step along each axis of a row-major array. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = shape.slice();
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** 0, 1, ... rank - 1. */
export function axesOfRank(rank: number): number[] {
  const axes: number[] = [];
  for (let axis = 0; axis < rank; axis++) axes.push(axis);
  return axes;
}

/** The axes of a rank that are not in the list, in order. */
export function otherAxes(rank: number, axes: readonly number[]): number[] {
  const others: number[] = [];
  for (let axis = 0; axis < rank; axis++) if (!axes.includes(axis)) others.push(axis);
  return others;
}

/** The shape that a reduction over `axes` leaves. */
export function withoutAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

export function pick(shape: Shape, axes: readonly number[]): number[] {
  return axes.map((axis) => shape[axis]!);
}

/** The order that undoes a permutation. */
export function inverseOrder(order: readonly number[]): number[] {
  const inverse = order.map(() => 0);
  order.forEach((from, to) => (inverse[from] = to));
  return inverse;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** `f32[64, 17, 64]`. */
export function showType(type: TensorType): string {
  return `${type.dtype}${showShape(type.shape)}`;
}
