// A name in a shape is an axis and its size: what pairs, what crosses, what a call calls it.
import { describe, expect, test } from "vitest";
import { lowered, problemsOf, run } from "./lower-text.ts";

const outputOf = (text: string) => {
  const [output] = lowered(text, "M").outputs;
  return output!.axes.map((name, i) => `${name} ${output!.shape[i]}`);
};
const found = (text: string, inputs: Record<string, number[]>) => [
  ...run(lowered(text, "M"), inputs).get("output")!,
];

describe("elementwise", () => {
  test("one side's axes lie within the other's, in any order", () => {
    const text =
      "model M(a: [batch, rows = 2, cols = 3], b: [cols = 3, rows = 2]) -> [batch, rows, cols] { a + b }";
    expect(found(text, { a: [0, 0, 0, 0, 0, 0], b: [1, 2, 3, 4, 5, 6] })).toEqual([
      1, 3, 5, 2, 4, 6,
    ]);
  });

  test("equal sizes never make different names compatible", () => {
    const text = "model M(a: [batch, rows = 2], b: [batch, cols = 2]) -> [batch, rows] { a + b }";
    const problem = problemsOf(text, "M");
    expect(problem).toContain("axis-mismatch");
    expect(problem).toContain("x[cols as rows]");
  });

  test("integers stay whole until a fraction joins", () => {
    const text =
      "model M(a: int[n = 2]) -> { whole: [n], half: [n] } { { whole = a * 2 + 1, half = a / 2 } }";
    const model = lowered(text, "M");
    expect(model.outputs.map((output) => output.dtype)).toEqual(["i32", "f32"]);
    const values = run(model, { a: [3, 4] });
    expect([...values.get("half")!]).toEqual([1.5, 2]);
  });
});

describe("dot", () => {
  test("sums over, pairs shared axes, crosses the rest, and keeps the order of the first", () => {
    const text = `model M(q: [batch, heads = 2, tokens = 3, c = 4], k: [batch, heads = 2, keys = 5, c = 4]) -> [batch, ..] {
      dot(q, k, over = c)
    }`;
    expect(outputOf(text)).toEqual(["batch 1", "heads 2", "tokens 3", "keys 5"]);
  });

  test("a shared axis that lies inside is put back in its place", () => {
    const text =
      "model M(a: [rows = 2, k = 2, cols = 2], b: [cols = 2, k = 2]) -> [rows, cols] { dot(a, b, over = k) }";
    expect(found(text, { a: [1, 2, 3, 4, 5, 6, 7, 8], b: [1, 10, 100, 1000] })).toEqual([
      31, 4200, 75, 8600,
    ]);
  });
});

describe("arrows", () => {
  test("(heads c) is not (c heads)", () => {
    const split = (group: string) => `model M(x: [n = 6]) -> [a, b] { x |> [${group}] -> [a, b] }`;
    expect(found(split("(a b = 3)"), { x: [1, 2, 3, 4, 5, 6] })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(found(split("(b = 3 a)"), { x: [1, 2, 3, 4, 5, 6] })).toEqual([1, 3, 5, 2, 4, 6]);
  });

  test("a merge goes back", () => {
    const text = "model M(x: [n = 6]) -> [n] { x |> [(a b = 3)] -> [(b a) as n] }";
    expect(found(text, { x: [1, 2, 3, 4, 5, 6] })).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test("a new name on the right repeats", () => {
    const text = "model M(x: [rows = 2]) -> [rows, cols] { x |> [rows] -> [rows, cols = 3] }";
    expect(found(text, { x: [1, 2] })).toEqual([1, 1, 1, 2, 2, 2]);
  });

  test("a plain number makes several values", () => {
    const text = `model M(x: [n = 4]) -> [c] {
      let (p, q) = x |> [(2 c)] -> 2 * [c]
      p - q
    }`;
    expect(found(text, { x: [5, 6, 1, 1] })).toEqual([4, 5]);
  });

  test("the rest stays where it is put", () => {
    const text =
      "model M(x: [batch, time = 2, tokens = 3, width = 4]) -> [..] { x |> [.., tokens, (heads = 2 c)] -> [heads, .., tokens, c] }";
    expect(outputOf(text)).toEqual(["heads 2", "batch 1", "time 2", "tokens 3", "c 2"]);
  });
});

describe("calls", () => {
  const block =
    "block Double(out: int)(x: [.., width]) -> [.., width = out] { x |> fc: Linear(out) }";

  test("names inside are the block's own, and are given back as the caller's", () => {
    const text = `${block} model M(x: [batch, rows = 2, channels = 3]) -> [batch, rows, ..] { x |> Double(6) }`;
    expect(outputOf(text)).toEqual(["batch 1", "rows 2", "channels 6"]);
  });

  test("a name that no input has names that axis for the caller", () => {
    const text = `block Pool(x: [batch, tokens, width]) -> [batch, features] { mean(x, tokens) }
      model M(x: [batch, words = 2, width = 3]) -> [batch, ..] { x |> Pool }`;
    expect(outputOf(text)).toEqual(["batch 1", "features 3"]);
  });

  test("two names inside never mean one axis, even where both inputs share it", () => {
    const text = `function table(a: [rows, k], b: [cols, k]) -> [rows, cols] { dot(a, b, over = k) }
      model M(x: [n = 2, k = 1]) -> [..] { table(x, x) |> sum(n) }`;
    expect(problemsOf(text, "M")).toContain("two axes called `n`");
    const renamed = text.replace("table(x, x)", "table(x, x[n as m])");
    expect(outputOf(renamed)).toEqual(["m 2"]);
  });

  test("a resized axis keeps its name, so a skip path adds up", () => {
    const text = `model M(x: [batch, rows = 4, cols = 4, channels = 2]) -> [batch, rows = 2, cols = 2, channels = 5] {
      (x |> a: Conv(5, kernel = 3, stride = 2, padding = 1)) + (x |> b: Conv(5, kernel = 1, stride = 2))
    }`;
    expect(outputOf(text)).toEqual(["batch 1", "rows 2", "cols 2", "channels 5"]);
  });
});

describe("inputs that are not given", () => {
  const towers = `model Two(image: [batch, width = 3]?, text: [batch, width = 3]?) -> { image: [batch, out], text: [batch, out] } {
    { image = image |> a: Linear(2), text = text |> b: Linear(2) }
  }`;

  test("what depends on one is absent, and so are its parameters", () => {
    const text = `${towers} model M(x: [batch, width = 3]) -> [batch, out] { net two = Two  two(image = x).image }`;
    expect(lowered(text, "M").graph.parameters.map(({ path }) => path)).toEqual([
      "two.a.weight",
      "two.a.bias",
    ]);
  });

  test("asking for it is a mistake that names the input", () => {
    const text = `${towers} model M(x: [batch, width = 3]) -> { text: [batch, out], sum: [] } {
      net two = Two
      let o = two(image = x)
      { text = o.image, sum = sum(float(argmax(o.text, out))) }
    }`;
    expect(lowered(text, "M").outputs.map(({ name }) => name)).toEqual(["text"]);
  });
});
