// Views that take a part, put a border around or join: slice, pad, concat. Slice and pad are each other's gradients
// (a strided slice's is a pad with an interior), concat's are slices.
import { checkedAxis, number, perAxis } from "./attributes.ts";
import { add, constantIndex, divide, modulo, multiply, offset } from "./index-arithmetic.ts";
import type { Condition, Index } from "./index-expression.ts";
import type { ViewOp } from "./op.ts";
import { OpError } from "./op.ts";
import { elementCount, rowMajorStrides, sameShape, showShape } from "./shape.ts";
import { stridedCopy } from "./strided-copy.ts";
import { readOne } from "./views-rearrange.ts";
import { sample } from "./view-samples.ts";

type Attributes = Parameters<ViewOp["infer"]>[1];

function sliceSettings(attributes: Attributes, rank: number) {
  const starts = perAxis(attributes, "starts", rank);
  const sizes = perAxis(attributes, "sizes", rank);
  const steps = perAxis(attributes, "steps", rank, sizes.map(() => 1)); // prettier-ignore
  return { starts, sizes, steps };
}

/** Elements starts[i] + steps[i] * j, j < sizes[i], along each axis. */
const slice: ViewOp = {
  kind: "view",
  name: "slice",
  infer([x], attributes) {
    const { starts, sizes, steps } = sliceSettings(attributes, x!.shape.length);
    x!.shape.forEach((extent, axis) => {
      const last = starts[axis]! + steps[axis]! * (sizes[axis]! - 1);
      if (starts[axis]! < 0 || sizes[axis]! < 1 || steps[axis]! < 1 || last >= extent)
        throw new OpError(
          `a slice of ${sizes[axis]} from ${starts[axis]} in steps of ${steps[axis]} does not fit axis ${axis} of ${showShape(x!.shape)}`,
        );
    });
    return { shape: sizes, dtype: x!.dtype };
  },
  evaluate([x], { inputs, output, attributes }) {
    const { starts, steps } = sliceSettings(attributes, output.shape.length);
    const strides = rowMajorStrides(inputs[0]!.shape);
    const start = starts.reduce((sum, from, axis) => sum + from * strides[axis]!, 0);
    const out = new Float64Array(elementCount(output.shape));
    stridedCopy(
      output.shape,
      { values: x!, offset: start, strides: strides.map((stride, axis) => stride * steps[axis]!) },
      { values: out, offset: 0, strides: rowMajorStrides(output.shape) },
    );
    return out;
  },
  read(indices, _inputs, _output, attributes) {
    const { starts, steps } = sliceSettings(attributes, indices.length);
    return readOne(
      indices.map((index, axis) => offset(multiply(index, steps[axis]!), starts[axis]!)),
    );
  },
  gradient(g, node, d) {
    const x = node.inputs[0]!;
    const { starts, sizes, steps } = sliceSettings(node.attributes, x.shape.length);
    const covered = sizes.map((size, axis) => (size - 1) * steps[axis]! + 1);
    const after = x.shape.map((extent, axis) => extent - starts[axis]! - covered[axis]!);
    // Along an axis of one element there are no neighbours to part.
    const interior = steps.map((step, axis) => (sizes[axis] === 1 ? 0 : step - 1));
    return [g.pad(d, starts, after, 0, interior)];
  },
  samples: [
    sample([[7]], { starts: [2], sizes: [3], steps: [1] }),
    sample([[4, 9]], { starts: [1, 0], sizes: [2, 5], steps: [2, 2] }),
    sample([[2, 65]], { starts: [1, 31], sizes: [1, 33], steps: [1, 1] }),
    sample([[3, 1]], { starts: [0, 0], sizes: [1, 1], steps: [3, 1] }),
  ],
};

function padSettings(attributes: Attributes, rank: number) {
  const before = perAxis(attributes, "before", rank);
  const after = perAxis(attributes, "after", rank);
  const interior = perAxis(attributes, "interior", rank, before.map(() => 0)); // prettier-ignore
  return { before, after, interior, value: number(attributes, "value", 0) };
}

/** `value` before, after and `interior` times between neighbours along each axis. */
const pad: ViewOp = {
  kind: "view",
  name: "pad",
  infer([x], attributes) {
    const { before, after, interior } = padSettings(attributes, x!.shape.length);
    if (![...before, ...after, ...interior].every((count) => Number.isInteger(count) && count >= 0))
      throw new OpError("a pad must be whole numbers >= 0");
    const shape = x!.shape.map(
      (extent, axis) => before[axis]! + after[axis]! + extent + (extent - 1) * interior[axis]!,
    );
    return { shape, dtype: x!.dtype };
  },
  evaluate([x], { inputs, output, attributes }) {
    const { before, interior, value } = padSettings(attributes, output.shape.length);
    const strides = rowMajorStrides(output.shape);
    const out = new Float64Array(elementCount(output.shape)).fill(value);
    stridedCopy(
      inputs[0]!.shape,
      { values: x!, offset: 0, strides: rowMajorStrides(inputs[0]!.shape) },
      {
        values: out,
        offset: before.reduce((sum, count, axis) => sum + count * strides[axis]!, 0),
        strides: strides.map((stride, axis) => stride * (interior[axis]! + 1)),
      },
    );
    return out;
  },
  read(indices, [x], _output, attributes) {
    const { before, interior, value } = padSettings(attributes, indices.length);
    const conditions: Condition[] = [];
    const inside = indices.map((index, axis): Index => {
      const extent = x!.shape[axis]!;
      const step = interior[axis]! + 1;
      // index = before + step * j, with 0 <= j < extent. The shift keeps what is divided at or above 0.
      const shift = Math.ceil(before[axis]! / step) * step - before[axis]!;
      const moved = offset(index, shift);
      const skipped = (before[axis]! + shift) / step;
      if (step > 1) conditions.push({ index: modulo(moved, step), low: 0, high: 1 });
      conditions.push({ index: divide(moved, step), low: skipped, high: skipped + extent });
      return offset(divide(moved, step), -skipped);
    });
    return { pieces: [{ input: 0, indices: inside, conditions }], filler: value };
  },
  gradient(g, node, d) {
    const x = node.inputs[0]!;
    const { before, interior } = padSettings(node.attributes, x.shape.length);
    return [
      g.slice(
        d,
        before,
        x.shape,
        interior.map((count) => count + 1),
      ),
    ];
  },
  samples: [
    sample([[3]], { before: [1], after: [2], interior: [0], value: 0 }),
    sample([[2, 3]], { before: [0, 1], after: [1, 0], interior: [2, 1], value: -1.5 }),
    sample([[1, 33]], { before: [3, 0], after: [0, 2], interior: [0, 0], value: 0 }),
    sample([[4]], { before: [2], after: [1], interior: [2], value: 0 }),
  ],
};

/** Inputs one after the other along `axis`. */
const concat: ViewOp = {
  kind: "view",
  name: "concat",
  infer(inputs, attributes) {
    const [first] = inputs;
    if (first === undefined) throw new OpError("`concat` needs at least one input");
    const axis = checkedAxis(attributes, first.shape.length);
    for (const input of inputs) {
      if (input.dtype !== first.dtype)
        throw new OpError(
          `\`concat\` needs one element type, but has ${first.dtype} and ${input.dtype}`,
        );
      if (
        !sameShape(input.shape.toSpliced(axis, 1), first.shape.toSpliced(axis, 1)) ||
        input.shape.length !== first.shape.length
      )
        // prettier-ignore
        throw new OpError(
          `${showShape(first.shape)} and ${showShape(input.shape)} differ beside axis ${axis}`,
        );
    }
    const extent = inputs.reduce((sum, input) => sum + input.shape[axis]!, 0);
    return { shape: first.shape.toSpliced(axis, 1, extent), dtype: first.dtype };
  },
  evaluate(values, { inputs, output, attributes }) {
    const axis = number(attributes, "axis");
    const strides = rowMajorStrides(output.shape);
    const out = new Float64Array(elementCount(output.shape));
    let start = 0;
    inputs.forEach((input, place) => {
      stridedCopy(
        input.shape,
        { values: values[place]!, offset: 0, strides: rowMajorStrides(input.shape) },
        { values: out, offset: start * strides[axis]!, strides },
      );
      start += input.shape[axis]!;
    });
    return out;
  },
  read(indices, inputs, _output, attributes) {
    const axis = number(attributes, "axis");
    let start = 0;
    const pieces = inputs.map((input, place) => {
      const low = start;
      start += input.shape[axis]!;
      const moved = add(indices[axis]!, constantIndex(-low));
      return {
        input: place,
        indices: indices.toSpliced(axis, 1, moved),
        conditions: [{ index: indices[axis]!, low, high: start }],
      };
    });
    return { pieces, filler: 0 };
  },
  gradient(g, node, d, wanted) {
    const axis = number(node.attributes, "axis");
    let start = 0;
    return node.inputs.map((input, place) => {
      const from = start;
      start += input.shape[axis]!;
      return wanted[place] ? g.sliceAxis(d, axis, from, input.shape[axis]!) : undefined;
    });
  },
  samples: [
    sample([[2], [3]], { axis: 0 }),
    sample([[2, 1, 3], [2, 4, 3], [2, 2, 3]], { axis: 1 }), // prettier-ignore
    sample([[33], [1]], { axis: 0 }),
    sample([[2, 2]], { axis: 1 }),
  ],
};

export const croppingViews: readonly ViewOp[] = [slice, pad, concat];
