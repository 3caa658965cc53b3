// Values worked out by hand, or known from a published implementation: what each op means.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { recognise } from "../../../compiler/graph/recognise.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { digitsSizes, smallVit } from "./small-vit.ts";
import { fixedArrays } from "./fixed-values.ts";

/** The value of a graph without inputs. */
function valueOf(build: (g: Builder) => Node): number[] {
  const g = new Builder();
  const graph = g.finish({ outputs: [{ name: "y", value: build(g) }] });
  return [...interpret(graph, new Map()).outputs.get("y")!];
}

const row = (g: Builder, ...values: number[]) => g.values(values, [values.length]);
/** 1, 2, 3, ... in a shape. */
const counted = (g: Builder, ...shape: number[]) => {
  const count = shape.reduce((a, b) => a * b, 1);
  return g.values(Array.from({ length: count }, (_, i) => i + 1), shape); // prettier-ignore
};

describe("views", () => {
  test("permute turns a matrix over", () => {
    expect(valueOf((g) => g.permute(counted(g, 2, 3), [1, 0]))).toEqual([1, 4, 2, 5, 3, 6]);
  });
  test("slice takes steps, pad fills between and around", () => {
    expect(valueOf((g) => g.slice(counted(g, 7), [1], [3], [2]))).toEqual([2, 4, 6]);
    expect(valueOf((g) => g.pad(counted(g, 2), [1], [2], 9, [1]))).toEqual([9, 1, 9, 2, 9, 9]);
  });
  test("concat, flip, roll", () => {
    expect(valueOf((g) => g.concat([counted(g, 2, 1), counted(g, 2, 2)], 1))).toEqual([
      1, 1, 2, 2, 3, 4,
    ]);
    expect(valueOf((g) => g.flip(counted(g, 2, 2), [1]))).toEqual([2, 1, 4, 3]);
    expect(valueOf((g) => g.roll(counted(g, 5), 0, 2))).toEqual([4, 5, 1, 2, 3]);
  });
  test("broadcast repeats, and an extent of 1 widens", () => {
    expect(valueOf((g) => g.broadcast(counted(g, 2), [2, 2], [0]))).toEqual([1, 1, 2, 2]);
    expect(valueOf((g) => g.broadcast(counted(g, 1, 2), [2, 2]))).toEqual([1, 2, 1, 2]);
    const turned = valueOf((g) => g.broadcast(counted(g, 2, 3), [3, 2, 2], [2, 0]));
    expect(turned).toEqual([1, 4, 1, 4, 2, 5, 2, 5, 3, 6, 3, 6]);
  });
  test("window slides over what stride and border say", () => {
    const windows = valueOf((g) => g.window(counted(g, 4), { axes: [0], kernel: [3], stride: [2], before: [1], after: [1], filler: 0 })); // prettier-ignore
    expect(windows).toEqual([0, 1, 2, 2, 3, 4]);
  });
});

describe("reductions", () => {
  test("sum, max, min along axes", () => {
    expect(valueOf((g) => g.sum(counted(g, 2, 3), [0]))).toEqual([5, 7, 9]);
    expect(valueOf((g) => g.max(counted(g, 2, 3), [1]))).toEqual([3, 6]);
    expect(valueOf((g) => g.min(counted(g, 2, 3), [0, 1]))).toEqual([1]);
  });
  test("argmax is the first best, counted over all reduced axes", () => {
    expect(valueOf((g) => g.argmax(row(g, 1, 3, 3, 2), [0]))).toEqual([1]);
    expect(valueOf((g) => g.argmax(g.values([1, 5, 5, 2], [2, 2]), [0, 1]))).toEqual([1]);
    expect(valueOf((g) => g.argmin(row(g, 4, 1, 1), [0]))).toEqual([1]);
  });
});

describe("contractions", () => {
  test("a product of matrices", () => {
    expect(valueOf((g) => g.matmul(counted(g, 2, 2), counted(g, 2, 2)))).toEqual([7, 10, 15, 22]);
  });
  test("a batched product puts batch first, then the rest of a, then of b", () => {
    const y = valueOf((g) => g.dot(counted(g, 2, 1, 2), counted(g, 2, 2, 2), { batch: [[0], [0]], contract: [[2], [2]] })); // prettier-ignore
    expect(y).toEqual([1 * 1 + 2 * 2, 1 * 3 + 2 * 4, 3 * 5 + 4 * 6, 3 * 7 + 4 * 8]);
  });
  test("a convolution with a border", () => {
    const y = valueOf((g) => g.convolve(counted(g, 1, 4, 1), g.values([1, 2, 3], [3, 1, 1]), { padding: [[1, 1]] })); // prettier-ignore
    expect(y).toEqual([8, 14, 20, 11]);
  });
  test("a strided, dilated, grouped convolution", () => {
    // Two groups of one channel: channel 0 gets weights 1, 1; channel 1 gets 1, -1; two apart.
    const w = (g: Builder) => g.values([1, 1, 1, -1], [2, 1, 2]);
    const y = valueOf((g) =>
      g.convolve(counted(g, 1, 5, 2), w(g), { stride: [2], dilation: [2], groups: 2 }),
    );
    expect(y).toEqual([1 + 5, 2 - 6, 5 + 9, 6 - 10]);
  });
});

describe("indexing", () => {
  test("gather along the second axis, and with a shared first", () => {
    expect(
      valueOf((g) => g.gather(counted(g, 2, 3), g.values([2, 0], [2], "i32"), { axis: 1 })),
    ).toEqual([3, 1, 6, 4]);
    expect(
      valueOf((g) =>
        g.gather(counted(g, 2, 3), g.values([2, 0], [2], "i32"), { axis: 1, batch: 1 }),
      ),
    ).toEqual([3, 4]);
  });
  test("scatter adds equal indices up and leaves out those out of range", () => {
    expect(valueOf((g) => g.scatterAdd(counted(g, 4), g.values([1, 1, 0, 7], [4], "i32"), { batch: 0, size: 3 }))).toEqual([3, 3, 0]); // prettier-ignore
  });
  test("sorting is stable in both directions", () => {
    expect(valueOf((g) => g.argsort(row(g, 2, 1, 2, 0), 0))).toEqual([3, 1, 0, 2]);
    expect(valueOf((g) => g.argsort(row(g, 2, 1, 2, 0), 0, true))).toEqual([0, 2, 1, 3]);
    expect(valueOf((g) => g.rank(row(g, 2, 1, 2, 0), 0))).toEqual([2, 1, 3, 0]);
    expect(valueOf((g) => g.topK(row(g, 2, 5, 3, 5), 0, 2))).toEqual([1, 3]);
  });
  test("one hot", () => {
    expect(valueOf((g) => g.oneHot(g.values([2, 0], [2], "i32"), 3))).toEqual([0, 0, 1, 1, 0, 0]);
  });
});

describe("chance", () => {
  const drawn = (build: (g: Builder, seed: Node, step: Node) => Node, seed = 1, step = 0) =>
    valueOf((g) =>
      build(g, g.constant(seed, { dtype: "u32" }), g.constant(step, { dtype: "u32" })),
    );

  test("uniform numbers are in [0, 1), exact in f32, and spread evenly", () => {
    const values = drawn((g, seed, step) => g.uniform("u", [100000], seed, step));
    expect(values.every((value) => value >= 0 && value < 1 && Math.fround(value) === value)).toBe(
      true,
    );
    expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(0.5, 2);
  });
  test("normal numbers have mean 0 and variance 1", () => {
    const values = drawn((g, seed, step) => g.normal("n", [20000], seed, step));
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(values.reduce((a, b) => a + b * b) / values.length).toBeCloseTo(1, 1);
  });
  test("streams, seeds and steps draw apart", () => {
    const draw = (stream: string, seed: number, step: number) =>
      drawn((g, s, t) => g.randomBits(stream, [2], s, t), seed, step);
    const all = [draw("a", 1, 0), draw("b", 1, 0), draw("a", 2, 0), draw("a", 1, 1)].flat();
    expect(new Set(all).size).toBe(all.length);
    expect(draw("a", 1, 0)).toEqual(draw("a", 1, 0));
  });
});

test("attention of one query: a softmax-weighted mean", () => {
  // Scores 0 and log 3: weights 1/4 and 3/4.
  const y = valueOf((g) => {
    const [q, k] = [row(g, 1, 1), g.values([0, 0, Math.log(3) / 2, Math.log(3) / 2], [2, 2])];
    return g.attention(g.reshape(q, [1, 2]), k, g.values([4, 8], [2, 1]), 1);
  });
  expect(y[0]).toBeCloseTo(0.25 * 4 + 0.75 * 8, 14);
});

test("casts to 16 bits round as storing does", () => {
  expect(valueOf((g) => g.cast(g.cast(row(g, 0.1), "f16"), "f32"))).toEqual([0.0999755859375]);
});

test("a missing or misshapen value is named", () => {
  const g = new Builder();
  const x = g.input("image", { shape: [2], dtype: "f32" });
  const graph = g.finish({ outputs: [{ name: "y", value: g.exp(x) }] });
  expect(() => interpret(graph, new Map())).toThrow("no value was given for input `image`");
  expect(() => interpret(graph, new Map([["image", new Float64Array(3)]]))).toThrow("f32[2]");
});

test("a training step's loss and gradients of a ViT for digits take at most 5 s", () => {
  const g = new Builder();
  const { loss } = smallVit(g, digitsSizes);
  const { graph } = recognise(simplify(g.finish({ outputs: [{ name: "loss", value: loss }] })));
  const training = new Builder();
  const out = training.import(graph).get(graph.outputs[0]!.value)!;
  const parameters = graph.parameters.map((parameter) => training.parameter(parameter));
  const gradients = differentiate(training, out, parameters);
  const updates = graph.parameters.map(({ path }, place) => ({ path, value: gradients[place]! }));
  const step = simplify(training.finish({ outputs: [{ name: "loss", value: out }], updates }), { isDifferentiated: true }); // prettier-ignore
  const image = new Float64Array(64 * 784).map((_, i) => Math.sin(i) ** 2);
  const label = new Float64Array(64).map((_, i) => i % 10);
  // of this process, so that what else runs on the machine does not count
  const before = process.cpuUsage();
  const result = interpret(step, new Map([["image", image], ["label", label]]), fixedArrays(graph, 0.04)); // prettier-ignore
  expect(process.cpuUsage(before).user).toBeLessThan(5e6);
  // Small weights: hardly better than guessing.
  expect(Math.abs(result.outputs.get("loss")![0]! - Math.log(10))).toBeLessThan(0.1);
  expect(result.updates.size).toBe(graph.parameters.length);
});
