// rank and argsort along one axis, stable: equal elements keep their order (PyTorch's stable sort), also descending.
//   rank     place that each element takes when sorted
//   argsort  the element that stands at each place
// Indices only: sorted values and top-k come by gather, so one gradient serves. Both expand into counting,
//   rank(i) = how many j stand before i:  x(j) < x(i), or x(j) = x(i) and j < i
//   argsort(p) = sum over i of i where rank(i) = p
// n^2 comparisons a line and no data-dependent writes: for the few hundred elements of a line that is the fastest
// form on every target, and each is one row kernel.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { checkedAxis } from "./attributes.ts";
import type { Notation } from "./notation.ts";
import type { Sample, StructuredOp, Values } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, rowMajorStrides } from "./shape.ts";

function inferOrder(x: TensorType, attributes: Attributes): TensorType {
  checkedAxis(attributes, x.shape.length);
  if (x.dtype === "bool") throw new OpError("bools have no order");
  return { shape: x.shape, dtype: "i32" };
}

/** Calls `store` with the sorted positions of each line along the axis. */
function sortLines(
  x: Values,
  { shape }: TensorType,
  attributes: Attributes,
  store: (start: number, stride: number, sorted: readonly number[]) => void,
): void {
  const axis = checkedAxis(attributes, shape.length);
  const sign = attributes["descending"] === true ? -1 : 1;
  const extent = shape[axis]!;
  const stride = rowMajorStrides(shape)[axis]!;
  for (let line = 0; line < x.length / extent; line++) {
    const start = Math.floor(line / stride) * stride * extent + (line % stride);
    const sorted = axesOfRank(extent).sort(
      (i, j) => sign * (x[start + i * stride]! - x[start + j * stride]!) || i - j,
    );
    store(start, stride, sorted);
  }
}

/** [..shape, extent]: element i of the axis beside every element j, and both positions. */
function pairs(g: Notation, x: Node, axis: number) {
  const rank = x.shape.length;
  const shape = [...x.shape, x.shape[axis]!];
  const own = axesOfRank(rank);
  return {
    shape,
    self: g.broadcast(x, shape, own),
    // x with its sorted axis last, standing at the appended axis.
    other: g.broadcast(g.permute(x, [...own.filter((each) => each !== axis), axis]), shape, [
      ...own.filter((each) => each !== axis),
      rank,
    ]),
    selfPlace: g.iota(shape, axis),
    otherPlace: g.iota(shape, rank),
  };
}

function samples(): Sample[] {
  const of = (shape: readonly number[], axis: number, descending: boolean): Sample => ({
    inputs: [{ shape, dtype: "f32", integers: [-3, 4] }],
    attributes: { axis, descending },
    differentiable: false,
  });
  return [
    of([7], 0, false),
    of([3, 5], 1, true),
    of([4, 2, 3], 1, false),
    of([2, 33], 1, true),
    of([1], 0, false),
  ];
}

const rank: StructuredOp = {
  kind: "structured",
  name: "rank",
  infer: ([x], attributes) => inferOrder(x!, attributes),
  evaluate([x], { inputs, attributes }) {
    const out = new Float64Array(x!.length);
    sortLines(x!, inputs[0]!, attributes, (start, stride, sorted) =>
      sorted.forEach((element, place) => (out[start + element * stride] = place)),
    );
    return out;
  },
  expand(g, node) {
    const x = node.inputs[0]!;
    const axis = checkedAxis(node.attributes, x.shape.length);
    const { self, other, selfPlace, otherPlace } = pairs(g, x, axis);
    const isBefore =
      node.attributes["descending"] === true ? g.greater(other, self) : g.less(other, self);
    const isEarlierTie = g.and(g.equal(other, self), g.less(otherPlace, selfPlace));
    return g.sum(g.cast(g.or(isBefore, isEarlierTie), "i32"), [x.shape.length]);
  },
  samples: samples(),
};

const argsort: StructuredOp = {
  kind: "structured",
  name: "argsort",
  infer: ([x], attributes) => inferOrder(x!, attributes),
  evaluate([x], { inputs, attributes }) {
    const out = new Float64Array(x!.length);
    sortLines(x!, inputs[0]!, attributes, (start, stride, sorted) =>
      sorted.forEach((element, place) => (out[start + place * stride] = element)),
    );
    return out;
  },
  expand(g, node) {
    const x = node.inputs[0]!;
    const axis = checkedAxis(node.attributes, x.shape.length);
    const ranks = g.add("rank", [x], node.attributes);
    // Here `self` runs over places and `other` over elements.
    const { other, selfPlace, otherPlace, shape } = pairs(g, ranks, axis);
    const here = g.select(g.equal(other, selfPlace), otherPlace, 0);
    return g.sum(here, [shape.length - 1]);
  },
  samples: samples(),
};

export const sortingOps: readonly StructuredOp[] = [rank, argsort];
