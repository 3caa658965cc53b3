// A recipe with all that could come out otherwise when it is computed twice: dropout, drop path, dropped tokens, attention,
// layer and batch norms, the latter's statistics, a convolution.

/** @param recompute a clause, or nothing */
export function layeredRecipe(recompute: string): string {
  return `
block Layer(drop: prob)(x: [batch, tokens, width]) -> [batch, tokens, width] {
  let summary = x |> drop_tokens(50%) |> mean(tokens) |> tell: Linear(width) |> [batch, width]
  x |> residual { norm1: LayerNorm |> attn: Attention(2) |> dropout(0.1) |> drop_path(drop) }
    |> residual { norm2: BatchNorm |> mlp: Mlp(32) |> dropout(0.1) |> drop_path(drop) }
    |> add(summary)
}

block Stage(image: [batch, rows, cols, channels]) -> [batch, rows, cols, channels] {
  image |> residual { conv1: Conv(channels, 3, padding = 1) |> norm: BatchNorm |> relu |> conv2: Conv(channels, 3, padding = 1) }
}

recipe layered(length: duration = 2 epochs) {
  net model = {
    stem: Conv(4, 4, stride = 4)
      |> stages: repeat 2 { Stage }
      |> [batch, rows, cols, channels] -> [batch, (rows cols) as tokens, channels as width]
      |> widen: Linear(16)
      |> layers: repeat 3 { Layer(0.2) }
      |> norm: LayerNorm
      |> mean(tokens)
      |> head: Linear(10)
  }
  data train = mnist(split = "train[:24]")
  data test  = mnist(split = "test[:8]")
  view image = train.image |> random_crop(28, padding = 1) |> scale(0..1)
  view clean = test.image |> scale(0..1)

  let logits = model(image)
  loss       = cross_entropy(logits, train.label)

  batch     = 8
  optimizer = AdamW(decay = 0.05)
  lr        = constant(2e-3)
  clip      = 1.0
  ${recompute}

  metric   train_top1 = top1(logits, train.label)
  evaluate accuracy   = top1(model(clean), test.label) every 1 epochs
}
`;
}
