// A Vision Transformer for digits with its loss, written with the builder: what tests of passes and of speed run on.
import type { Builder } from "../../../compiler/graph/builder.ts";
import type { Initializer, Node } from "../../../compiler/graph/graph.ts";

export interface VitSizes {
  readonly batch: number;
  readonly image: number;
  readonly channels: number;
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly classes: number;
}

export const digitsSizes: VitSizes = { batch: 64, image: 28, channels: 1, patch: 7, width: 64, depth: 6, heads: 4, classes: 10 }; // prettier-ignore
export const base16Sizes: VitSizes = { batch: 2, image: 224, channels: 3, patch: 16, width: 768, depth: 12, heads: 12, classes: 1000 }; // prettier-ignore

const initializer: Initializer = { kind: "normal", settings: { std: 0.02 } };

class Scope {
  readonly g: Builder;
  readonly parameters: Node[] = [];
  constructor(g: Builder) {
    this.g = g;
  }

  parameter(path: string, shape: readonly number[]): Node {
    const origin = { path };
    const node = this.g.parameter({ path, shape, dtype: "f32", initializer, trainable: true, block: "Test", origin }); // prettier-ignore
    this.parameters.push(node);
    return node;
  }

  /** The last axis of x through weight [in, out] and a bias. */
  linear(path: string, x: Node, out: number): Node {
    const last = x.shape.length - 1;
    const weight = this.parameter(`${path}.weight`, [x.shape[last]!, out]);
    const y = this.g.dot(x, weight, { contract: [[last], [0]] });
    return this.g.plus(y, this.g.broadcast(this.parameter(`${path}.bias`, [out]), y.shape, [last]));
  }

  layerNorm(path: string, x: Node): Node {
    const { g } = this;
    const last = x.shape.length - 1;
    const centred = g.subtract(x, g.spread(g.mean(x, [last]), x.shape, [last]));
    const variance = g.mean(g.multiply(centred, centred), [last]);
    const normal = g.multiply(centred, g.spread(g.rsqrt(g.plus(variance, 1e-6)), x.shape, [last]));
    const spread = (name: string) =>
      g.broadcast(this.parameter(`${path}.${name}`, [x.shape[last]!]), x.shape, [last]);
    return g.plus(g.multiply(normal, spread("scale")), spread("bias"));
  }

  attention(path: string, x: Node, heads: number): Node {
    const { g } = this;
    const [batch, tokens, width] = x.shape as [number, number, number];
    const c = width / heads;
    const packed = g.reshape(this.linear(`${path}.qkv`, x, 3 * width), [
      batch,
      tokens,
      3,
      heads,
      c,
    ]);
    const split = g.permute(packed, [2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((i) =>
      g.reshape(g.sliceAxis(split, 0, i, 1), [batch, heads, tokens, c]),
    );
    const lead = [[0, 1], [0, 1]] as const; // prettier-ignore
    const scores = g.divide(g.dot(q!, k!, { batch: lead, contract: [[3], [3]] }), Math.sqrt(c));
    const out = g.dot(g.softmax(scores, 3), v!, { batch: lead, contract: [[3], [2]] });
    return this.linear(`${path}.proj`, g.reshape(g.permute(out, [0, 2, 1, 3]), x.shape), width);
  }

  gelu(x: Node): Node {
    const { g } = this;
    return g.multiply(g.multiply(x, 0.5), g.plus(g.erf(g.multiply(x, Math.SQRT1_2)), 1));
  }

  layer(path: string, x: Node, heads: number): Node {
    const { g } = this;
    const width = x.shape[2]!;
    const mixed = g.plus(
      x,
      this.attention(`${path}.attn`, this.layerNorm(`${path}.norm1`, x), heads),
    );
    const hidden = this.gelu(
      this.linear(`${path}.mlp.up`, this.layerNorm(`${path}.norm2`, mixed), 4 * width),
    );
    return g.plus(mixed, this.linear(`${path}.mlp.down`, hidden, width));
  }
}

/** Mean cross-entropy of logits [batch, classes] and labels [batch]. */
function crossEntropy(g: Builder, logits: Node, label: Node): Node {
  const [batch, classes] = logits.shape as [number, number];
  const largest = g.stop(g.max(logits, [1]));
  const shifted = g.subtract(logits, g.spread(largest, logits.shape, [1]));
  const logSum = g.log(g.sum(g.exp(shifted), [1]));
  const chosen = g.sum(g.multiply(shifted, g.oneHot(label, classes)), [1]);
  return g.multiply(g.sum(g.subtract(logSum, chosen)), 1 / batch);
}

/** Adds the model and its loss; inputs `image` [batch, image, image, channels] and `label` [batch]. */
export function smallVit(
  g: Builder,
  sizes: VitSizes,
): { readonly loss: Node; readonly logits: Node; readonly parameters: readonly Node[] } {
  const { batch, image, channels, patch, width, depth, heads, classes } = sizes;
  const scope = new Scope(g);
  const grid = image / patch;
  const pixels = g.input("image", { shape: [batch, image, image, channels], dtype: "f32" });
  const cut = g.permute(
    g.reshape(pixels, [batch, grid, patch, grid, patch, channels]),
    [0, 1, 3, 2, 4, 5],
  );
  const patches = g.reshape(cut, [batch, grid * grid, patch * patch * channels]);
  const tokens = scope.linear("embed", patches, width);
  const first = g.broadcast(scope.parameter("class_token", [width]), [batch, 1, width], [2]);
  const joined = g.concat([first, tokens], 1);
  let x = g.plus(
    joined,
    g.broadcast(scope.parameter("position", joined.shape.slice(1)), joined.shape, [1, 2]),
  );
  for (let i = 0; i < depth; i++) x = scope.layer(`layers.${i}`, x, heads);
  const pooled = g.reshape(g.sliceAxis(scope.layerNorm("norm", x), 1, 0, 1), [batch, width]);
  const logits = scope.linear("head", pooled, classes);
  const loss = crossEntropy(g, logits, g.input("label", { shape: [batch], dtype: "i32" }));
  return { loss, logits, parameters: scope.parameters };
}
