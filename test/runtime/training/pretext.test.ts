// Pretext tasks train on wasm: a jigsaw puzzle of digits, and patches guessed where they are masked.
import { expect, test, vi } from "vitest";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

const settings = `
  batch     = 32
  optimizer = AdamW(betas = (0.9, 0.999))
  lr        = constant(3e-3)
  length    = 60 steps
  seed      = 0
`;

const jigsaw = `
model Jigsaw(permutations: int)
            (patches: [batch, cells = 4, rows = 12, cols = 12, channels = 1]) -> [batch, permutations] {
  patches
    |> [batch, cells, rows, cols, channels] -> [batch, cells, (rows cols channels) as features]
    |> tower: { fc: Linear(32) |> gelu }
    |> [batch, cells, features] -> [batch, (cells features) as features]
    |> hidden: Linear(32) |> gelu
    |> head: Linear(permutations)
}

recipe jigsaw {
  net  model  = Jigsaw(4)
  data train  = mnist(split = "train[:2000]")
  let  set    = spread_permutations(4, of = 4, by = mean)
  view puzzle = train.image |> scale(0..1) |> cut(2, patch = 12) |> shuffle_by(set)

  let guess = model(puzzle.patches)
  loss = cross_entropy(guess, puzzle.which)
  metric right = top1(guess, puzzle.which)
${settings}}
`;

const masked = `
model Masked(width: int = 32)
            (image: [batch, rows = 28, cols = 28, channels = 1], mask: bool[batch, tokens]) -> [batch, tokens, width] {
  param mask_token [width] ~ truncated(std = 0.02)
  param position [tokens = 49, width] ~ truncated(std = 0.02)
  image
    |> patch_embed: Conv(width, kernel = 4, stride = 4)
    |> [batch, rows, cols, width] -> [batch, (rows cols) as tokens, width]
    |> replace(mask, mask_token)
    |> add(position)
    |> layers: repeat 1 { TransformerLayer(heads = 4, hidden = 64) }
}

recipe masked {
  net  model = { encoder: Masked |> head: Linear(16) }
  data train = mnist(split = "train[:2000]")
  view image = train.image |> scale(0..1)
  view mask  = block_mask([rows = 7, cols = 7], count = 20, least = 4)

  let hidden = mask |> [batch, rows, cols] -> [batch, (rows cols) as tokens]
  let target = image |> [batch, (r y = 4), (c x = 4), channels] -> [batch, (r c) as tokens, (channels y x) as features]
  let guess  = model(image, mask = hidden)[width as features]
  loss = mean(mean((guess - target) ^ 2, features), where = hidden)
${settings}}
`;

test.each([
  ["jigsaw", jigsaw, 0.8],
  ["masked patches", masked, 0.8],
])("%s: the loss falls", async (_, text, share) => {
  const wish = { want: "wasm", threads: 2 } as const;
  const { request, events } = await requestFor(text, temporaryFolder(), wish);
  await train(request);
  await request.device.close();
  const losses = events.flatMap((event) => (event.event === "step" ? [event.loss] : []));
  expect(losses).toHaveLength(60);
  const mean = (some: readonly number[]) => some.reduce((sum, one) => sum + one) / some.length;
  expect(mean(losses.slice(-10))).toBeLessThan(share * mean(losses.slice(0, 5)));
});
