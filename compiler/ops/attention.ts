// Attention as one op: softmax(scale * q k^T) v, with q [.., queries, c], k [.., keys, c], v [.., keys, d] and equal
// leading axes (batch, heads). `recognise` puts it in place of the composition before differentiation; its gradient
// recomputes the weights from the saved row statistics (Dao et al., "FlashAttention", 2022), so no score is stored.
//   attention                 q, k, v                            -> [.., queries, d]
//   attention_statistics      q, k                               -> [.., queries], log sum exp of each row of scores
//   attention_gradient_q|k|v  q, k, v, out, statistics, dOut     -> like q, k, v
// Of halves all is computed in f32, and the statistics are f32.
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { number } from "./attributes.ts";
import type { AttentionExtents } from "./attention-rows.ts";
import { attentionBackward, attentionForward, attentionStatistics } from "./attention-rows.ts";
import { isFloat } from "./elementwise.ts";
import { computedType } from "./half.ts";
import type { Notation } from "./notation.ts";
import type { Cost, Sample, StructuredOp } from "./op.ts";
import { OpError } from "./op.ts";
import { axesOfRank, elementCount, sameShape, showShape } from "./shape.ts";
import { real, sample } from "./view-samples.ts";

function checkOperands(q: TensorType, k: TensorType, v: TensorType): void {
  const rank = q.shape.length;
  const leading = q.shape.slice(0, -2);
  const fits = [k, v].every(
    (each) => each.shape.length === rank && sameShape(each.shape.slice(0, -2), leading),
  );
  const meets = q.shape.at(-1) === k.shape.at(-1) && k.shape.at(-2) === v.shape.at(-2);
  if (rank < 2 || !fits || !meets)
    throw new OpError(
      `attention of q ${showShape(q.shape)}, k ${showShape(k.shape)}, v ${showShape(v.shape)}: they do not fit`,
    );
  if (![q, k, v].every((each) => isFloat(each.dtype) && each.dtype === q.dtype))
    throw new OpError("attention needs q, k and v of one float type");
}

function extentsOf(q: TensorType, k: TensorType, v: TensorType = k): AttentionExtents {
  return {
    outer: elementCount(q.shape.slice(0, -2)),
    queries: q.shape.at(-2)!,
    keys: k.shape.at(-2)!,
    channels: q.shape.at(-1)!,
    valueChannels: v.shape.at(-1)!,
  };
}

/** `products` counts matrix products of queries by keys: by channels and by value channels. */
function costOf(inputs: readonly TensorType[], byChannels: number, byValueChannels: number): Cost {
  const { outer, queries, keys, channels, valueChannels } = extentsOf(
    inputs[0]!,
    inputs[1]!,
    inputs[2],
  );
  const macs = outer * queries * keys * (byChannels * channels + byValueChannels * valueChannels);
  return { macs, flops: 2 * macs + 5 * outer * queries * keys };
}

/** Products of all but the last two axes, batched: a[.., m, k] or its transpose with b. */
function product(g: Notation, a: Node, contractA: number, b: Node, contractB: number): Node {
  const leading = axesOfRank(a.shape.length - 2);
  return g.dot(a, b, { batch: [leading, leading], contract: [[contractA], [contractB]] });
}

function scoresOf(g: Notation, q: Node, k: Node, attributes: Attributes): Node {
  const last = q.shape.length - 1;
  return g.multiply(product(g, q, last, k, last), number(attributes, "scale"));
}

const attention: StructuredOp = {
  kind: "structured",
  name: "attention",
  infer([q, k, v], attributes) {
    checkOperands(q!, k!, v!);
    number(attributes, "scale");
    return { shape: [...q!.shape.slice(0, -1), v!.shape.at(-1)!], dtype: q!.dtype };
  },
  evaluate: ([q, k, v], { inputs, attributes }) =>
    attentionForward(
      q!,
      k!,
      v!,
      number(attributes, "scale"),
      extentsOf(inputs[0]!, inputs[1]!, inputs[2]),
    ),
  expand(g, node) {
    const [q, k, v] = node.inputs;
    const last = q!.shape.length - 1;
    const weights = g.softmax(scoresOf(g, q!, k!, node.attributes), last);
    return product(g, weights, last, v!, last - 1);
  },
  gradient(g, node, d, wanted) {
    const [q, k, v] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
    const statistics = g.add("attention_statistics", [q, k], node.attributes);
    const by = (which: "q" | "k" | "v") =>
      g.add(`attention_gradient_${which}`, [q, k, v, node, statistics, d], node.attributes);
    return [
      wanted[0] ? by("q") : undefined,
      wanted[1] ? by("k") : undefined,
      wanted[2] ? by("v") : undefined,
    ];
  },
  cost: (inputs) => costOf(inputs, 1, 1),
  samples: [
    sample([[3, 4], [5, 4], [5, 2]], { scale: 0.5 }),
    sample([[2, 1, 3, 2], [2, 1, 3, 2], [2, 1, 3, 2]], { scale: 0.7 }),
    sample([[2, 3, 5], [2, 33, 5], [2, 33, 1]], { scale: 0.3 }),
    sample([[1, 1], [1, 1], [1, 1]], { scale: 1 }),
  ], // prettier-ignore
};

const statistics: StructuredOp = {
  kind: "structured",
  name: "attention_statistics",
  infer([q, k], attributes) {
    checkOperands(q!, k!, k!);
    number(attributes, "scale");
    return { shape: q!.shape.slice(0, -1), dtype: computedType(q!.dtype) };
  },
  evaluate: ([q, k], { inputs, attributes }) =>
    attentionStatistics(q!, k!, number(attributes, "scale"), extentsOf(inputs[0]!, inputs[1]!)),
  expand(g, node) {
    const last = node.inputs[0]!.shape.length - 1;
    const scores = scoresOf(g, node.inputs[0]!, node.inputs[1]!, node.attributes);
    const largest = g.stop(g.max(scores, [last]));
    const weights = g.exp(g.subtract(scores, g.spread(largest, scores.shape, [last])));
    return g.plus(largest, g.log(g.sum(weights, [last])));
  },
  // The scores are counted where the output is made, by the same kernel.
  cost: (inputs) => costOf(inputs, 0, 0),
  samples: [
    sample([[3, 4], [5, 4]], { scale: 0.5 }),
    sample([[2, 1, 3], [2, 33, 3]], { scale: 0.7 }),
  ], // prettier-ignore
};

/** q, k, v, out, statistics, dOut of these extents. The gradient ops are only called with what attention gave. */
function gradientSample(
  leading: readonly number[],
  queries: number,
  keys: number,
  channels: number,
  values: number,
): Sample {
  const shapes = [
    [...leading, queries, channels],
    [...leading, keys, channels],
    [...leading, keys, values],
    [...leading, queries, values],
    [...leading, queries],
    [...leading, queries, values],
  ];
  return { inputs: shapes.map(real), attributes: { scale: 0.5 } };
}

function gradientBy(by: "q" | "k" | "v", place: 0 | 1 | 2): StructuredOp {
  return {
    kind: "structured",
    name: `attention_gradient_${by}`,
    infer(inputs, attributes) {
      const [q, k, v, out, stats, dOut] = inputs;
      checkOperands(q!, k!, v!);
      number(attributes, "scale");
      const shape = [...q!.shape.slice(0, -1), v!.shape.at(-1)!];
      if (
        !sameShape(out!.shape, shape) ||
        !sameShape(dOut!.shape, shape) ||
        !sameShape(stats!.shape, q!.shape.slice(0, -1))
      )
        throw new OpError(
          `the gradient of attention needs an output ${showShape(shape)} and a statistic for each row`,
        );
      return { shape: inputs[place]!.shape, dtype: q!.dtype };
    },
    evaluate: ([q, k, v, out, stats, dOut], { inputs, attributes }) =>
      attentionBackward(
        by,
        { q: q!, k: k!, v: v!, out: out!, statistics: stats!, dOut: dOut! },
        number(attributes, "scale"),
        extentsOf(inputs[0]!, inputs[1]!, inputs[2]),
      ),
    expand: (g, node) => expandGradient(g, node, by),
    // Its share of the kernel that makes all three: five products, the scores and their gradient once for all.
    cost: (inputs) => costOf(inputs, 1, by === "k" ? 0 : 1),
    samples: [
      gradientSample([], 3, 5, 4, 2),
      gradientSample([2, 1], 3, 3, 2, 2),
      gradientSample([1], 2, 33, 1, 3),
    ],
  };
}

function expandGradient(g: Notation, node: Node, by: "q" | "k" | "v"): Node {
  const [q, k, v, out, stats, dOut] = node.inputs;
  const last = q!.shape.length - 1;
  const scores = scoresOf(g, q!, k!, node.attributes);
  const weights = g.exp(g.subtract(scores, g.spread(stats!, scores.shape, [last])));
  if (by === "v") return product(g, weights, last - 1, dOut!, last - 1);
  const delta = g.sum(g.multiply(dOut!, out!), [last]);
  const dWeights = product(g, dOut!, last, v!, last);
  const dScores = g.multiply(
    weights,
    g.subtract(dWeights, g.spread(delta, dWeights.shape, [last])),
  );
  const scaled = g.multiply(dScores, number(node.attributes, "scale"));
  return by === "q"
    ? product(g, scaled, last, k!, last - 1)
    : product(g, scaled, last - 1, q!, last - 1);
}

export const attentionOps: readonly StructuredOp[] = [
  attention,
  statistics,
  gradientBy("q", 0),
  gradientBy("k", 1),
  gradientBy("v", 2),
];
