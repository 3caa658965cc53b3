// Labels are parameter paths: adding a line never renames a neighbour.
import { describe, expect, test } from "vitest";
import { checkFile } from "../../../../compiler/graph/check-file.ts";
import { libraryOf, lowered, pathsOf, problemsOf, run } from "./lower-text.ts";

const model = (body: string, before = "") =>
  `${before}\nmodel M(depth: int = 2)(x: [batch, tokens = 3, width = 4]) -> [batch, ..] { ${body} }`;
const paths = (body: string, before = "") =>
  pathsOf(lowered(model(body, before), "M")).map((line) => line.split(" ")[0]);

test("a label names its instance; without one it is the block's name in snake case", () => {
  expect(paths("x |> fc1: Linear(2, bias = false) |> LayerNorm")).toEqual([
    "fc1.weight", "layer_norm.scale", "layer_norm.bias",
  ]); // prettier-ignore
});

test("functions, braces and match add nothing; labelled braces add their label", () => {
  expect(
    paths("x |> residual { fc: Linear(4, bias = false) } |> match depth { 2 => { one: Linear(4, bias = false) }, else => same } |> a: { b: Linear(4, bias = false) }"),
  ).toEqual(["fc.weight", "one.weight", "a.b.weight"]); // prettier-ignore
});

test("a repeat adds its label and the round, and one block may stand at that very path", () => {
  expect(
    paths("x |> layers: repeat depth as i { Linear(4, bias = false) |> norm: LayerNorm }"),
  ).toEqual([
    "layers.0.weight", "layers.0.norm.scale", "layers.0.norm.bias",
    "layers.1.weight", "layers.1.norm.scale", "layers.1.norm.bias",
  ]); // prettier-ignore
});

test("stages of blocks are two repeats, nested", () => {
  expect(
    paths(
      "x |> stages: repeat [1, 2] as (s, n) { blocks: repeat n as i { Linear(4, bias = false) } }",
    ),
  ).toEqual(["stages.0.blocks.0.weight", "stages.1.blocks.0.weight", "stages.1.blocks.1.weight"]);
});

test("a block-valued setting without a label has the setting's name", () => {
  const before = "block Wrap(inner: block)(x: [.., width]) -> [.., width] { x |> inner }";
  expect(paths("x |> wrap: Wrap(inner = Linear(4, bias = false))", before)).toEqual([
    "wrap.inner.weight",
  ]);
});

describe("a model that is another one with other settings", () => {
  const inner = `model Inner(out: int)(x: [batch, tokens, width]) -> [batch, tokens, width = _] {
    x |> fc: Linear(out, bias = false) |> norm: LayerNorm
  }`;
  test("adds nothing to the paths of that one", () => {
    const names = ["fc.weight", "norm.scale", "norm.bias"];
    expect(paths("x |> Inner(2 * depth)", inner)).toEqual(names);
    expect(paths("let out = 2 * depth\n Inner(out)(x)", inner)).toEqual(names);
  });

  test("unless it does more, or labels it", () => {
    expect(paths("x |> Inner(4) |> head: Linear(2, bias = false)", inner)).toContain(
      "inner.fc.weight",
    );
    expect(paths("x |> a: Inner(4)", inner)).toContain("a.fc.weight");
    expect(paths("x |> Linear(4, bias = false)")).toEqual(["linear.weight"]);
  });
});

test("two alike must be labelled", () => {
  expect(problemsOf(model("x |> Linear(4) |> Linear(4)"), "M")).toContain(
    "two things would stand at the path `linear`",
  );
});

test("two at the path of their braces must be labelled", () => {
  expect(problemsOf(model("x |> a: { Linear(4) |> Linear(4) }"), "M")).toContain("`a`");
});

describe("nets", () => {
  test("a net applied twice shares its parameters", () => {
    const text = model("net tower = Linear(4, bias = false)\n tower(x) + (x |> tower)");
    const found = lowered(text, "M");
    expect(pathsOf(found)).toEqual(["tower.weight [4, 4]"]);
    const { length } = found.graph.nodes.filter((node) => node.op === "dot");
    expect(length).toBe(1);
  });

  test("its state is renewed twice, in the order written", () => {
    const text = `model M(x: [batch, width = 1]) -> [batch, width] {
      net bn = BatchNorm(momentum = 0.5)
      bn(x) + bn(2 * x)
    }`;
    const { graph } = lowered(text, "M", { training: true, batch: 2 });
    expect(graph.updates.map((update) => update.path)).toEqual([
      "bn.running_mean",
      "bn.running_var",
    ]);
  });

  test("parts of an application cost nothing more", () => {
    const text = model("net n = { a: Linear(4) |> relu |> b: Linear(4) }\n let o = n(x)\n o + o.a");
    expect(lowered(text, "M").graph.nodes.filter((node) => node.op === "dot")).toHaveLength(2);
  });

  test("a part can be applied by itself", () => {
    const text = model("net n = { a: Linear(4, bias = false) |> relu |> b: Linear(4) }\n n.a(x)");
    expect(pathsOf(lowered(text, "M"))).toEqual(["n.a.weight [4, 4]"]);
  });

  test("other settings give the same parameters", () => {
    const text = `block Powers(n: int)(x: [.., width]) -> [.., width] { param scale [width] ~ ones  x ^ n * scale }
      model M(x: [batch, width = 2]) -> [batch, width] { net p = Powers(2)  p(x) + p(n = 3)(x) }`;
    const found = lowered(text, "M");
    expect(pathsOf(found)).toEqual(["p.scale [2]"]);
    expect([...run(found, { x: [2, 3] }, { "p.scale": [1, 10] }).get("output")!]).toEqual([
      12, 360,
    ]);
  });
});

test("settings of a net in braces go to the part that has them", () => {
  const text = `block Times(n: int)(x: [.., width]) -> [.., width] { param scale [width] ~ ones  x * n * scale }
    model M(x: [batch, width = 1]) -> [batch, width] {
      net p = { a: LayerNorm |> b: Times(2) }
      p(n = 5)(x)
    }`;
  const found = lowered(text, "M");
  const arrays = { "p.a.scale": [0], "p.a.bias": [3], "p.b.scale": [1] };
  expect([...run(found, { x: [1] }, arrays).get("output")!]).toEqual([15]);
});

test("inputs given by name to a net in braces go to its first stage", () => {
  const text = `block Plus(x: [.., width], more: [.., width]? = none) -> [.., width] {
      param scale [width] ~ ones
      x * scale |> add(more) when more
    }
    model M(x: [batch, width = 1], y: [batch, width = 1]) -> [batch, width] {
      net p = { a: Plus |> b: Plus }
      p(x, more = y)
    }`;
  const found = lowered(text, "M");
  const arrays = { "p.a.scale": [2], "p.b.scale": [10] };
  expect([...run(found, { x: [1], y: [5] }, arrays).get("output")!]).toEqual([70]);
  expect(() => lowered(text.replace("more = y", "less = y"), "M")).toThrow("has no input `less`");
  expect(() => lowered(text.replace("a: Plus", "[batch, width] |> a: Plus"), "M")).toThrow("takes no input `more`"); // prettier-ignore
});

describe("initializers", () => {
  const kinds = (body: string) =>
    Object.fromEntries(
      lowered(model(body), "M").graph.parameters.map(({ path, initializer }) => [
        path,
        initializer,
      ]),
    );

  test("a caller replaces one, also further down", () => {
    const found = kinds(
      "x |> attn: Attention(2, proj.weight ~ normal(std = 0.5)) |> fc: Linear(2, bias ~ ones)",
    );
    expect(found["attn.proj.weight"]).toEqual({ kind: "normal", settings: { std: 0.5, mean: 0 } });
    expect(found["fc.bias"]!.kind).toBe("ones");
    expect(found["attn.qkv.weight"]!.kind).toBe("uniform");
  });

  test("init speaks to every such block below that does not say otherwise", () => {
    const found = kinds(
      "init Linear.weight ~ zeros\n x |> attn: Attention(2) |> fc: Linear(2, weight ~ ones)",
    );
    expect(found["attn.qkv.weight"]!.kind).toBe("zeros");
    expect(found["fc.weight"]!.kind).toBe("ones");
  });

  test("init reaches further down by the way from a block, and that is the nearer rule", () => {
    const found = kinds(
      "init Linear.weight ~ zeros\n init Attention.qkv.weight ~ ones\n x |> attn: Attention(2)",
    );
    expect(found["attn.qkv.weight"]!.kind).toBe("ones");
    expect(found["attn.proj.weight"]!.kind).toBe("zeros");
  });

  test("a rule is for some of the variants of a model, but not for none", () => {
    const text = `
model V(deep: bool)(x: [batch, tokens = 4, width = 8]) -> [batch, tokens, width] {
  init Linear.weight ~ zeros
  x |> fc: Linear(8) when deep
}

variants V (deep) {
  "deep" (true)
  "flat" (false)
}
`;
    const checked = (wanted: string) => checkFile(libraryOf(wanted).library, "test.vit");
    expect(checked(text)).toEqual([]);
    expect(checked(text.replace("(true)", "(false)"))[0]!.code).toBe("init-of-nothing");
  });

  test("Xavier's bound comes from both sides", () => {
    expect(kinds("x |> fc: Linear(2)")["fc.weight"]).toEqual({
      kind: "uniform",
      settings: { low: -1, high: 1 },
    });
  });

  test("one that names no parameter is a mistake", () => {
    expect(problemsOf(model("x |> fc: Linear(2, wieght ~ zeros)"), "M")).toContain(
      "did you mean `weight`?",
    );
  });
});
