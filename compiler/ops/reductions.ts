// The reductions: sum, max, min (gradients below) and argmax, argmin (i32 positions, no gradient).
// `axes` leave the shape. Positions count row-major over the reduced axes; the first best wins.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { checkedAxes, numbers, text } from "./attributes.ts";
import { isFloat } from "./elementwise.ts";
import type { Notation } from "./notation.ts";
import type { EvaluatedNode, ReductionOp, Sample, Values } from "./op.ts";
import { OpError } from "./op.ts";
import { elementCount, otherAxes, pick, rowMajorStrides, withoutAxes } from "./shape.ts";
import { stridedCopy } from "./strided-copy.ts";

type Reducer = ReductionOp["reducer"];

function inferReduction(name: Reducer, x: TensorType, attributes: Attributes): TensorType {
  const axes = checkedAxes(numbers(attributes, "axes"), x.shape.length);
  if (x.dtype === "bool") throw new OpError(`\`${name}\` takes numbers, not bool`);
  const isPosition = name === "argmax" || name === "argmin";
  return { shape: withoutAxes(x.shape, axes), dtype: isPosition ? "i32" : x.dtype };
}

/** Lines of `length` reduced elements each, one line for each output element, in order. */
function asLines(
  x: Values,
  { inputs, attributes }: EvaluatedNode,
): { readonly lines: Values; readonly length: number } {
  const shape = inputs[0]!.shape;
  const axes = numbers(attributes, "axes").toSorted((a, b) => a - b);
  const order = [...otherAxes(shape.length, axes), ...axes];
  const length = elementCount(pick(shape, axes));
  if (order.every((axis, place) => axis === place)) return { lines: x, length };
  const moved = pick(shape, order);
  const lines = new Float64Array(x.length);
  stridedCopy(
    moved,
    { values: x, offset: 0, strides: pick(rowMajorStrides(shape), order) },
    { values: lines, offset: 0, strides: rowMajorStrides(moved) },
  );
  return { lines, length };
}

type LineReducer = (lines: Values, start: number, end: number) => number;

const lineReducers: { readonly [R in Reducer]: LineReducer } = {
  sum(lines, start, end) {
    let sum = 0;
    for (let i = start; i < end; i++) sum += lines[i]!;
    return sum;
  },
  max(lines, start, end) {
    let best = lines[start]!;
    for (let i = start + 1; i < end; i++) best = Math.max(best, lines[i]!);
    return best;
  },
  min(lines, start, end) {
    let best = lines[start]!;
    for (let i = start + 1; i < end; i++) best = Math.min(best, lines[i]!);
    return best;
  },
  argmax(lines, start, end) {
    let best = start;
    for (let i = start + 1; i < end; i++) if (lines[i]! > lines[best]!) best = i;
    return best - start;
  },
  argmin(lines, start, end) {
    let best = start;
    for (let i = start + 1; i < end; i++) if (lines[i]! < lines[best]!) best = i;
    return best - start;
  },
};

function wrapSum(value: number, { output }: EvaluatedNode): number {
  if (output.dtype === "i32") return value | 0;
  return output.dtype === "u32" ? value >>> 0 : value;
}

const sampleAxes: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[5], [0]],
  [[3, 4], [1]],
  [[3, 4], [0]],
  [
    [2, 3, 33],
    [0, 2],
  ],
  [[2, 65], [1]],
  [[1, 1], [1]],
];

function samplesOf(attributes: Attributes, differentiable: boolean): Sample[] {
  return sampleAxes.map(([shape, axes]) => ({
    inputs: [{ shape, dtype: "f32", range: [-2, 2], distinct: true }],
    attributes: { ...attributes, axes },
    differentiable,
  }));
}

type Gradient = NonNullable<ReductionOp["gradient"]>;

function reduction(reducer: Reducer, gradient?: Gradient, ties?: "even" | "first"): ReductionOp {
  return {
    kind: "reduction",
    name: reducer,
    reducer,
    infer: ([x], attributes) => inferReduction(reducer, x!, attributes),
    evaluate([x], node) {
      const { lines, length } = asLines(x!, node);
      const reduce = lineReducers[reducer];
      const out = new Float64Array(elementCount(node.output.shape));
      for (let line = 0; line < out.length; line++)
        out[line] = reduce(lines, line * length, (line + 1) * length);
      return reducer === "sum" && !isFloat(node.output.dtype)
        ? out.map((value) => wrapSum(value, node))
        : out;
    },
    ...(gradient && { gradient }),
    samples: [
      ...samplesOf(ties === undefined ? {} : { ties }, gradient !== undefined),
      ...(ties === undefined ? [] : samplesOf({ ties: "first" }, true)),
    ],
  };
}

/** Every element of the sum gets dOutput. */
const sumGradient: Gradient = (g, node, d) => {
  const x = node.inputs[0]!;
  return [g.spread(d, x.shape, numbers(node.attributes, "axes"))];
};

/**
 * The elements that are the maximum (minimum) get dOutput. Ties: `even` (PyTorch's amax) shares it equally,
 * `first` (PyTorch's max pooling) gives it to the first alone.
 */
function extremeGradient(position: "argmax" | "argmin"): Gradient {
  return (g, node, d) => {
    const isFirst = text(node.attributes, "ties", "even") === "first";
    return [isFirst ? toFirst(g, node, d, position) : toAll(g, node, d)];
  };
}

function toAll(g: Notation, node: Node, d: Node): Node {
  const x = node.inputs[0]!;
  const axes = numbers(node.attributes, "axes");
  const isBest = g.equal(x, g.spread(node, x.shape, axes));
  const count = g.sum(g.cast(isBest, x.dtype), axes);
  return g.select(isBest, g.spread(g.divide(d, count), x.shape, axes), 0);
}

function toFirst(g: Notation, node: Node, d: Node, position: "argmax" | "argmin"): Node {
  const x = node.inputs[0]!;
  const axes = numbers(node.attributes, "axes").toSorted((a, b) => a - b);
  const first = g.add(position, [x], { axes });
  // Row-major place of each element among the reduced axes.
  const strides = rowMajorStrides(pick(x.shape, axes));
  const places = axes
    .map((axis, i) => g.multiply(g.iota(x.shape, axis), strides[i]!))
    .reduce((sum, place) => g.plus(sum, place));
  return g.select(g.equal(places, g.spread(first, x.shape, axes)), g.spread(d, x.shape, axes), 0);
}

export const reductions: readonly ReductionOp[] = [
  reduction("sum", sumGradient),
  reduction("max", extremeGradient("argmax"), "even"),
  reduction("min", extremeGradient("argmin"), "even"),
  reduction("argmax"),
  reduction("argmin"),
];
