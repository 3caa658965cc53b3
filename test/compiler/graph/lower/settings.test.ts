// Settings are values of the compilation: whole numbers, lists, choices, blocks; what is not taken does not exist.
import { describe, expect, test } from "vitest";
import { lowered, pathsOf, problemsOf } from "./lower-text.ts";

/** The value of a setting expression, by way of the size of an axis. */
const sizeOf = (expression: string) =>
  lowered(`model M(n: int = ${expression})(x: [batch, width = n]) -> [batch, width] { x }`, "M")
    .inputs[0]!.shape[1];

describe("arithmetic", () => {
  test.each([
    ["2 ^ 3 + 1", 9],
    ["7 % 4", 3],
    ["224 / 16", 14],
    ["floor(7 / 2)", 3],
    ["ceil(7 / 2)", 4],
    ["round(7 / 2)", 4],
    ["max(3, 9, 4)", 9],
    ["min(3, 9)", 3],
    ["sum([2, 2, 6, 2])", 12],
    ["sum([2, 2, 6, 2][..2])", 4],
    ["product([2, 3, 4])", 24],
    ["len(distinct([1, 1, 2]))", 2],
    ["count([1, 1, 2], 1)", 2],
    ["[3, 5][1]", 5],
    ["sum([w * 2 for w in [1, 2]])", 6],
    ["sum([j for j in 4])", 6],
    ["if 3 > 2 then 1 else 2", 1],
    ["if 3 in [1, 2] then 1 else 2", 2],
    ["match 3 { 2 => 5, else => 6 }", 6],
  ])("%s is %i", (expression, value) => {
    expect(sizeOf(expression)).toBe(value);
  });

  test("whole numbers divide exactly, or say that they do not", () => {
    expect(
      problemsOf("model M(n: int = 7 / 2)(x: [batch, width = n]) -> [batch, width] { x }", "M"),
    ).toContain("inexact-division");
  });
});

describe("variants and overrides", () => {
  const text = `
    model Net(width: int, depth: int = 1, pool: token | mean = token)(x: [batch, tokens = 2, width]) -> [batch, ..] {
      x |> layers: repeat depth as i { Linear(width, bias = false) }
        |> match pool { token => take(tokens, 0), mean => mean(tokens) }
    }
    variants Net (width, depth) {
      "S" (4, 1)
      "L" (8, 2)
    }`;

  test("a row, then what is said beside it", () => {
    expect(pathsOf(lowered(text, "Net", { variant: "L" }))).toEqual([
      "layers.0.weight [8, 8]",
      "layers.1.weight [8, 8]",
    ]);
    const model = lowered(text, "Net", { variant: "L", settings: { depth: "1", pool: "mean" } });
    expect(pathsOf(model)).toEqual(["layers.0.weight [8, 8]"]);
    expect(model.settings).toEqual([
      { name: "width", value: "8" },
      { name: "depth", value: "1" },
      { name: "pool", value: "mean" },
    ]);
  });

  test("an unknown row has a nearest one", () => {
    expect(problemsOf(text, "Net", { variant: "s" })).toContain("did you mean `S`?");
  });

  test("a setting asked for from outside is checked like any other", () => {
    expect(problemsOf(text, "Net", { variant: "S", settings: { pool: "meen" } })).toContain(
      "did you mean `mean`?",
    );
    expect(problemsOf(text, "Net", { variant: "S", settings: { dept: "3" } })).toContain(
      "did you mean `depth`?",
    );
  });
});

describe("blocks as settings", () => {
  const text = `
    block Layer(hidden: int, twice: bool = false)(x: [.., width]) -> [.., width] {
      x |> fc1: Linear(hidden, bias = false) |> fc2: Linear(width, bias = false) |> fc3: Linear(width, bias = false) when twice
    }
    model Net(layer: block = Layer)(x: [batch, width = 2]) -> [batch, width] { x |> layer(3, twice = false) }`;

  test("named without being applied, and applied where it is used", () => {
    expect(pathsOf(lowered(text, "Net"))).toEqual([
      "layer.fc1.weight [2, 3]",
      "layer.fc2.weight [3, 2]",
    ]);
  });

  test("what is set there wins over what the place of use gives", () => {
    const model = lowered(text, "Net", { settings: { layer: "Layer(twice = true)" } });
    expect(pathsOf(model)).toHaveLength(3);
  });
});

describe("what is not taken", () => {
  test("a choice that is none is none of its words", () => {
    const text = `model Net(pool: mean | last | none = none)(x: [batch, tokens = 3, width = 2]) -> [batch, ..] {
      x |> first: Linear(2, bias = false) when pool == none
        |> other: Linear(2) when pool == last or pool in (mean, last)
    }`;
    expect(pathsOf(lowered(text, "Net"))).toEqual(["first.weight [2, 2]"]);
    expect(pathsOf(lowered(text, "Net", { settings: { pool: "last" } }))).toHaveLength(2);
  });

  test("what is none is passed on as none", () => {
    const text = `
      block Inner(out: int? = 3, before: block? = Linear)(x: [batch, width]) -> [batch, ..] {
        x |> before: before(2) when before |> head: Linear(out) when out
      }
      model Outer(out: int? = none, before: block? = none)(x: [batch, width = 2]) -> [batch, ..] {
        x |> inner: Inner(out, before)
      }`;
    expect(pathsOf(lowered(text, "Outer"))).toEqual([]);
    expect(pathsOf(lowered(text, "Outer", { settings: { out: "4" } }))).toEqual([
      "inner.head.weight [2, 4]",
      "inner.head.bias [4]",
    ]);
  });

  test("has no parameters and no type", () => {
    const text = `model Net(head: int? = none)(x: [batch, width = 2]) -> [batch, ..] {
      x |> [batch, nonsense = 7, width] when head
        |> head: Linear(head) when head
    }`;
    expect(pathsOf(lowered(text, "Net"))).toEqual([]);
  });
});
