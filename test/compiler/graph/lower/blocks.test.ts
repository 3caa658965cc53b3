// The standard blocks compute what their papers say: each is held against a few lines of plain arithmetic.
import { describe, expect, test } from "vitest";
import { interpreted, lowered, run, someNumbers } from "./lower-text.ts";

const close = (found: Float64Array | undefined, wanted: readonly number[]) => {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((value, i) => expect(found![i]).toBeCloseTo(value, 9));
};

/** rows x cols numbers as rows. */
const rowsOf = (values: readonly number[], cols: number) =>
  Array.from({ length: values.length / cols }, (_, i) => values.slice(i * cols, (i + 1) * cols));

const times = (a: number[][], b: number[][]) =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));

const softmaxOf = (row: readonly number[]) => {
  const e = row.map((value) => Math.exp(value - Math.max(...row)));
  const sum = e.reduce((a, b) => a + b);
  return e.map((value) => value / sum);
};

const normOf = (row: readonly number[], eps: number) => {
  const mean = row.reduce((a, b) => a + b) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + eps));
};

test("Linear is x W + b", () => {
  const model = lowered(
    "model M(x: [batch, width = 3]) -> [batch, width = 2] { x |> fc: Linear(2) }",
    "M",
  );
  const found = run(
    model,
    { x: [1, 2, 3] },
    { "fc.weight": [1, 2, 3, 4, 5, 6], "fc.bias": [10, 20] },
  );
  close(found.get("output"), [1 + 6 + 15 + 10, 2 + 8 + 18 + 20]);
});

test("LayerNorm brings each row to mean 0 and variance 1, then scales", () => {
  const model = lowered(
    "model M(x: [batch, width = 4]) -> [batch, width] { x |> LayerNorm(eps = 0.1) }",
    "M",
    { batch: 2 },
  );
  const x = someNumbers(8);
  const found = run(
    model,
    { x },
    { "layer_norm.scale": [1, 2, 3, 4], "layer_norm.bias": [0, 0, 0, 5] },
  );
  const wanted = rowsOf(x, 4).flatMap((row) =>
    normOf(row, 0.1).map((value, i) => value * (i + 1) + (i === 3 ? 5 : 0)),
  );
  close(found.get("output"), wanted);
});

test("Attention of two heads is softmax(q k / sqrt c) v, head by head", () => {
  const text =
    "model M(x: [batch, tokens = 3, width = 4]) -> [batch, tokens, width] { x |> attn: Attention(2) }";
  const model = lowered(text, "M");
  const x = someNumbers(12);
  const weight = someNumbers(48, 2);
  const bias = someNumbers(12, 3);
  const output = someNumbers(16, 4);
  const found = run(model, { x }, {
    "attn.qkv.weight": weight, "attn.qkv.bias": bias, "attn.proj.weight": output, "attn.proj.bias": [0, 0, 0, 0],
  }); // prettier-ignore
  const qkv = times(rowsOf(x, 4), rowsOf(weight, 12)).map((row) =>
    row.map((value, i) => value + bias[i]!),
  );
  const mixed: number[][] = qkv.map(() => []);
  for (let head = 0; head < 2; head++) {
    const part = (which: number) =>
      qkv.map((row) => row.slice(which * 4 + head * 2, which * 4 + head * 2 + 2));
    const [q, k, v] = [part(0), part(1), part(2)];
    q.forEach((query, i) => {
      const scores = k.map((key) => (query[0]! * key[0]! + query[1]! * key[1]!) / Math.sqrt(2));
      mixed[i]!.push(...times([softmaxOf(scores)], v)[0]!);
    });
  }
  close(found.get("output"), times(mixed, rowsOf(output, 4)).flat());
});

describe("BatchNorm", () => {
  const text =
    "model M(x: [batch, channels = 2]) -> [batch, channels] { x |> bn: BatchNorm(momentum = 0.25, eps = 0) }";
  const arrays = {
    "bn.scale": [1, 1], "bn.bias": [0, 0], "bn.running_mean": [1, 2], "bn.running_var": [4, 9],
  }; // prettier-ignore

  test("uses what it has seen in evaluation", () => {
    close(run(lowered(text, "M"), { x: [3, 5] }, arrays).get("output"), [1, 1]);
  });

  test("uses the batch in training, and remembers the unbiased variance", () => {
    const { graph } = lowered(text, "M", { training: true, batch: 2 });
    const { outputs, updates } = interpreted(graph, { x: [0, 1, 4, 5] }, arrays);
    close(outputs.get("output"), [-1, -1, 1, 1]);
    close(updates.get("bn.running_mean"), [0.75 * 1 + 0.25 * 2, 0.75 * 2 + 0.25 * 3]);
    close(updates.get("bn.running_var"), [0.75 * 4 + 0.25 * 8, 0.75 * 9 + 0.25 * 8]);
  });
});

describe("Conv", () => {
  test("slides over rows and columns with stride and padding", () => {
    const text = `model M(image: [batch, rows = 3, cols = 3, channels = 1]) -> [batch, rows = _, cols = _, channels] {
      image |> conv: Conv(1, kernel = 2, stride = 2, padding = 1, bias = false)
    }`;
    const found = run(
      lowered(text, "M"),
      { image: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      { "conv.weight": [1, 10, 100, 1000] },
    );
    close(found.get("output"), [1000, 100 * 2 + 1000 * 3, 10 * 4 + 1000 * 7, 5 + 60 + 800 + 9000]);
  });

  test("takes groups, and one axis by name", () => {
    const text = `model M(sound: [batch, samples = 3, channels = 2]) -> [batch, samples = _, channels] {
      sound |> conv: Conv(2, kernel = 2, groups = 2, over = samples)
    }`;
    const model = lowered(text, "M");
    expect(model.graph.parameters.find(({ path }) => path === "conv.weight")!.shape).toEqual([
      2, 1, 2,
    ]);
    const found = run(
      model,
      { sound: [1, 10, 2, 20, 3, 30] },
      { "conv.weight": [1, 2, 3, 4], "conv.bias": [0, 0.5] },
    );
    close(found.get("output"), [1 + 6, 20 + 80.5, 2 + 9, 40 + 120.5]);
  });
});

test("pools take the largest or the mean of each window", () => {
  const text = `model M(image: [batch, rows = 2, cols = 4, channels = 1]) -> { most: [batch, rows = _, cols = _, channels], mean: [batch, rows = _, cols = _, channels] } {
    { most = image |> max_pool(3, stride = 2, padding = 1), mean = image |> mean_pool(2) }
  }`;
  const found = run(lowered(text, "M"), { image: [-1, -2, -3, -4, -5, -6, -7, -8] });
  close(found.get("most"), [-1, -2]);
  close(found.get("mean"), [-3.5, -5.5]);
});

test("gelu and its approximation", () => {
  const text =
    "model M(x: [batch, width = 3]) -> { exact: [batch, width], close: [batch, width] } { { exact = gelu(x), close = gelu_tanh(x) } }";
  const found = run(lowered(text, "M"), { x: [-1, 0, 2] });
  close(found.get("exact"), [-0.15865525393145707, 0, 1.9544997361036416]);
  close(found.get("close"), [-0.15880800939172324, 0, 1.954597694087775]);
});

describe("losses", () => {
  const loss = (expression: string, target: string) =>
    `model M(logits: [batch, classes = 3], target: ${target}) -> [] { ${expression} }`;
  const logits = [1, 2, 3, 1, 1, 5];
  const logP = rowsOf(logits, 3).map((row) => softmaxOf(row).map(Math.log));

  test("cross-entropy of classes, averaged over the batch", () => {
    const model = lowered(loss("cross_entropy(logits, target)", "int[batch]"), "M", { batch: 2 });
    close(run(model, { logits, target: [0, 2] }).get("output"), [
      -(logP[0]![0]! + logP[1]![2]!) / 2,
    ]);
  });

  test("cross-entropy with smoothing", () => {
    const model = lowered(
      loss("cross_entropy(logits, target, smoothing = 10%)", "int[batch]"),
      "M",
      { batch: 2 },
    );
    const smooth = [0, 2].map(
      (right, i) => -0.9 * logP[i]![right]! - (0.1 * logP[i]!.reduce((a, b) => a + b)) / 3,
    );
    close(run(model, { logits, target: [0, 2] }).get("output"), [(smooth[0]! + smooth[1]!) / 2]);
  });

  test("cross-entropy of soft targets", () => {
    const model = lowered(
      loss("cross_entropy(logits, target, over = classes)", "[batch, classes = 3]"),
      "M",
    );
    const found = run(model, { logits: logits.slice(0, 3), target: [0.5, 0.25, 0.25] });
    close(found.get("output"), [-(0.5 * logP[0]![0]! + 0.25 * logP[0]![1]! + 0.25 * logP[0]![2]!)]);
  });

  test("cross-entropy along the diagonal", () => {
    const text =
      "model M(u: [batch, out = 2]) -> [] { cross_entropy(dot(u, u[batch as keys], over = out), diagonal, over = keys) }";
    const model = lowered(text, "M", { batch: 2 });
    const scores = [[1, 0], [0, 4]]; // prettier-ignore
    const wanted = -(Math.log(softmaxOf(scores[0]!)[0]!) + Math.log(softmaxOf(scores[1]!)[1]!)) / 2;
    close(run(model, { u: [1, 0, 0, 2] }).get("output"), [wanted]);
  });

  test("top1 and topk count", () => {
    const text =
      "model M(logits: [batch, classes = 3], target: int[batch]) -> { one: [], two: [] } { { one = top1(logits, target), two = topk(logits, target, 2) } }";
    const found = run(lowered(text, "M", { batch: 2 }), {
      logits: [1, 2, 3, 1, 1.5, 5],
      target: [1, 2],
    });
    close(found.get("one"), [0.5]);
    close(found.get("two"), [1]);
  });

  test("binary cross-entropy agrees with its definition", () => {
    const text =
      "model M(x: [batch, classes = 2], y: [batch, classes = 2]) -> [] { binary_cross_entropy(x, y) }";
    const p = [2, -1].map((x) => 1 / (1 + Math.exp(-x)));
    const wanted = -(Math.log(p[0]!) + 0.25 * Math.log(p[1]!) + 0.75 * Math.log(1 - p[1]!)) / 2;
    close(run(lowered(text, "M"), { x: [2, -1], y: [1, 0.25] }).get("output"), [wanted]);
  });
});
