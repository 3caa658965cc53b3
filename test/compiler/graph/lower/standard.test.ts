// Every block and function of the standard library can be used as its signature says.
import { expect, test } from "vitest";
import { lowered, pathsOf, run } from "./lower-text.ts";

const grid = "x: [batch, rows = 4, cols = 4, width = 8]";
const tokens = "x: [batch, tokens = 4, width = 8]";

test.each([
  [grid, "x |> GroupNorm(groups = 2)", ["group_norm.scale [8]", "group_norm.bias [8]"]],
  [tokens, "x |> RmsNorm", ["rms_norm.scale [8]"]],
  [grid, "x |> PatchEmbed(6, patch = 2)", ["patch_embed.proj.weight [2, 2, 8, 6]", "patch_embed.proj.bias [6]"]],
  [grid, "x |> add(waves(x))", []],
  [tokens, "x |> Scale(1e-4)", ["scale.gamma [8]"]],
  [tokens, "x |> cross: CrossAttention(2)(mean(x, tokens) |> [batch, width] -> [batch, tokens = 3, width])", [
    "cross.q.weight [8, 8]", "cross.q.bias [8]", "cross.kv.weight [8, 16]", "cross.kv.bias [16]",
    "cross.proj.weight [8, 8]", "cross.proj.bias [8]",
  ]],
  [tokens, "x |> mlp: Mlp(16, out = 3, gelu = relu)", [
    "mlp.fc1.weight [8, 16]", "mlp.fc1.bias [16]", "mlp.fc2.weight [16, 3]", "mlp.fc2.bias [3]",
  ]],
  [tokens, "log_sum_exp(x, (tokens, width))", []],
  [tokens, "log_add(x, 2 * x)", []],
  [tokens, "silu(x) + quick_gelu(x)", []],
  [tokens, "mean(norm(x, width)) + deviation(x, over = batch)", []],
  [tokens, "kl(x, 2 * x) + squared_error(x, 2 * x)", []],
  [tokens, "info_nce(mean(x, tokens), mean(2 * x, tokens), 0.2)", []],
  [tokens, "topk(mean(x, tokens), mean(2 * x, tokens) |> argmax(width), 5)", []],
])("%s: %s", (input, expression, paths) => {
  const model = lowered(`model M(${input}) -> [..] { ${expression} }`, "M", { training: true, batch: 2 });
  expect(pathsOf(model)).toEqual(paths);
}); // prettier-ignore

test("group norm brings each group of each example to mean 0 and variance 1", () => {
  const text =
    "model M(x: [batch, rows = 2, width = 4]) -> [..] { x |> n: GroupNorm(groups = 2, eps = 0) }";
  const found = run(
    lowered(text, "M"),
    { x: [1, 3, 0, 10, 1, 3, 0, 10] },
    { "n.scale": [1, 1, 1, 1], "n.bias": [0, 0, 0, 0] },
  );
  expect([...found.get("output")!].map(Math.round)).toEqual([-1, 1, -1, 1, -1, 1, -1, 1]);
});

test.each(["mixup(image, target, 0.8)", "mix(image, target, mixup = 0.8, cutmix = 1.0)"])(
  "%s keeps the sum of each target",
  (call) => {
    const text = `model M(image: [batch, rows = 4, cols = 4, channels = 1], target: [batch, classes = 3]) -> { image: [..], target: [..] } { ${call} }`;
    const model = lowered(text, "M", { training: true, batch: 2 });
    const pixels = Array.from({ length: 32 }, (_, i) => (i < 16 ? 0 : 1));
    const found = run(model, { image: pixels, target: [1, 0, 0, 0, 0, 1] });
    const mixed = [...found.get("target")!];
    expect(mixed[0]! + mixed[2]!).toBeCloseTo(1);
    expect(mixed[3]! + mixed[5]!).toBeCloseTo(1);
    // What the picture has of the other one is what the target has.
    const share = [...found.get("image")!].slice(0, 16).reduce((a, b) => a + b) / 16;
    expect(share).toBeCloseTo(mixed[2]!, 5);
  },
);
