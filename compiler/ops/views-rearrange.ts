// Views that keep or repeat every element: reshape, permute, broadcast, flip, roll, and stop (the identity
// that lets no gradient through). Each reads exactly one input element for an output element.
import type { TensorType } from "../graph/graph.ts";
import { checkedAxes, numbers, perAxis, shapeOf } from "./attributes.ts";
import {
  add,
  constantIndex,
  delinearize,
  linearIndex,
  modulo,
  multiply,
  offset,
} from "./index-arithmetic.ts";
import type { Index, ViewRead } from "./index-expression.ts";
import type { Values, ViewOp } from "./op.ts";
import { OpError } from "./op.ts";
import { elementCount, inverseOrder, otherAxes, pick, rowMajorStrides, sameShape, showShape } from "./shape.ts"; // prettier-ignore
import { stridedCopy } from "./strided-copy.ts";
import { sample } from "./view-samples.ts";

/** A view that reads one element of its one input, always. */
export function readOne(indices: readonly Index[]): ViewRead {
  return { pieces: [{ input: 0, indices, conditions: [] }], filler: 0 };
}

/** A new row-major array of `shape`, read from the input by strides. */
function gatherStrided(
  x: Values,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Values {
  const out = new Float64Array(elementCount(shape));
  stridedCopy(
    shape,
    { values: x, offset: start, strides },
    { values: out, offset: 0, strides: rowMajorStrides(shape) },
  );
  return out;
}

/**
 * Reads of a reshape. Axes are matched in groups of equal size, so that only what is really split or merged
 * is divided: [a, b c] from [a, b, c] leaves `a` alone.
 */
function reshapeIndices(
  indices: readonly Index[],
  from: readonly number[],
  to: readonly number[],
): Index[] {
  const result: Index[] = [];
  let place = 0;
  for (let axis = 0; axis < to.length;) {
    const group = matchGroup(from, place, to, axis);
    const isKept = group.fromEnd === place + 1 && group.toEnd === axis + 1;
    if (isKept) result.push(indices[place]!);
    else {
      const own = from.slice(place, group.fromEnd);
      const position = linearIndex(indices.slice(place, group.fromEnd), own);
      result.push(...delinearize(position, to.slice(axis, group.toEnd)));
    }
    place = group.fromEnd;
    axis = group.toEnd;
  }
  return result;
}

/** The shortest runs of axes from both places on that have equal products (the rest, at the end). */
function matchGroup(
  from: readonly number[],
  fromStart: number,
  to: readonly number[],
  toStart: number,
): { readonly fromEnd: number; readonly toEnd: number } {
  let fromEnd = fromStart;
  let toEnd = toStart + 1;
  let fromCount = 1;
  let toCount = to[toStart]!;
  while (fromCount !== toCount) {
    if (fromCount < toCount) fromCount *= from[fromEnd++]!;
    else toCount *= to[toEnd++]!;
  }
  return { fromEnd, toEnd };
}

/** The same elements in row-major order under another shape. */
const reshape: ViewOp = {
  kind: "view",
  name: "reshape",
  infer([x], attributes) {
    const shape = shapeOf(attributes);
    if (elementCount(shape) !== elementCount(x!.shape))
      throw new OpError(
        `${showShape(x!.shape)} has ${elementCount(x!.shape)} elements, ${showShape(shape)} has ${elementCount(shape)}`,
      );
    return { shape, dtype: x!.dtype };
  },
  evaluate: ([x]) => x!,
  read: (indices, [x], output) => readOne(reshapeIndices(indices, output.shape, x!.shape)),
  gradient: (g, node, d) => [g.reshape(d, node.inputs[0]!.shape)],
  samples: [
    sample([[6]], { shape: [2, 3] }),
    sample([[2, 3, 4]], { shape: [6, 4] }),
    sample([[4, 6]], { shape: [3, 8] }),
    sample([[1]], { shape: [] }),
    sample([[2, 33, 5]], { shape: [2, 1, 3, 55] }),
    sample([[5, 7]], { shape: [7, 5] }),
  ],
};

/** Output axis i is input axis order[i]. */
const permute: ViewOp = {
  kind: "view",
  name: "permute",
  infer([x], attributes) {
    const order = numbers(attributes, "order");
    checkedAxes(order, x!.shape.length, "order");
    if (order.length !== x!.shape.length)
      throw new OpError(`\`order\` ${showShape(order)} must name each of ${x!.shape.length} axes`);
    return { shape: pick(x!.shape, order), dtype: x!.dtype };
  },
  evaluate([x], { inputs, output, attributes }) {
    const strides = rowMajorStrides(inputs[0]!.shape);
    return gatherStrided(x!, output.shape, pick(strides, numbers(attributes, "order")));
  },
  read(indices, _inputs, _output, attributes) {
    const inverse = inverseOrder(numbers(attributes, "order"));
    return readOne(inverse.map((axis) => indices[axis]!));
  },
  gradient: (g, node, d) => [g.permute(d, inverseOrder(numbers(node.attributes, "order")))],
  samples: [
    sample([[2, 3]], { order: [1, 0] }),
    sample([[2, 3, 5]], { order: [2, 0, 1] }),
    sample([[1, 33, 2, 4]], { order: [0, 2, 1, 3] }),
    sample([[7]], { order: [0] }),
  ],
};

/** Input axis i stands at output axis axes[i] (rising) with the same extent; the others repeat. */
const broadcast: ViewOp = {
  kind: "view",
  name: "broadcast",
  infer([x], attributes) {
    const shape = shapeOf(attributes);
    const axes = checkedAxes(numbers(attributes, "axes"), shape.length);
    if (!axes.every((axis, place) => place === 0 || axis > axes[place - 1]!))
      throw new OpError(`\`axes\` ${showShape(axes)} must rise`);
    if (!sameShape(pick(shape, axes), x!.shape))
      throw new OpError(
        `${showShape(x!.shape)} does not stand at axes ${showShape(axes)} of ${showShape(shape)}`,
      );
    return { shape, dtype: x!.dtype };
  },
  evaluate([x], { inputs, output, attributes }) {
    const strides = output.shape.map(() => 0);
    const own = rowMajorStrides(inputs[0]!.shape);
    numbers(attributes, "axes").forEach((axis, place) => (strides[axis] = own[place]!));
    return gatherStrided(x!, output.shape, strides);
  },
  read: (indices, _inputs, _output, attributes) =>
    readOne(numbers(attributes, "axes").map((axis) => indices[axis]!)),
  gradient: (g, node, d) => [
    g.sum(d, otherAxes(node.shape.length, numbers(node.attributes, "axes"))),
  ],
  samples: [
    sample([[]], { shape: [3], axes: [] }),
    sample([[3]], { shape: [2, 3, 5], axes: [1] }),
    sample([[2, 5]], { shape: [2, 33, 5], axes: [0, 2] }),
    sample([[1]], { shape: [1, 1], axes: [0] }),
  ],
};

/** Each of `axes` backwards. */
const flip: ViewOp = {
  kind: "view",
  name: "flip",
  infer([x], attributes) {
    checkedAxes(numbers(attributes, "axes"), x!.shape.length);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  evaluate([x], { output, attributes }) {
    const axes = numbers(attributes, "axes");
    const strides = rowMajorStrides(output.shape);
    const start = axes.reduce((sum, axis) => sum + (output.shape[axis]! - 1) * strides[axis]!, 0);
    const turned = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
    return gatherStrided(x!, output.shape, turned, start);
  },
  read(indices, _inputs, output, attributes) {
    const axes = numbers(attributes, "axes");
    const turn = (index: Index, axis: number): Index =>
      add(constantIndex(output.shape[axis]! - 1), multiply(index, -1));
    return readOne(indices.map((index, axis) => (axes.includes(axis) ? turn(index, axis) : index)));
  },
  gradient: (g, node, d) => [g.flip(d, numbers(node.attributes, "axes"))],
  samples: [
    sample([[5]], { axes: [0] }),
    sample([[2, 3, 1]], { axes: [0, 2] }),
    sample([[2, 33]], { axes: [1] }),
  ],
};

function rollShifts(
  attributes: Parameters<ViewOp["infer"]>[1],
  shape: readonly number[],
): number[] {
  const axes = checkedAxes(numbers(attributes, "axes"), shape.length);
  const shifts = perAxis(attributes, "shifts", axes.length);
  const byAxis = shape.map(() => 0);
  axes.forEach((axis, place) => (byAxis[axis] = shifts[place]!));
  return byAxis;
}

/** Element i of axes[j] goes to (i + shifts[j]) modulo the extent. */
const roll: ViewOp = {
  kind: "view",
  name: "roll",
  infer([x], attributes) {
    if (!rollShifts(attributes, x!.shape).every(Number.isInteger))
      throw new OpError("`shifts` must be whole numbers");
    return { shape: x!.shape, dtype: x!.dtype };
  },
  evaluate([x], { output, attributes }) {
    const shifts = rollShifts(attributes, output.shape);
    let values = x!;
    shifts.forEach((shift, axis) => {
      if (shift % output.shape[axis]! !== 0) values = rollAxis(values, output, axis, shift);
    });
    return values;
  },
  read(indices, _inputs, output, attributes) {
    const shifts = rollShifts(attributes, output.shape);
    const turn = (index: Index, axis: number): Index => {
      const extent = output.shape[axis]!;
      const back = ((-shifts[axis]! % extent) + extent) % extent;
      return modulo(offset(index, back), extent);
    };
    return readOne(indices.map(turn));
  },
  gradient: (g, node, d) => [
    g.roll(
      d,
      numbers(node.attributes, "axes"),
      numbers(node.attributes, "shifts").map((shift) => -shift),
    ),
  ],
  samples: [
    sample([[5]], { axes: [0], shifts: [2] }),
    sample([[4, 6]], { axes: [0, 1], shifts: [-1, 3] }),
    sample([[2, 33]], { axes: [1], shifts: [40] }),
    sample([[1, 3]], { axes: [0], shifts: [1] }),
  ],
};

/** Two copies: the part that stays in order, and the part that comes round. */
function rollAxis(x: Values, type: TensorType, axis: number, shift: number): Values {
  const extent = type.shape[axis]!;
  const forward = ((shift % extent) + extent) % extent;
  const strides = rowMajorStrides(type.shape);
  const out = new Float64Array(x.length);
  const copy = (from: number, to: number, count: number): void =>
    stridedCopy(
      type.shape.toSpliced(axis, 1, count),
      { values: x, offset: from * strides[axis]!, strides },
      { values: out, offset: to * strides[axis]!, strides },
    );
  copy(0, forward, extent - forward);
  copy(extent - forward, 0, forward);
  return out;
}

/** The identity without a gradient: a detached value. */
const stop: ViewOp = {
  kind: "view",
  name: "stop",
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  evaluate: ([x]) => x!,
  read: (indices) => readOne(indices),
  samples: [
    { ...sample([[3]], {}), differentiable: false },
    { ...sample([[2, 33]], {}), differentiable: false },
  ],
};

/**
 * x, `after` something else is there, which is not read: what is made of it is made then, and is another value than what
 * was made of x before. So a value is computed a second time late, and not kept from the first (`graph/recompute.ts`).
 */
const again: ViewOp = {
  kind: "view",
  name: "again",
  waitsFrom: 1,
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  evaluate: ([x]) => x!,
  read: (indices) => readOne(indices),
  samples: [{ ...sample([[3], [2, 5]], {}), differentiable: false }],
};

export const rearrangingViews: readonly ViewOp[] = [
  reshape,
  permute,
  broadcast,
  flip,
  roll,
  stop,
  again,
];
