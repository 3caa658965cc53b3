// Values that depend on their position alone: never bulk data in the program.
//   constant {value, shape, dtype}, iota {shape, axis, dtype}, values {values, shape, dtype} (small, written out),
//   table {generator, settings, shape} (f32, made at load by an entry of `generators/`).
import type { Attributes } from "../graph/graph.ts";
import { checkedAxis, dtypeOf, number, numbers, shapeOf, text } from "./attributes.ts";
import { generate } from "./generators/registry.ts";
import type { ConstantOp, Sample } from "./op.ts";
import { OpError } from "./op.ts";
import { elementCount, rowMajorStrides, showShape } from "./shape.ts";

function of(attributes: Attributes): Sample {
  return { inputs: [], attributes, differentiable: false };
}

const constant: ConstantOp = {
  kind: "constant",
  name: "constant",
  infer(_inputs, attributes) {
    number(attributes, "value");
    return { shape: shapeOf(attributes), dtype: dtypeOf(attributes, "f32") };
  },
  evaluate: (_inputs, { output, attributes }) =>
    new Float64Array(elementCount(output.shape)).fill(number(attributes, "value")),
  samples: [
    of({ value: 1.5, shape: [], dtype: "f32" }),
    of({ value: -3, shape: [3, 5], dtype: "i32" }),
    of({ value: 1, shape: [33], dtype: "bool" }),
  ],
};

const iota: ConstantOp = {
  kind: "constant",
  name: "iota",
  infer(_inputs, attributes) {
    const shape = shapeOf(attributes);
    checkedAxis(attributes, shape.length);
    const dtype = dtypeOf(attributes, "i32");
    if (dtype === "bool") throw new OpError("`iota` counts: it has no bool form");
    return { shape, dtype };
  },
  evaluate(_inputs, { output, attributes }) {
    const axis = number(attributes, "axis");
    const stride = rowMajorStrides(output.shape)[axis]!;
    const extent = output.shape[axis]!;
    const out = new Float64Array(elementCount(output.shape));
    for (let i = 0; i < out.length; i++) out[i] = Math.floor(i / stride) % extent;
    return out;
  },
  samples: [
    of({ shape: [5], axis: 0, dtype: "i32" }),
    of({ shape: [2, 33], axis: 1, dtype: "f32" }),
    of({ shape: [3, 1, 4], axis: 0, dtype: "u32" }),
  ],
};

const values: ConstantOp = {
  kind: "constant",
  name: "values",
  infer(_inputs, attributes) {
    const shape = shapeOf(attributes);
    const count = numbers(attributes, "values").length;
    if (count !== elementCount(shape))
      throw new OpError(`${count} values do not fill ${showShape(shape)}`);
    return { shape, dtype: dtypeOf(attributes, "f32") };
  },
  evaluate: (_inputs, { attributes }) => Float64Array.from(numbers(attributes, "values")),
  samples: [
    of({ values: [1, 2.5, -3], shape: [3], dtype: "f32" }),
    of({ values: [4, 5, 6, 7], shape: [2, 2], dtype: "i32" }),
  ],
};

const table: ConstantOp = {
  kind: "constant",
  name: "table",
  infer(_inputs, attributes) {
    text(attributes, "generator");
    return { shape: shapeOf(attributes), dtype: "f32" };
  },
  evaluate: (_inputs, { output, attributes }) =>
    generate(text(attributes, "generator"), attributes["settings"], output.shape),
  samples: [
    of({ generator: "sincos_2d", settings: { rows: 3, cols: 2, width: 8 }, shape: [6, 8] }),
    of({
      generator: "resize_matrix",
      settings: { from: [7], to: [5], mode: "linear" },
      shape: [5, 7],
    }),
  ],
};

export const constants: readonly ConstantOp[] = [constant, iota, values, table];
