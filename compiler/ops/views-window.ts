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
import { add, divide, modulo, multiply, offset } from "./index-arithmetic.ts";
import type { Condition, Index } from "./index-expression.ts";
import type { EvaluatedNode, Values, ViewOp } from "./op.ts";
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

/** For each windowed axis: the input's position that output position o reads at kernel place k, or -1. */
type Reach = (place: number, output: number, kernel: number) => number;

/**
 * Walks the output, axis by axis: spatial axes first, then the kernel's, where both halves of a position are known
 * and what lies outside is skipped (it stays filler). The input has kernel axes of its own in slide and unslide.
 */
function evaluateWindows(
  x: Values,
  input: TensorType,
  output: TensorType,
  axes: readonly number[],
  reach: Reach,
  filler: number,
): Values {
  const spatial = output.shape.length - axes.length;
  const hasKernel = input.shape.length > spatial;
  const [from, to] = [rowMajorStrides(input.shape), rowMajorStrides(output.shape)];
  const out = new Float64Array(elementCount(output.shape)).fill(filler);
  const position = output.shape.map(() => 0);
  const walk = (axis: number, source: number, target: number): void => {
    if (axis === output.shape.length) {
      out[target] = x[source]!;
      return;
    }
    const place = axis - spatial;
    const isPlain = place < 0 && !axes.includes(axis);
    for (let i = 0; i < output.shape[axis]!; i++) {
      position[axis] = i;
      let step = isPlain ? i * from[axis]! : 0;
      if (place >= 0) {
        const read = reach(place, position[axes[place]!]!, i);
        if (read < 0) continue;
        step = read * from[axes[place]!]! + (hasKernel ? i * from[axis]! : 0);
      }
      walk(axis + 1, source + step, target + i * to[axis]!);
    }
  };
  walk(0, 0, 0);
  return out;
}

function slideReach(extents: readonly number[], windows: Windows): Reach {
  return (place, output, kernel) => {
    const at =
      output * windows.stride[place]! + kernel * windows.dilation[place]! - windows.before[place]!;
    return at < extents[windows.axes[place]!]! ? at : -1;
  };
}

function unslideReach(counts: readonly number[], windows: Windows): Reach {
  return (place, output, kernel) => {
    const at =
      (output + windows.before[place]! - kernel * windows.dilation[place]!) /
      windows.stride[place]!;
    return Number.isInteger(at) && at < counts[windows.axes[place]!]! ? at : -1;
  };
}

function evaluateSlide(
  [x]: readonly Values[],
  { inputs, output, attributes }: EvaluatedNode,
): Values {
  const spatial = output.shape.length - numbers(attributes, "axes").length;
  const windows = windowsOf(attributes, spatial);
  const reach = slideReach(inputs[0]!.shape, windows);
  return evaluateWindows(
    x!,
    inputs[0]!,
    output,
    windows.axes,
    reach,
    number(attributes, "filler", 0),
  );
}

function evaluateUnslide(
  [y]: readonly Values[],
  { inputs, output, attributes }: EvaluatedNode,
): Values {
  const windows = windowsOf(attributes, output.shape.length - numbers(attributes, "axes").length);
  const reach = unslideReach(inputs[0]!.shape, windows);
  return evaluateWindows(y!, inputs[0]!, output, windows.axes, reach, 0);
}

const window: ViewOp = {
  kind: "view",
  name: "window",
  infer([x], attributes) {
    const windows = windowsOf(attributes, x!.shape.length);
    return { shape: [...slidShape(x!.shape, windows), ...windows.kernel], dtype: x!.dtype };
  },
  evaluate: evaluateSlide,
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
  evaluate: evaluateSlide,
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
  evaluate: evaluateUnslide,
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
