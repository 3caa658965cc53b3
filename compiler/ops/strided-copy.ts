// Copies a strided box of one array into a strided box of another: how permute, slice, pad, concat, broadcast
// and flip are evaluated. The innermost axis runs in a plain loop.
import type { Values } from "./op.ts";

export interface StridedBox {
  readonly values: Values;
  readonly offset: number;
  /** Elements to step over along each axis; 0 repeats, a negative one walks backwards. */
  readonly strides: readonly number[];
}

export function stridedCopy(shape: readonly number[], from: StridedBox, to: StridedBox): void {
  const rank = shape.length;
  if (rank === 0) {
    to.values[to.offset] = from.values[from.offset]!;
    return;
  }
  const inner = shape[rank - 1]!;
  const innerFrom = from.strides[rank - 1]!;
  const innerTo = to.strides[rank - 1]!;
  const position = Array.from({ length: rank - 1 }, () => 0);
  let source = from.offset;
  let target = to.offset;
  for (;;) {
    copyLine(from.values, source, innerFrom, to.values, target, innerTo, inner);
    let axis = rank - 2;
    for (; axis >= 0; axis--) {
      source += from.strides[axis]!;
      target += to.strides[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      source -= from.strides[axis]! * shape[axis]!;
      target -= to.strides[axis]! * shape[axis]!;
      position[axis] = 0;
    }
    if (axis < 0) return;
  }
}

function copyLine(
  from: Values,
  source: number,
  sourceStep: number,
  to: Values,
  target: number,
  targetStep: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    to[target] = from[source]!;
    source += sourceStep;
    target += targetStep;
  }
}
