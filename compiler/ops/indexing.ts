// Elements chosen by data.
//   gather {axis, batch}        x, i32 indices -> x.shape[..axis] + indices.shape[batch..] + x.shape[axis + 1..];
//                               the first `batch` axes are shared. Indices are clamped into range.
//   scatter_add {axis, batch, size}   values [..batch, ..indices, ..inner], indices [..batch, ..indices]
//                               -> [..batch, size, ..inner]; axis = batch. Equal indices add up in order of position;
//                               an index out of range adds nothing.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { checkedAxis, number } from "./attributes.ts";
import { isFloat } from "./elementwise.ts";
import type { Notation } from "./notation.ts";
import type { IndexingOp, Sample } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, elementCount, inverseOrder, sameShape, showShape } from "./shape.ts";

function checkIndices(name: string, indices: TensorType): void {
  if (indices.dtype !== "i32" && indices.dtype !== "u32")
    throw new OpError(`\`${name}\` takes whole numbers as indices, not ${indices.dtype}`);
}

function checkBatch(name: string, x: TensorType, indices: TensorType, batch: number): void {
  const shares = sameShape(x.shape.slice(0, batch), indices.shape.slice(0, batch));
  if (!Number.isInteger(batch) || batch < 0 || batch > indices.shape.length || !shares)
    throw new OpError(
      `\`${name}\` of ${showShape(x.shape)} by ${showShape(indices.shape)}: the first ${batch} axes differ`,
    );
}

function gatherSettings(x: TensorType, attributes: Attributes) {
  const axis = checkedAxis(attributes, x.shape.length);
  return { axis, batch: number(attributes, "batch", 0) };
}

/** [batch, middle, extent, inner] of x, and how many indices stand for one batch index. */
function gatherExtents(x: TensorType, indices: TensorType, axis: number, batch: number) {
  return {
    batchCount: elementCount(x.shape.slice(0, batch)),
    middle: elementCount(x.shape.slice(batch, axis)),
    extent: x.shape[axis]!,
    inner: elementCount(x.shape.slice(axis + 1)),
    count: elementCount(indices.shape.slice(batch)),
  };
}

function indexed(
  x: readonly number[],
  indices: readonly number[],
  extent: number,
  attributes: Attributes,
): Sample {
  return {
    inputs: [
      { shape: x, dtype: "f32", range: [-2, 2] },
      { shape: indices, dtype: "i32", integers: [0, extent] },
    ],
    attributes,
  };
}

/**
 * dX adds up dOutput at the places taken. Axes between batch and axis stand inside while scattering:
 * the scatter knows [batch, count, inner] only.
 */
function gatherGradient(g: Notation, node: Node, d: Node): Node {
  const [x, indices] = [node.inputs[0]!, node.inputs[1]!];
  const { axis, batch } = gatherSettings(x, node.attributes);
  const taken = indices.shape.length - batch;
  const lead = axesOfRank(batch);
  const middle = axesOfRank(axis).slice(batch);
  const places = axesOfRank(taken).map((place) => axis + place);
  const inner = axesOfRank(d.shape.length).slice(axis + taken);
  const values = g.permute(d, [...lead, ...places, ...middle, ...inner]);
  const summed = g.scatterAdd(values, indices, { batch, size: x.shape[axis]! });
  // Now [..batch, extent, ..middle, ..inner]; the extent goes back behind the middle.
  const standing = [...lead, axis, ...middle, ...axesOfRank(x.shape.length).slice(axis + 1)];
  return g.permute(summed, inverseOrder(standing));
}

const gather: IndexingOp = {
  kind: "indexing",
  name: "gather",
  infer([x, indices], attributes) {
    const { axis, batch } = gatherSettings(x!, attributes);
    checkIndices("gather", indices!);
    checkBatch("gather", x!, indices!, batch);
    if (batch > axis)
      throw new OpError(`axis ${axis} lies in the first ${batch}, which are shared`);
    const shape = [
      ...x!.shape.slice(0, axis),
      ...indices!.shape.slice(batch),
      ...x!.shape.slice(axis + 1),
    ];
    return { shape, dtype: x!.dtype };
  },
  evaluate([x, indices], { inputs: [typeX, typeI], output, attributes }) {
    const { axis, batch } = gatherSettings(typeX!, attributes);
    const { batchCount, middle, extent, inner, count } = gatherExtents(typeX!, typeI!, axis, batch);
    const out = new Float64Array(elementCount(output.shape));
    let target = 0;
    for (let b = 0; b < batchCount; b++)
      for (let m = 0; m < middle; m++)
        for (let i = 0; i < count; i++) {
          const place = Math.min(Math.max(indices![b * count + i]!, 0), extent - 1);
          const source = ((b * middle + m) * extent + place) * inner;
          for (let j = 0; j < inner; j++) out[target++] = x![source + j]!;
        }
    return out;
  },
  gradient: (g, node, d) => [gatherGradient(g, node, d), undefined],
  samples: [
    indexed([5], [3], 5, { axis: 0, batch: 0 }),
    indexed([7, 3], [2, 2], 7, { axis: 0, batch: 0 }),
    indexed([2, 5, 3], [2, 4], 5, { axis: 1, batch: 1 }),
    indexed([2, 3, 33, 2], [2, 5], 33, { axis: 2, batch: 1 }),
    indexed([2, 5], [2], 5, { axis: 1, batch: 1 }),
    indexed([1, 1], [1], 1, { axis: 1, batch: 0 }),
  ],
};

const scatterAdd: IndexingOp = {
  kind: "indexing",
  name: "scatter_add",
  infer([values, indices], attributes) {
    const batch = number(attributes, "batch", 0);
    const size = number(attributes, "size");
    checkIndices("scatter_add", indices!);
    checkBatch("scatter_add", values!, indices!, batch);
    if (number(attributes, "axis", batch) !== batch)
      throw new OpError(
        "`scatter_add` scatters along the axis after the shared ones; permute first",
      );
    const rank = indices!.shape.length;
    if (!sameShape(values!.shape.slice(0, rank), indices!.shape))
      throw new OpError(
        `\`scatter_add\`: values ${showShape(values!.shape)} do not begin with ${showShape(indices!.shape)}`,
      );
    if (!isFloat(values!.dtype))
      throw new OpError(`\`scatter_add\` takes floats, not ${values!.dtype}`);
    return {
      shape: [...values!.shape.slice(0, batch), size, ...values!.shape.slice(rank)],
      dtype: values!.dtype,
    };
  },
  evaluate([values, indices], { inputs: [typeV, typeI], output, attributes }) {
    const batch = number(attributes, "batch", 0);
    const size = number(attributes, "size");
    const outer = elementCount(typeI!.shape.slice(0, batch));
    const count = elementCount(typeI!.shape.slice(batch));
    const inner = elementCount(typeV!.shape.slice(typeI!.shape.length));
    const out = new Float64Array(elementCount(output.shape));
    for (let b = 0; b < outer; b++)
      for (let i = 0; i < count; i++) {
        const place = indices![b * count + i]!;
        if (place < 0 || place >= size) continue;
        const source = (b * count + i) * inner;
        const target = (b * size + place) * inner;
        for (let j = 0; j < inner; j++) out[target + j]! += values![source + j]!;
      }
    return out;
  },
  gradient(g, node, d) {
    const batch = number(node.attributes, "batch", 0);
    return [g.gather(d, node.inputs[1]!, { axis: batch, batch }), undefined];
  },
  samples: [
    indexed([4], [4], 3, { axis: 0, batch: 0, size: 3 }),
    indexed([2, 5, 3], [2, 5], 4, { axis: 1, batch: 1, size: 4 }),
    indexed([3, 2, 2], [3, 2], 33, { axis: 0, batch: 0, size: 33 }),
    indexed([1], [1], 1, { axis: 0, batch: 0, size: 1 }),
  ],
};

export const indexingOps: readonly IndexingOp[] = [gather, scatterAdd];
