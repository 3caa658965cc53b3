// Parts that several papers share, against numbers that can be worked out by hand.
import { describe, expect, test } from "vitest";
import { lowered, run } from "../compiler/graph/lower/lower-text.ts";

type Arrays = Readonly<Record<string, readonly number[]>>;

function valuesOf(text: string, inputs: Arrays, arrays: Arrays = {}): number[] {
  const found = run(lowered(text, "M"), inputs, arrays).get("output")!;
  return [...found].map((value) => Math.round(value * 1e5) / 1e5 + 0);
}

/** Every key is alike, so that attention is a mean; the value is the token itself. */
const plainAttention = {
  "attn.qkv.weight": [0, 0, 1],
  "attn.qkv.bias": [0, 0, 0],
  "attn.proj.weight": [1],
  "attn.proj.bias": [0],
};
const threeTokens = (body: string) =>
  `model M(x: [batch, tokens = 3, width = 1]) -> [..] { ${body} }`;

describe("attention with keys that are all alike is the mean", () => {
  test.each([
    ["of all tokens", "x |> attn: Attention(1)", [3, 3, 3]],
    ["of the tokens so far, where it is causal", "x |> attn: Attention(1, causal = true)", [1, 1.5, 3]],
    ["of the tokens that are seen", "let seen = (take(x, width, 0) < 5)\n attn: Attention(1)(x, seen)", [1.5, 1.5, 1.5]],
  ])("%s", (_, body, wanted) => {
    expect(valuesOf(threeTokens(body), { x: [1, 2, 6] }, plainAttention)).toEqual(wanted);
  }); // prettier-ignore
});

test("the attention head gives what the probe gets, without the probe, and an MLP over it", () => {
  const found = valuesOf(
    threeTokens("x |> pool: AttentionHead(1, 2)"),
    { x: [1, 2, 6] },
    {
      "pool.probe": [7], "pool.q.weight": [0], "pool.q.bias": [0],
      "pool.kv.weight": [1, 1], "pool.kv.bias": [0, 0], "pool.proj.weight": [10], "pool.proj.bias": [1],
      "pool.norm.scale": [1], "pool.norm.bias": [0],
      "pool.mlp.fc1.weight": [1, 1], "pool.mlp.fc1.bias": [0, 0],
      "pool.mlp.fc2.weight": [1, 1], "pool.mlp.fc2.bias": [0.5],
    },
  ); // prettier-ignore
  expect(found).toEqual([31.5]); // 10 * 3 + 1, and the MLP's bias: its input is normed to 0
});

test.each([
  ["first", -1],
  ["end", 0],
  ["last", 1],
])("a text is its %s token", (pool, wanted) => {
  const text = `model M(ids: int[batch, tokens = 3]) -> [..] {
    ids |> t: TextTower(2, 0, 1, 2, vocabulary = 10, out = 1, pool = ${pool})
  }`;
  const found = valuesOf(
    text,
    { ids: [4, 9, 0] }, // 9, the largest, ends the text
    {
      "t.words.weight": Array<number>(20).fill(0),
      "t.position": [3, -3, 0, 0, -3, 3],
      "t.norm.scale": [1, 1],
      "t.norm.bias": [0, 0],
      "t.proj.weight": [-1, 0],
    },
  );
  expect(found).toEqual([wanted]); // the positions are normed to (1, -1), (0, 0) and (-1, 1)
});

test("kernels are brought to mean 0 and variance 1", () => {
  const text = `model M(x: [batch, rows = 2, cols = 2, c = 1]) -> [..] {
    x |> conv: StandardConv(1, kernel = 2)
  }`;
  const weights = [0, 1, 2, 3].map((at) => {
    const x = [0, 0, 0, 0].map((_, i) => Number(i === at));
    return valuesOf(text, { x }, { "conv.weight": [1, 2, 3, 4] })[0];
  });
  expect(weights).toEqual([-1.34164, -0.44721, 0.44721, 1.34164]);
});

test("'same' padding puts the odd zero at the end", () => {
  const text = `model M(x: [batch, rows = 4, cols = 4, c = 1]) -> [..] {
    x |> pad_same(3, stride = 2) |> max_pool(3, stride = 2)
  }`;
  const x = Array.from({ length: 16 }, (_, i) => i);
  expect(valuesOf(text, { x })).toEqual([10, 11, 14, 15]);
});

describe("tokens are left out", () => {
  const text = `model M(x: [batch, tokens = 8, width = 1]) -> [..] { x |> drop_tokens(75%) }`;
  const x = Array.from({ length: 16 }, (_, i) => i);

  test("in training: two of eight stay, each example its own", () => {
    const kept = [...run(lowered(text, "M", { training: true, batch: 2 }), { x }).get("output")!];
    expect(kept).toHaveLength(4);
    expect(new Set(kept).size).toBe(4);
    expect(kept.map((each) => Math.floor(each / 8))).toEqual([0, 0, 1, 1]);
  });

  test("never in evaluation", () => {
    expect([...run(lowered(text, "M", { batch: 2 }), { x }).get("output")!]).toEqual(x);
  });
});
