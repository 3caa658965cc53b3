import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node, TensorGraph } from "../../../compiler/graph/graph.ts";
import { recognise } from "../../../compiler/graph/recognise.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { expectSameMeaning } from "./same-meaning.ts";

/** Builds a graph with one output, simplifies it and looks for attention. */
function recognised(build: (g: Builder) => Node) {
  const g = new Builder();
  const graph = simplify(g.finish({ outputs: [{ name: "y", value: build(g) }] }));
  const result = recognise(graph);
  verify(result.graph);
  expectSameMeaning(result.graph, graph);
  return { ...result, original: graph };
}

function input(g: Builder, name: string, ...shape: number[]): Node {
  return g.input(name, { shape, dtype: "f32" });
}

function opsOf(graph: TensorGraph): string[] {
  return graph.nodes.map((node) => node.op);
}

/** As specs/std writes it: packed q, k, v from one product, scores divided by sqrt(c), heads merged at the end. */
function selfAttention(
  g: Builder,
  batch: number,
  tokens: number,
  heads: number,
  c: number,
  middle = (w: Node) => w,
): Node {
  const packed = input(g, "qkv", batch, tokens, 3 * heads * c);
  const split = g.permute(g.reshape(packed, [batch, tokens, 3, heads, c]), [2, 0, 3, 1, 4]);
  const [q, k, v] = [0, 1, 2].map((which) =>
    g.reshape(g.sliceAxis(split, 0, which, 1), [batch, heads, tokens, c]),
  ) as [Node, Node, Node];
  const scores = g.divide(g.dot(q, k, { batch: [[0, 1], [0, 1]], contract: [[3], [3]] }), Math.sqrt(c)); // prettier-ignore
  const weights = middle(g.softmax(scores, 3));
  const out = g.dot(weights, v, { batch: [[0, 1], [0, 1]], contract: [[3], [2]] }); // prettier-ignore
  return g.reshape(g.permute(out, [0, 2, 1, 3]), [batch, tokens, heads * c]);
}

describe("attention is found", () => {
  test.each([
    [2, 5, 3, 4],
    [1, 5, 3, 4],
    [2, 5, 1, 4],
    [1, 7, 1, 4],
    [1, 7, 2, 1],
  ])(
    "as self-attention of batch %i, tokens %i, heads %i, channels %i",
    (batch, tokens, heads, c) => {
      const { graph, found, nearMisses } = recognised((g) =>
        selfAttention(g, batch, tokens, heads, c),
      );
      expect(found.length).toBe(1);
      expect(found[0]!.scale).toBeCloseTo(1 / Math.sqrt(c), 15);
      expect(nearMisses).toEqual([]);
      expect(opsOf(graph)).toContain("attention");
      expect(opsOf(graph)).not.toContain("exp");
      expect(opsOf(graph)).not.toContain("dot");
    },
  );

  test("as cross-attention without batch, other value channels, no scale", () => {
    const { found } = recognised((g) => {
      const weights = g.softmax(g.matmul(input(g, "q", 3, 4), input(g, "kT", 4, 5)), 1);
      return g.matmul(weights, input(g, "v", 5, 2));
    });
    expect(found).toMatchObject([{ scale: 1, shapes: [[3, 4], [5, 4], [5, 2]] }]); // prettier-ignore
  });

  test("with the values first and the scores permuted between softmax and product", () => {
    const { found } = recognised((g) => {
      const [q, k, v] = [input(g, "q", 2, 3, 4), input(g, "k", 2, 5, 4), input(g, "v", 2, 5, 6)];
      const scores = g.dot(k, q, { batch: [[0], [0]], contract: [[2], [2]] });
      const weights = g.permute(g.softmax(g.multiply(scores, 0.3), 1), [2, 0, 1]);
      return g.dot(v, weights, { batch: [[0], [1]], contract: [[1], [2]] });
    });
    expect(found).toMatchObject([{ scale: 0.3 }]);
  });

  test("with queries on a grid and the scale on the queries", () => {
    const { found } = recognised((g) => {
      const [q, k, v] = [input(g, "q", 2, 3, 2, 4), input(g, "k", 2, 5, 4), input(g, "v", 2, 5, 4)];
      const scores = g.dot(g.multiply(q, 0.5), k, { batch: [[0], [0]], contract: [[3], [2]] });
      return g.dot(g.softmax(scores, 3), v, { batch: [[0], [0]], contract: [[3], [1]] });
    });
    expect(found).toMatchObject([{ scale: 0.5, shapes: [[2, 6, 4], [2, 5, 4], [2, 5, 4]] }]); // prettier-ignore
  });

  test("with the sum's reciprocal and without a maximum", () => {
    const { found } = recognised((g) => {
      const scores = g.matmul(input(g, "q", 3, 4), input(g, "kT", 4, 5));
      const weights = g.exp(g.multiply(scores, 0.1));
      const inverse = g.reciprocal(g.sum(weights, [1]));
      return g.matmul(g.multiply(weights, g.spread(inverse, weights.shape, [1])), input(g, "v", 5, 2)); // prettier-ignore
    });
    expect(found.length).toBe(1);
  });
});

describe("a near miss has a reason", () => {
  test("dropout on the weights", () => {
    const { nearMisses, found } = recognised((g) =>
      selfAttention(g, 2, 5, 3, 4, (weights) => g.multiply(weights, input(g, "mask", 2, 3, 5, 5))),
    );
    expect(found).toEqual([]);
    expect(nearMisses.map((miss) => miss.reason)).toEqual([
      "`multiply` stands between the softmax and the product with the values",
    ]);
  });

  test("a bias on the scores", () => {
    const { nearMisses } = recognised((g) => {
      const scores = g.matmul(input(g, "q", 3, 4), input(g, "kT", 4, 5));
      const weights = g.softmax(g.plus(scores, input(g, "bias", 3, 5)), 1);
      return g.matmul(weights, input(g, "v", 5, 2));
    });
    expect(nearMisses.map((miss) => miss.reason)).toEqual([
      "`add` stands between the product of queries and keys and the softmax",
    ]);
  });

  test("weights that are shown too", () => {
    const g = new Builder();
    const weights = g.softmax(g.matmul(input(g, "q", 3, 4), input(g, "kT", 4, 5)), 1);
    const y = g.matmul(weights, input(g, "v", 5, 2));
    const graph = g.finish({ outputs: [{ name: "y", value: y }, { name: "w", value: weights }] }); // prettier-ignore
    const { nearMisses, found } = recognise(simplify(graph));
    expect(found).toEqual([]);
    expect(nearMisses.map((miss) => miss.reason)).toEqual([
      "the weights or scores are used elsewhere",
    ]);
  });

  test("a softmax along the queries", () => {
    const { nearMisses } = recognised((g) => {
      const weights = g.softmax(g.matmul(input(g, "q", 3, 4), input(g, "kT", 4, 5)), 0);
      return g.matmul(weights, input(g, "v", 5, 2));
    });
    expect(nearMisses.map((miss) => miss.reason)).toEqual([
      "the product sums over other axes than the softmax runs along",
    ]);
  });
});

test("a plain product is no near miss, nor is pooling with a learned softmax", () => {
  const { nearMisses, found } = recognised((g) => {
    const pooled = g.matmul(g.softmax(input(g, "logits", 1, 5), 1), input(g, "x", 5, 4));
    return g.matmul(pooled, input(g, "w", 4, 3));
  });
  expect([found, nearMisses]).toEqual([[], []]);
});

test("gradients through what was found equal those of the composition", () => {
  const gradientOf = (change: (graph: TensorGraph) => TensorGraph) => {
    const g = new Builder();
    const y = selfAttention(g, 2, 5, 3, 4);
    const forward = change(simplify(g.finish({ outputs: [{ name: "y", value: y }] })));
    const training = new Builder();
    const copies = training.import(forward);
    const out = copies.get(forward.outputs[0]!.value)!;
    const packed = training.input("qkv", forward.inputs[0]!);
    const loss = training.sum(training.multiply(out, out));
    const [dPacked] = differentiate(training, loss, [packed]);
    return simplify(training.finish({ outputs: [{ name: "d", value: dPacked! }] }), { isDifferentiated: true }); // prettier-ignore
  };
  const [found, plain] = [
    gradientOf((graph) => recognise(graph).graph),
    gradientOf((graph) => graph),
  ];
  expect(opsOf(found)).toContain("attention_gradient_q");
  expect(opsOf(found)).not.toContain("exp");
  // The gradients of q, k and v go into place side by side instead of being padded and added.
  expect(opsOf(found)).toContain("concat");
  expect(opsOf(found)).not.toContain("pad");
  expectSameMeaning(found, plain);
});
