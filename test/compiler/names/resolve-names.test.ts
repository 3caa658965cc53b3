// What others call our parameters: block by block, under whatever prefix the block stands.
import { describe, expect, test } from "vitest";
import { complaints, names, told } from "./named-model.ts";

const tower = `
block Layer(heads: int)(x: [batch, tokens, width]) -> [batch, tokens, width] {
  x |> residual { norm: LayerNorm |> attn: Attention(heads) }
}
model Model(depth: int = 2, width: int = 4)(x: [batch, tokens = 3, width]) -> [batch, tokens, width = _] {
  param position [tokens, width] ~ zeros
  x |> add(position) |> layers: repeat depth as i { Layer(2) } |> head: Linear(6)
}
`;

describe("names of parts", () => {
  test("without a map of its own a block keeps its labels, and standard blocks have theirs", () => {
    expect(told(names(tower, "torch"))).toEqual([
      "position [3, 4] = position",
      "layers.0.norm.weight [4] = layers.0.norm.scale",
      "layers.0.norm.bias [4] = layers.0.norm.bias",
      "layers.0.attn.qkv.weight [12, 4] = layers.0.attn.qkv.weight",
      "layers.0.attn.qkv.bias [12] = layers.0.attn.qkv.bias",
      "layers.0.attn.proj.weight [4, 4] = layers.0.attn.proj.weight",
      "layers.0.attn.proj.bias [4] = layers.0.attn.proj.bias",
      "layers.1.norm.weight [4] = layers.1.norm.scale",
      "layers.1.norm.bias [4] = layers.1.norm.bias",
      "layers.1.attn.qkv.weight [12, 4] = layers.1.attn.qkv.weight",
      "layers.1.attn.qkv.bias [12] = layers.1.attn.qkv.bias",
      "layers.1.attn.proj.weight [4, 4] = layers.1.attn.proj.weight",
      "layers.1.attn.proj.bias [4] = layers.1.attn.proj.bias",
      "head.weight [6, 4] = head.weight",
      "head.bias [6] = head.bias",
    ]);
  });

  test("a map goes on below what it names, counts in its holes, and joins", () => {
    const map = `
      names timm of Model {
        "position"   = "pos" [1, tokens, width] -> [tokens, width]
        "layers.{i}" = "blocks.{depth - i}" when depth > 1
        "head"       = none
      }
      names timm of Layer {
        "norm"            = ""
        "attn.qkv.weight" = ("q.weight", "k.weight", "v.weight") 3 * [out, width] -> [width, (3 out)]
        "attn.qkv.bias"   = ("q.bias", "k.bias", "v.bias") 3 * [out] -> [(3 out)]
        "attn.proj.weight" = "out.kernel"
      }`;
    const table = names(tower + map, "timm");
    expect(told(table).slice(0, 11)).toEqual([
      "pos [1, 3, 4] = position",
      "blocks.2.weight [4] = layers.0.norm.scale",
      "blocks.2.bias [4] = layers.0.norm.bias",
      "blocks.2.q.weight [4, 4] = layers.0.attn.qkv.weight",
      "blocks.2.k.weight [4, 4] = layers.0.attn.qkv.weight",
      "blocks.2.v.weight [4, 4] = layers.0.attn.qkv.weight",
      "blocks.2.q.bias [4] = layers.0.attn.qkv.bias",
      "blocks.2.k.bias [4] = layers.0.attn.qkv.bias",
      "blocks.2.v.bias [4] = layers.0.attn.qkv.bias",
      "blocks.2.out.kernel [4, 4] = layers.0.attn.proj.weight",
      "blocks.2.attn.proj.bias [4] = layers.0.attn.proj.bias",
    ]);
    expect(table.alone).toEqual(["head.weight", "head.bias"]);
  });

  test("behind `when`, a setting that is none does not hold", () => {
    const model = `
      model Model(stem: block? = none, width: int = 4)(x: [batch, width = 4]) -> [batch, width = _] {
        x |> stem() when stem |> proj: Linear(width)
      }
      names torch of Model {
        "proj" = "patches" when stem == none
        "proj" = "after_stem" when stem
      }`;
    expect(told(names(model, "torch"))).toEqual([
      "patches.weight [4, 4] = proj.weight",
      "patches.bias [4] = proj.bias",
    ]);
  });

  test("a renamed parameter of a part keeps the part's layout", () => {
    const table = names(`${tower} names torch of Model { "head.weight" = "out.w" }`, "torch");
    expect(told(table).slice(-2)).toEqual([
      "out.w [6, 4] = head.weight",
      "head.bias [6] = head.bias",
    ]);
  });

  test("names begin at the part that is asked for", () => {
    expect(told(names(tower, "torch", "layers.1.norm"))).toEqual([
      "weight [4] = layers.1.norm.scale",
      "bias [4] = layers.1.norm.bias",
    ]);
  });

  test("a format that says nothing of a block asks the one that it is from", () => {
    const own = `names mine from timm  names mine of LayerNorm { "scale" = "gain" }`;
    const table = names(tower + own, "mine");
    expect(told(table)[1]).toBe("layers.0.norm.gain [4] = layers.0.norm.scale");
    expect(told(table)[3]).toBe("layers.0.attn.qkv.weight [12, 4] = layers.0.attn.qkv.weight");
  });

  test("flax joins names by a slash and gives heads an axis", () => {
    expect(told(names(tower, "flax")).slice(1, 5)).toEqual([
      "layers/0/norm/scale [4] = layers.0.norm.scale",
      "layers/0/norm/bias [4] = layers.0.norm.bias",
      "layers/0/attn/query/kernel [4, 2, 2] = layers.0.attn.qkv.weight",
      "layers/0/attn/key/kernel [4, 2, 2] = layers.0.attn.qkv.weight",
    ]);
  });

  test("what only theirs has is listed, with what it holds", () => {
    const table = names(
      `model Model(x: [batch, width = 4]) -> [batch, width] { x |> bn: BatchNorm }`,
      "torch",
    );
    expect(told(table)).toContain("bn.num_batches_tracked [] = nothing");
    expect(table.theirs.at(-1)).toMatchObject({ isInteger: true, filling: 0 });
    expect(told(table)).toContain("bn.running_mean [4] = bn.running_mean");
  });
});

describe("a map that does not fit is told where", () => {
  test("a format that nobody declares", () => {
    expect(complaints(tower, "trimm")).toEqual(["there is no format `trimm` | "]);
  });

  test("axes that do not divide", () => {
    const line = `"position" = "pos" [a, (b = 3 c)] -> [a, (b c)]`;
    expect(complaints(`${tower} names torch of Model { ${line} }`, "torch")).toEqual([
      `the arrow does not fit \`position\`: nothing says how large \`c\` is in an axis of 4 | ${line}`,
    ]);
  });

  test("axes that are too many", () => {
    const line = `"position" = "pos" [a, b, c] -> [a, b, c]`;
    expect(complaints(`${tower} names torch of Model { ${line} }`, "torch")).toEqual([
      `the arrow does not fit \`position\`: it says 3 axes of ours, but there are 2 | ${line}`,
    ]);
  });

  test("two of ours that are one of theirs", () => {
    const line = `"head" = "layers.0.attn.proj"`;
    const [first] = complaints(`${tower} names torch of Model { ${line} }`, "torch");
    expect(first).toContain("by one line `layers.0.attn.proj.weight` is");
    const same = `"layers.{i}" = "layer"`;
    expect(complaints(`${tower} names torch of Model { ${same} }`, "torch")[0]).toContain(
      "`layers.0.norm.scale` and `layers.1.norm.scale` are both `layer.norm.weight`",
    );
  });

  test("a slice that leaves something out", () => {
    const line = `"head.weight" = "w" [part = 0..1] [(part = 3 out), width] -> [width, (part out)]`;
    expect(complaints(`${tower} names torch of Model { ${line} }`, "torch")).toEqual([
      `the lines leave out a part of \`w\`, which is [18, 4] | ${line}`,
    ]);
  });

  test("a hole that nothing fills", () => {
    const line = `"layers.{i}" = "blocks.{j}"`;
    expect(complaints(`${tower} names torch of Model { ${line} }`, "torch")[0]).toContain("{j}");
  });
});
