// The general contraction, as XLA's dot_general: sum over `contract` axes of a * b, once for each `batch` index.
// Output axes: batch, then the rest of a, then the rest of b, each in order.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { checkedAxes, numberLists } from "./attributes.ts";
import { isFloat } from "./elementwise.ts";
import type { Notation } from "./notation.ts";
import type { ContractionOp, Values } from "./op.ts";
import { OpError } from "./op.ts";
import {
  axesOfRank,
  elementCount,
  inverseOrder,
  otherAxes,
  pick,
  rowMajorStrides,
  sameShape,
  showShape,
} from "./shape.ts";
import { stridedCopy } from "./strided-copy.ts";
import { sample } from "./view-samples.ts";

/** The axes of both operands by role; `free` are the rest, in order. */
export interface DotAxes {
  readonly batchA: readonly number[];
  readonly batchB: readonly number[];
  readonly contractA: readonly number[];
  readonly contractB: readonly number[];
  readonly freeA: readonly number[];
  readonly freeB: readonly number[];
}

export function dotAxes(a: TensorType, b: TensorType, attributes: Attributes): DotAxes {
  const [batchA, batchB] = numberLists(attributes, "batch", 2, [[], []]);
  const [contractA, contractB] = numberLists(attributes, "contract", 2);
  checkedAxes([...batchA!, ...contractA!], a.shape.length, "batch and contract");
  checkedAxes([...batchB!, ...contractB!], b.shape.length, "batch and contract");
  return {
    batchA: batchA!,
    batchB: batchB!,
    contractA: contractA!,
    contractB: contractB!,
    freeA: otherAxes(a.shape.length, [...batchA!, ...contractA!]),
    freeB: otherAxes(b.shape.length, [...batchB!, ...contractB!]),
  };
}

/** Copies `x` so that its axes stand in `order`, contiguous; the same array where they already do. */
function inOrder(x: Values, shape: readonly number[], order: readonly number[]): Values {
  if (order.every((axis, place) => axis === place)) return x;
  const moved = pick(shape, order);
  const out = new Float64Array(x.length);
  stridedCopy(
    moved,
    { values: x, offset: 0, strides: pick(rowMajorStrides(shape), order) },
    { values: out, offset: 0, strides: rowMajorStrides(moved) },
  );
  return out;
}

/**
 * out[m, n] = sum over k of a[m, k] * b[n, k] for one batch index, from the given offsets.
 * Blocks of 4 by 4 sums stay in registers; each sum runs over k in order.
 */
function multiplyInto(
  out: Values,
  outStart: number,
  a: Values,
  aStart: number,
  b: Values,
  bStart: number,
  M: number,
  N: number,
  K: number,
): void {
  const wholeM = M - (M % 4);
  const wholeN = N - (N % 4);
  for (let m = 0; m < wholeM; m += 4) {
    const a0 = aStart + m * K;
    const a1 = a0 + K;
    const a2 = a1 + K;
    const a3 = a2 + K;
    for (let n = 0; n < wholeN; n += 4) {
      const b0 = bStart + n * K;
      const b1 = b0 + K;
      const b2 = b1 + K;
      const b3 = b2 + K;
      let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0; // prettier-ignore
      let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0; // prettier-ignore
      for (let k = 0; k < K; k++) {
        const x0 = a[a0 + k]!, x1 = a[a1 + k]!, x2 = a[a2 + k]!, x3 = a[a3 + k]!; // prettier-ignore
        const y0 = b[b0 + k]!, y1 = b[b1 + k]!, y2 = b[b2 + k]!, y3 = b[b3 + k]!; // prettier-ignore
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3; // prettier-ignore
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3; // prettier-ignore
        s20 += x2 * y0;
        s21 += x2 * y1;
        s22 += x2 * y2;
        s23 += x2 * y3; // prettier-ignore
        s30 += x3 * y0;
        s31 += x3 * y1;
        s32 += x3 * y2;
        s33 += x3 * y3; // prettier-ignore
      }
      let o = outStart + m * N + n;
      out[o] = s00;
      out[o + 1] = s01;
      out[o + 2] = s02;
      out[o + 3] = s03; // prettier-ignore
      o += N;
      out[o] = s10;
      out[o + 1] = s11;
      out[o + 2] = s12;
      out[o + 3] = s13; // prettier-ignore
      o += N;
      out[o] = s20;
      out[o + 1] = s21;
      out[o + 2] = s22;
      out[o + 3] = s23; // prettier-ignore
      o += N;
      out[o] = s30;
      out[o + 1] = s31;
      out[o + 2] = s32;
      out[o + 3] = s33; // prettier-ignore
    }
  }
  for (let m = 0; m < M; m++)
    for (let n = m < wholeM ? wholeN : 0; n < N; n++) {
      let sum = 0;
      for (let k = 0, i = aStart + m * K, j = bStart + n * K; k < K; k++)
        sum += a[i + k]! * b[j + k]!;
      out[outStart + m * N + n] = sum;
    }
}

/** a [batch, m, k] and b [batch, n, k], both contiguous. */
export function multiplyBatches(
  a: Values,
  b: Values,
  extents: { readonly batch: number; readonly m: number; readonly n: number; readonly k: number },
): Values {
  const { batch, m, n, k } = extents;
  const out = new Float64Array(batch * m * n);
  for (let i = 0; i < batch; i++) multiplyInto(out, i * m * n, a, i * m * k, b, i * n * k, m, n, k);
  return out;
}

/**
 * Gradient by a: dOutput contracted with b over b's free axes; by b: a contracted with dOutput over a's free axes.
 * In this order a product of matrices needs no permute: dA = dY B^T is [m, k], dB = A^T dY is [k, n].
 */
function operandGradient(g: Notation, node: Node, d: Node, which: 0 | 1): Node {
  const axes = dotAxes(node.inputs[0]!, node.inputs[1]!, node.attributes);
  const lead = axesOfRank(axes.batchA.length);
  const places = (count: number, from: number) => axesOfRank(count).map((place) => from + place);
  if (which === 0) {
    const freeB = places(axes.freeB.length, lead.length + axes.freeA.length);
    const settings = { batch: [lead, axes.batchB], contract: [freeB, axes.freeB] } as const;
    // Axes are now: batch, free, then the contracted ones in their order in b.
    const contracted = inOrderOf(axes.contractB, axes.contractA);
    return intoPlace(g, g.dot(d, node.inputs[1]!, settings), [
      ...axes.batchA,
      ...axes.freeA,
      ...contracted,
    ]);
  }
  const freeA = places(axes.freeA.length, lead.length);
  const settings = { batch: [axes.batchA, lead], contract: [axes.freeA, freeA] } as const;
  const contracted = inOrderOf(axes.contractA, axes.contractB);
  return intoPlace(g, g.dot(node.inputs[0]!, d, settings), [
    ...axes.batchB,
    ...contracted,
    ...axes.freeB,
  ]);
}

/** The partners of `axes`, in the order in which `axes` rise. */
function inOrderOf(axes: readonly number[], partners: readonly number[]): number[] {
  return axes.toSorted((x, y) => x - y).map((axis) => partners[axes.indexOf(axis)]!);
}

/** Moves axis i of x to place standing[i]. */
function intoPlace(g: Notation, x: Node, standing: readonly number[]): Node {
  return g.permute(x, inverseOrder(standing));
}

export const dot: ContractionOp = {
  kind: "contraction",
  name: "dot",
  infer([a, b], attributes) {
    const axes = dotAxes(a!, b!, attributes);
    if (a!.dtype !== b!.dtype || !isFloat(a!.dtype))
      throw new OpError(`\`dot\` needs one float type, but has ${a!.dtype} and ${b!.dtype}`);
    const meets = (ours: readonly number[], theirs: readonly number[]) =>
      sameShape(pick(a!.shape, ours), pick(b!.shape, theirs));
    if (!meets(axes.contractA, axes.contractB) || !meets(axes.batchA, axes.batchB))
      throw new OpError(
        `\`dot\` of ${showShape(a!.shape)} and ${showShape(b!.shape)}: axes ${showShape(axes.contractA)} and ${showShape(axes.contractB)} (batch ${showShape(axes.batchA)} and ${showShape(axes.batchB)}) do not match`, // prettier-ignore
      );
    const shape = [
      ...pick(a!.shape, [...axes.batchA, ...axes.freeA]),
      ...pick(b!.shape, axes.freeB),
    ];
    return { shape, dtype: a!.dtype };
  },
  evaluate([a, b], { inputs: [typeA, typeB], attributes }) {
    const axes = dotAxes(typeA!, typeB!, attributes);
    const extent = (type: TensorType, of: readonly number[]) => elementCount(pick(type.shape, of));
    return multiplyBatches(
      inOrder(a!, typeA!.shape, [...axes.batchA, ...axes.freeA, ...axes.contractA]),
      inOrder(b!, typeB!.shape, [...axes.batchB, ...axes.freeB, ...axes.contractB]),
      {
        batch: extent(typeA!, axes.batchA),
        m: extent(typeA!, axes.freeA),
        n: extent(typeB!, axes.freeB),
        k: extent(typeA!, axes.contractA),
      },
    );
  },
  gradient: (g, node, d, wanted) => [
    wanted[0] ? operandGradient(g, node, d, 0) : undefined,
    wanted[1] ? operandGradient(g, node, d, 1) : undefined,
  ],
  cost([a], output, attributes) {
    const [contractA] = numberLists(attributes, "contract", 2);
    const macs = elementCount(output.shape) * elementCount(pick(a!.shape, contractA!));
    return { macs, flops: 2 * macs };
  },
  samples: [
    sample([[3, 4], [4, 5]], { batch: [[], []], contract: [[1], [0]] }),
    sample([[2, 3, 7], [2, 5, 7]], { batch: [[0], [0]], contract: [[2], [2]] }),
    sample([[4, 2, 3], [3, 5, 4, 2]], { batch: [[1], [3]], contract: [[2, 0], [0, 2]] }),
    sample([[33, 2], [2, 3]], { batch: [[], []], contract: [[1], [0]] }),
    sample([[2, 65], [65]], { batch: [[], []], contract: [[1], [0]] }),
    sample([[3], [4]], { batch: [[], []], contract: [[], []] }),
    sample([[1, 1], [1, 1]], { batch: [[], []], contract: [[0], [1]] }),
  ], // prettier-ignore
};
