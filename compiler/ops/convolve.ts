// Convolution over 1 to 3 spatial axes, channels last, closed under differentiation:
//   convolve         x [batch, ..spatial, in], w [..kernel, in / groups, out] -> y [batch, ..spatial, out]
//                    y(o) = sum over k, in of x'(o * stride + k * dilation - before) w(k), where x' is x with
//                    inputDilation - 1 zeros between neighbours, and zeros outside. A negative padding crops.
//   convolve_weight  x, dY -> dW: the same sum over batch and space instead.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { number, numberLists, perAxis } from "./attributes.ts";
import { isFloat } from "./elementwise.ts";
import type { Notation } from "./notation.ts";
import type { ContractionOp, Values } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, elementCount, rowMajorStrides, showShape } from "./shape.ts";
import { sample } from "./view-samples.ts";

/** Attributes of a convolution with every default filled in; one entry for each spatial axis. */
export interface Convolution {
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly dilation: readonly number[];
  readonly inputDilation: readonly number[];
  readonly groups: number;
}

export function convolutionOf(attributes: Attributes, spatial: number): Convolution {
  const ones = Array.from({ length: spatial }, () => 1);
  const padding = numberLists(attributes, "padding", spatial, ones.map(() => [0, 0])); // prettier-ignore
  return {
    stride: perAxis(attributes, "stride", spatial, ones),
    before: padding.map(([before]) => before!),
    after: padding.map(([, after]) => after!),
    dilation: perAxis(attributes, "dilation", spatial, ones),
    inputDilation: perAxis(attributes, "inputDilation", spatial, ones),
    groups: number(attributes, "groups", 1),
  };
}

function attributesOf(convolution: Convolution): Attributes {
  const { stride, before, after, dilation, inputDilation, groups } = convolution;
  const padding = before.map((count, axis) => [count, after[axis]!]);
  return { stride, padding, dilation, inputDilation, groups };
}

/** Extent of the input with zeros between neighbours. */
function dilated(extent: number, by: number): number {
  return (extent - 1) * by + 1;
}

function outputExtent(x: number, kernel: number, at: Convolution, axis: number): number {
  const room =
    dilated(x, at.inputDilation[axis]!) +
    at.before[axis]! +
    at.after[axis]! -
    dilated(kernel, at.dilation[axis]!);
  if (room < 0)
    throw new OpError(
      `a kernel of ${kernel} (dilation ${at.dilation[axis]}) does not fit into ${x} with a border of ${at.before[axis]} and ${at.after[axis]}`,
    );
  return Math.floor(room / at.stride[axis]!) + 1;
}

function checkFloats(name: string, a: TensorType, b: TensorType): void {
  if (a.dtype !== b.dtype || !isFloat(a.dtype))
    throw new OpError(`\`${name}\` needs one float type, but has ${a.dtype} and ${b.dtype}`);
  const spatial = a.shape.length - 2;
  if (spatial < 1 || spatial > 3 || b.shape.length !== a.shape.length)
    throw new OpError(
      `\`${name}\` needs 1 to 3 spatial axes in both, but has ${showShape(a.shape)} and ${showShape(b.shape)}`,
    );
}

/** The loop extents that all three walks share. */
interface Extents {
  readonly batch: number;
  readonly x: readonly number[];
  readonly kernel: readonly number[];
  readonly y: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Visits every (kernel place, output place, input place) triple whose input place exists, as row-major positions
 * among the kernel's, the output's and the input's spatial axes.
 */
function visitReads(
  extents: Extents,
  at: Convolution,
  visit: (kernel: number, y: number, x: number) => void,
): void {
  const rank = extents.x.length;
  const [strideK, strideY, strideX] = [extents.kernel, extents.y, extents.x].map(rowMajorStrides);
  const walk = (axis: number, kernel: number, y: number, x: number): void => {
    if (axis === rank) return visit(kernel, y, x);
    for (let k = 0; k < extents.kernel[axis]!; k++)
      for (let o = 0; o < extents.y[axis]!; o++) {
        const reach = o * at.stride[axis]! + k * at.dilation[axis]! - at.before[axis]!;
        const i = reach / at.inputDilation[axis]!;
        if (reach < 0 || i >= extents.x[axis]! || !Number.isInteger(i)) continue;
        walk(
          axis + 1,
          kernel + k * strideK![axis]!,
          y + o * strideY![axis]!,
          x + i * strideX![axis]!,
        );
      }
  };
  walk(0, 0, 0, 0);
}

function evaluateForward(x: Values, w: Values, extents: Extents, at: Convolution): Values {
  const { batch, inputs, outputs } = extents;
  const [sizeX, sizeY] = [elementCount(extents.x), elementCount(extents.y)];
  const [groupIn, groupOut] = [inputs / at.groups, outputs / at.groups];
  const out = new Float64Array(batch * sizeY * outputs);
  visitReads(extents, at, (kernel, y, place) => {
    for (let b = 0; b < batch; b++)
      for (let group = 0; group < at.groups; group++) {
        const toOut = (b * sizeY + y) * outputs + group * groupOut;
        for (let i = 0; i < groupIn; i++) {
          const value = x[(b * sizeX + place) * inputs + group * groupIn + i]!;
          const row = (kernel * groupIn + i) * outputs + group * groupOut;
          for (let o = 0; o < groupOut; o++) out[toOut + o]! += value * w[row + o]!;
        }
      }
  });
  return out;
}

function evaluateWeight(x: Values, dY: Values, extents: Extents, at: Convolution): Values {
  const { batch, inputs, outputs } = extents;
  const [sizeX, sizeY] = [elementCount(extents.x), elementCount(extents.y)];
  const [groupIn, groupOut] = [inputs / at.groups, outputs / at.groups];
  const out = new Float64Array(elementCount(extents.kernel) * groupIn * outputs);
  visitReads(extents, at, (kernel, y, place) => {
    for (let b = 0; b < batch; b++)
      for (let group = 0; group < at.groups; group++) {
        const fromY = (b * sizeY + y) * outputs + group * groupOut;
        for (let i = 0; i < groupIn; i++) {
          const value = x[(b * sizeX + place) * inputs + group * groupIn + i]!;
          const row = (kernel * groupIn + i) * outputs + group * groupOut;
          for (let o = 0; o < groupOut; o++) out[row + o]! += value * dY[fromY + o]!;
        }
      }
  });
  return out;
}

/** w [..kernel, in / groups, out] with inputs and outputs exchanged, group by group: [..kernel, out / groups, in]. */
function exchangeChannels(g: Notation, w: Node, groups: number): Node {
  const rank = w.shape.length - 2;
  const kernel = w.shape.slice(0, rank);
  const [groupIn, outputs] = [w.shape[rank]!, w.shape[rank + 1]!];
  const split = g.reshape(w, [...kernel, groupIn, groups, outputs / groups]);
  const turned = g.permute(split, [...axesOfRank(rank), rank + 2, rank + 1, rank]);
  return g.reshape(turned, [...kernel, outputs / groups, groups * groupIn]);
}

/**
 * Gradient by x: dOutput, with stride - 1 zeros between neighbours, convolved with the flipped kernel,
 * its channels exchanged; the stride is the old input dilation.
 */
export function gradientByInput(
  g: Notation,
  d: Node,
  w: Node,
  xSpatial: readonly number[],
  at: Convolution,
): Node {
  const spatial = axesOfRank(xSpatial.length);
  const reach = spatial.map((axis) => (w.shape[axis]! - 1) * at.dilation[axis]!);
  const before = spatial.map((axis) => reach[axis]! - at.before[axis]!);
  const after = spatial.map(
    (axis) =>
      dilated(xSpatial[axis]!, at.inputDilation[axis]!) +
      reach[axis]! -
      dilated(d.shape[axis + 1]!, at.stride[axis]!) -
      before[axis]!,
  );
  const turned: Convolution = {
    stride: at.inputDilation,
    inputDilation: at.stride,
    dilation: at.dilation,
    before,
    after,
    groups: at.groups,
  };
  return g.add(
    "convolve",
    [d, exchangeChannels(g, g.flip(w, spatial), at.groups)],
    attributesOf(turned),
  );
}

export const convolve: ContractionOp = {
  kind: "contraction",
  name: "convolve",
  infer([x, w], attributes) {
    checkFloats("convolve", x!, w!);
    const spatial = x!.shape.length - 2;
    const at = convolutionOf(attributes, spatial);
    const [inputs, outputs] = [x!.shape.at(-1)!, w!.shape.at(-1)!];
    if (w!.shape[spatial]! * at.groups !== inputs || outputs % at.groups !== 0)
      throw new OpError(
        `\`convolve\` of ${showShape(x!.shape)} in ${at.groups} groups does not fit a kernel ${showShape(w!.shape)}`,
      );
    const extents = axesOfRank(spatial).map((axis) =>
      outputExtent(x!.shape[axis + 1]!, w!.shape[axis]!, at, axis),
    );
    return { shape: [x!.shape[0]!, ...extents, outputs], dtype: x!.dtype };
  },
  evaluate([x, w], { inputs: [typeX, typeW], output, attributes }) {
    const spatial = typeX!.shape.length - 2;
    const extents: Extents = {
      batch: typeX!.shape[0]!,
      x: typeX!.shape.slice(1, -1),
      kernel: typeW!.shape.slice(0, spatial),
      y: output.shape.slice(1, -1),
      inputs: typeX!.shape.at(-1)!,
      outputs: output.shape.at(-1)!,
    };
    return evaluateForward(x!, w!, extents, convolutionOf(attributes, spatial));
  },
  gradient(g, node, d, wanted) {
    const [x, w] = [node.inputs[0]!, node.inputs[1]!];
    const spatial = x.shape.length - 2;
    const at = convolutionOf(node.attributes, spatial);
    const kernel = w.shape.slice(0, spatial);
    return [
      wanted[0] ? gradientByInput(g, d, w, x.shape.slice(1, -1), at) : undefined,
      wanted[1] ? g.add("convolve_weight", [x, d], { ...attributesOf(at), kernel }) : undefined,
    ];
  },
  cost([, w], output) {
    const perOutput = elementCount(w!.shape) / w!.shape.at(-1)!;
    const macs = elementCount(output.shape) * perOutput;
    return { macs, flops: 2 * macs };
  },
  samples: [
    sample([[2, 5, 3], [3, 3, 4]], { padding: [[1, 1]] }),
    sample([[1, 5, 6, 2], [3, 2, 2, 3]], { stride: [2, 1], padding: [[1, 0], [0, 1]], dilation: [1, 2] }),
    sample([[1, 4, 4, 4], [3, 3, 2, 6]], { stride: [2, 2], padding: [[1, 1], [1, 1]], groups: 2 }),
    sample([[1, 7, 1, 3], [3, 1, 1, 3]], { stride: [2, 1], groups: 3 }),
    sample([[1, 3, 3, 2, 2], [2, 2, 1, 2, 2]], { stride: [1, 2, 1], padding: [[1, 0], [0, 0], [0, 0]] }),
    sample([[2, 3, 2], [2, 2, 3]], { inputDilation: [2], padding: [[1, -1]], stride: [2] }),
    sample([[1, 33, 1], [4, 1, 2]], { stride: [4] }),
    sample([[1, 1, 1], [1, 1, 1]], {}),
  ], // prettier-ignore
};

export const convolveWeight: ContractionOp = {
  kind: "contraction",
  name: "convolve_weight",
  infer([x, dY], attributes) {
    checkFloats("convolve_weight", x!, dY!);
    const spatial = x!.shape.length - 2;
    const at = convolutionOf(attributes, spatial);
    const kernel = perAxis(attributes, "kernel", spatial);
    kernel.forEach((extent, axis) => {
      if (outputExtent(x!.shape[axis + 1]!, extent, at, axis) !== dY!.shape[axis + 1])
        throw new OpError(`${showShape(dY!.shape)} is not what a kernel ${showShape(kernel)} makes of ${showShape(x!.shape)}`); // prettier-ignore
    });
    return { shape: [...kernel, x!.shape.at(-1)! / at.groups, dY!.shape.at(-1)!], dtype: x!.dtype };
  },
  evaluate([x, dY], { inputs: [typeX, typeY], attributes }) {
    const spatial = typeX!.shape.length - 2;
    const extents: Extents = {
      batch: typeX!.shape[0]!,
      x: typeX!.shape.slice(1, -1),
      kernel: perAxis(attributes, "kernel", spatial),
      y: typeY!.shape.slice(1, -1),
      inputs: typeX!.shape.at(-1)!,
      outputs: typeY!.shape.at(-1)!,
    };
    return evaluateWeight(x!, dY!, extents, convolutionOf(attributes, spatial));
  },
  // dW is linear in x and in dY: by x it is the convolution's own gradient with ddW as kernel, by dY the convolution.
  gradient(g, node, d, wanted) {
    const [x, dY] = [node.inputs[0]!, node.inputs[1]!];
    const at = convolutionOf(node.attributes, x.shape.length - 2);
    return [
      wanted[0] ? gradientByInput(g, dY, d, x.shape.slice(1, -1), at) : undefined,
      wanted[1] ? g.add("convolve", [x, d], attributesOf(at)) : undefined,
    ];
  },
  cost([, dY], output) {
    const macs = (elementCount(output.shape) * elementCount(dY!.shape)) / dY!.shape.at(-1)!;
    return { macs, flops: 2 * macs };
  },
  samples: [
    sample([[2, 5, 3], [2, 5, 4]], { kernel: [3], padding: [[1, 1]] }),
    sample([[1, 5, 6, 2], [1, 2, 5, 3]], { kernel: [3, 2], stride: [2, 1], padding: [[1, 0], [0, 1]], dilation: [1, 2] }),
    sample([[1, 4, 4, 4], [1, 2, 2, 6]], { kernel: [3, 3], stride: [2, 2], padding: [[1, 1], [1, 1]], groups: 2 }),
    sample([[1, 33, 1], [1, 8, 2]], { kernel: [4], stride: [4] }),
  ], // prettier-ignore
};
