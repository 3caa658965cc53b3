// Sliding windows as views, so that pooling is a window and a reduction.
//
//   window   x[.., i, ..]      -> y[.., o, .., k]   y(o, k) = x(o * stride + k * dilation - before)
//   slide    x[.., i, .., k]   -> y[.., o, .., k]   the same, but each k has its own x
//   unslide  y[.., o, .., k]   -> x[.., i, .., k]   x(i, k) = y((i + before - k * dilation) / stride, k) where whole
//
// slide and unslide are each other's gradients; window's is unslide and a sum over the kernel axes.
// So a gradient never scatters: each element reads what is added to it, in a fixed order.
import type { Attributes, TensorType } from "../graph/graph.ts";
import { checkedAxes, number, numbers, perAxis } from "./attributes.ts";
import {
  add,
  axisIndices,
  divide,
  evaluateIndex,
  modulo,
  multiply,
  offset,
} from "./index-arithmetic.ts";
import type { Condition, Index, ViewRead } from "./index-expression.ts";
import type { Values, ViewOp } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, elementCount, pick, rowMajorStrides, showShape } from "./shape.ts";
import { sample } from "./view-samples.ts";

interface Windows {
  readonly axes: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly dilation: readonly number[];
}

/** `spatial` is the rank of the array without kernel axes. */
function windowsOf(attributes: Attributes, spatial: number): Windows {
  const axes = checkedAxes(numbers(attributes, "axes"), spatial);
  const zeros = axes.map(() => 0);
  const ones = axes.map(() => 1);
  return {
    axes,
    kernel: perAxis(attributes, "kernel", axes.length),
    stride: perAxis(attributes, "stride", axes.length, ones),
    before: perAxis(attributes, "before", axes.length, zeros),
    after: perAxis(attributes, "after", axes.length, zeros),
    dilation: perAxis(attributes, "dilation", axes.length, ones),
  };
}

/** Windows that fit: floor((extent + before + after - covered) / stride) + 1. */
function windowCount(extent: number, windows: Windows, place: number): number {
  const covered = (windows.kernel[place]! - 1) * windows.dilation[place]! + 1;
  const room = extent + windows.before[place]! + windows.after[place]! - covered;
  if (room < 0)
    throw new OpError(
      `a window of ${covered} does not fit into ${extent} with a border of ${windows.before[place]} and ${windows.after[place]}`,
    );
  return Math.floor(room / windows.stride[place]!) + 1;
}

function slidShape(x: readonly number[], windows: Windows): number[] {
  return x.map((extent, axis) => {
    const place = windows.axes.indexOf(axis);
    return place < 0 ? extent : windowCount(extent, windows, place);
  });
}

/** Spatial indices read at window o and kernel place k, guarded against the border. */
function slideRead(indices: readonly Index[], extents: readonly number[], windows: Windows) {
  const spatial = indices.slice(0, indices.length - windows.axes.length);
  const kernel = indices.slice(spatial.length);
  const conditions: Condition[] = [];
  const inside = spatial.slice();
  windows.axes.forEach((axis, place) => {
    const before = windows.before[place]!;
    const reach = add(
      multiply(spatial[axis]!, windows.stride[place]!),
      multiply(kernel[place]!, windows.dilation[place]!),
    );
    conditions.push({ index: reach, low: before, high: before + extents[axis]! });
    inside[axis] = offset(reach, -before);
  });
  return { inside, kernel, conditions };
}

/** Evaluates a view through its own reads: each axis pair is tabulated once, the rest is a walk. */
function evaluateByReads(x: Values, output: TensorType, input: TensorType, read: ViewRead): Values {
  const piece = read.pieces[0]!;
  const strides = rowMajorStrides(input.shape);
  const out = new Float64Array(elementCount(output.shape)).fill(read.filler);
  const position = output.shape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    const holds = piece.conditions.every(({ index, low, high }) => {
      const value = evaluateIndex(index, position);
      return value >= low && value < high;
    });
    if (holds)
      out[i] = x[piece.indices.reduce((sum, index, axis) => sum + strides[axis]! * evaluateIndex(index, position), 0)]!; // prettier-ignore
    for (let axis = position.length - 1; axis >= 0; axis--) {
      if (++position[axis]! < output.shape[axis]!) break;
      position[axis] = 0;
    }
  }
  return out;
}

function evaluateView(op: ViewOp): ViewOp["evaluate"] {
  return ([x], { inputs, output, attributes }) => {
    const read = op.read(axisIndices(output.shape), inputs, output, attributes);
    return evaluateByReads(x!, output, inputs[0]!, read);
  };
}

const window: ViewOp = {
  kind: "view",
  name: "window",
  infer([x], attributes) {
    const windows = windowsOf(attributes, x!.shape.length);
    return { shape: [...slidShape(x!.shape, windows), ...windows.kernel], dtype: x!.dtype };
  },
  evaluate: (values, node) => evaluateView(window)(values, node),
  read(indices, [x], _output, attributes) {
    const { inside, conditions } = slideRead(
      indices,
      x!.shape,
      windowsOf(attributes, x!.shape.length),
    );
    return {
      pieces: [{ input: 0, indices: inside, conditions }],
      filler: number(attributes, "filler", 0),
    };
  },
  gradient(g, node, d) {
    const x = node.inputs[0]!;
    const parts = g.add("unslide", [d], unslideAttributes(node.attributes, x.shape));
    return [g.sum(parts, kernelAxes(x.shape.length, parts.shape.length))];
  },
  samples: [
    sample([[7]], { axes: [0], kernel: [3], stride: [2], before: [1], after: [1], dilation: [1], filler: 0 }),
    sample([[2, 5, 6, 3]], { axes: [1, 2], kernel: [2, 3], stride: [2, 1], before: [0, 1], after: [0, 1], dilation: [1, 2], filler: -9 }), // prettier-ignore
    sample([[33]], { axes: [0], kernel: [5], stride: [3], before: [0], after: [0], dilation: [1], filler: 0 }),
    sample([[4, 1]], { axes: [1], kernel: [1], stride: [1], before: [0], after: [0], dilation: [1], filler: 0 }),
  ], // prettier-ignore
};

function kernelAxes(spatial: number, rank: number): number[] {
  return axesOfRank(rank).slice(spatial);
}

/** What unslide needs to know beside its input's shape: the extents that the windows slid over. */
function unslideAttributes(attributes: Attributes, extents: readonly number[]): Attributes {
  const windows = windowsOf(attributes, extents.length);
  const { axes, kernel, stride, before, after, dilation } = windows;
  return { axes, kernel, stride, before, after, dilation, extents: pick(extents, axes) };
}

const slide: ViewOp = {
  kind: "view",
  name: "slide",
  infer([x], attributes) {
    const spatial = x!.shape.length - numbers(attributes, "axes").length;
    const windows = windowsOf(attributes, spatial);
    return {
      shape: [...slidShape(x!.shape.slice(0, spatial), windows), ...windows.kernel],
      dtype: x!.dtype,
    };
  },
  evaluate: (values, node) => evaluateView(slide)(values, node),
  read(indices, [x], _output, attributes) {
    const spatial = x!.shape.length - numbers(attributes, "axes").length;
    const { inside, kernel, conditions } = slideRead(
      indices,
      x!.shape,
      windowsOf(attributes, spatial),
    );
    return { pieces: [{ input: 0, indices: [...inside, ...kernel], conditions }], filler: 0 };
  },
  gradient(g, node, d) {
    const x = node.inputs[0]!;
    const spatial = x.shape.length - numbers(node.attributes, "axes").length;
    return [g.add("unslide", [d], unslideAttributes(node.attributes, x.shape.slice(0, spatial)))];
  },
  samples: [
    sample([[7, 3]], {
      axes: [0],
      kernel: [3],
      stride: [2],
      before: [1],
      after: [1],
      dilation: [1],
    }),
    sample([[5, 2, 6, 2, 3]], { axes: [0, 2], kernel: [2, 3], stride: [2, 1], before: [0, 1], after: [0, 1], dilation: [1, 2] }), // prettier-ignore
  ],
};

const unslide: ViewOp = {
  kind: "view",
  name: "unslide",
  infer([y], attributes) {
    const spatial = y!.shape.length - numbers(attributes, "axes").length;
    const windows = windowsOf(attributes, spatial);
    const extents = perAxis(attributes, "extents", windows.axes.length);
    const shape = y!.shape.slice();
    windows.axes.forEach((axis, place) => {
      const count = windowCount(extents[place]!, windows, place);
      if (y!.shape[axis] !== count || y!.shape[spatial + place] !== windows.kernel[place])
        throw new OpError(`${showShape(y!.shape)} is not what these windows give`);
      shape[axis] = extents[place]!;
    });
    return { shape, dtype: y!.dtype };
  },
  evaluate: (values, node) => evaluateView(unslide)(values, node),
  read(indices, [y], _output, attributes) {
    const spatial = y!.shape.length - numbers(attributes, "axes").length;
    const { axes, kernel, stride, before, dilation } = windowsOf(attributes, spatial);
    const conditions: Condition[] = [];
    const inside = indices.slice();
    axes.forEach((axis, place) => {
      const step = stride[place]!;
      // A multiple of the stride is added, so that nothing divided is ever below 0.
      const skipped = Math.ceil(((kernel[place]! - 1) * dilation[place]!) / step);
      const back = multiply(indices[spatial + place]!, -dilation[place]!);
      const moved = offset(add(indices[axis]!, back), before[place]! + skipped * step);
      if (step > 1) conditions.push({ index: modulo(moved, step), low: 0, high: 1 });
      const quotient = divide(moved, step);
      conditions.push({ index: quotient, low: skipped, high: skipped + y!.shape[axis]! });
      inside[axis] = offset(quotient, -skipped);
    });
    return { pieces: [{ input: 0, indices: inside, conditions }], filler: 0 };
  },
  gradient(g, node, d) {
    const { axes, kernel, stride, before, after, dilation } = node.attributes;
    return [g.add("slide", [d], { axes: axes!, kernel: kernel!, stride: stride!, before: before!, after: after!, dilation: dilation! })]; // prettier-ignore
  },
  samples: [
    sample([[4, 3]], { axes: [0], kernel: [3], stride: [2], before: [1], after: [1], dilation: [1], extents: [7] }),
    sample([[2, 2, 4, 2, 3]], { axes: [0, 2], kernel: [2, 3], stride: [2, 1], before: [0, 1], after: [0, 1], dilation: [1, 2], extents: [5, 6] }), // prettier-ignore
  ], // prettier-ignore
};

export const windowViews: readonly ViewOp[] = [window, slide, unslide];
