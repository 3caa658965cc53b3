// TensorFlow.js as a peer: `node bench/peers/tensorflow-js.mjs wasm|cpu`. WebAssembly has one thread in Node.
import { createRequire } from "node:module";
import { Cannot, readTensors, serve } from "./files.mjs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const target = process.argv[2] ?? "wasm";
if (target === "wasm") {
  const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(
    `${new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url).pathname}`,
  );
}

/** Of the last axis, whatever stands before it. */
function linear(x, p, name) {
  const weight = p[`${name}.weight`];
  const flat = tf.matMul(x.reshape([-1, weight.shape[0]]), weight).add(p[`${name}.bias`]);
  return flat.reshape([...x.shape.slice(0, -1), weight.shape[1]]);
}

function layerNorm(x, p, name) {
  const d = x.sub(x.mean(-1, true));
  const variance = d.square().mean(-1, true);
  return d.div(variance.add(1e-6).sqrt()).mul(p[`${name}.scale`]).add(p[`${name}.bias`]);
}

const gelu = (x) => x.mul(0.5).mul(tf.erf(x.mul(Math.SQRT1_2)).add(1));
const mlp = (x, p, name) => linear(gelu(linear(x, p, `${name}.fc1`)), p, `${name}.fc2`);

function attention(x, p, name, heads) {
  const [batch, tokens, width] = x.shape;
  const c = width / heads;
  const qkv = linear(x, p, `${name}.qkv`)
    .reshape([batch, tokens, 3, heads, c])
    .transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(qkv);
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(c));
  const y = tf.matMul(tf.softmax(scores), v);
  return linear(y.transpose([0, 2, 1, 3]).reshape([batch, tokens, width]), p, `${name}.proj`);
}

/** A convolution whose windows do not overlap is a matrix product: the WebAssembly backend has no gradient of others. */
function patches(image, p, name, patch) {
  const [batch, rows, cols, channels] = image.shape;
  const kernel = p[`${name}.weight`];
  const size = patch * patch * channels;
  const grid = image
    .reshape([batch * (rows / patch), patch, cols / patch, patch * channels])
    .transpose([0, 2, 1, 3])
    .reshape([-1, size]);
  return tf
    .matMul(grid, kernel.reshape([size, -1]))
    .add(p[`${name}.bias`])
    .reshape([batch, (rows * cols) / patch ** 2, -1]);
}

const same = (x, kernel, stride) => {
  const pad = (kernel.shape[0] - 1) / 2;
  return tf.conv2d(
    pad > 0
      ? x.pad([
          [0, 0],
          [pad, pad],
          [pad, pad],
          [0, 0],
        ])
      : x,
    kernel,
    stride,
    "valid",
  );
};
const batchNorm = (x, p, name) =>
  tf.batchNorm(
    x,
    p[`${name}.running_mean`],
    p[`${name}.running_var`],
    p[`${name}.bias`],
    p[`${name}.scale`],
    1e-5,
  );

const families = {
  vit:
    ({ depth, heads, patch }) =>
    (p, image) => {
      const x = patches(image, p, "patch_embed", patch);
      const [batch, , width] = x.shape;
      const token = p.class_token.reshape([1, 1, width]).tile([batch, 1, 1]);
      let y = tf.concat([token, x], 1).add(p.position);
      for (let i = 0; i < depth; i++) {
        y = y.add(attention(layerNorm(y, p, `layers.${i}.norm1`), p, `layers.${i}.attn`, heads));
        y = y.add(mlp(layerNorm(y, p, `layers.${i}.norm2`), p, `layers.${i}.mlp`));
      }
      return linear(layerNorm(y, p, "norm").slice([0, 0, 0], [-1, 1, -1]).squeeze([1]), p, "head");
    },
  mixer:
    ({ depth, patch }) =>
    (p, image) => {
      let y = patches(image, p, "stem", patch);
      for (let i = 0; i < depth; i++) {
        const mixed = mlp(
          layerNorm(y, p, `layers.${i}.norm1`).transpose([0, 2, 1]),
          p,
          `layers.${i}.mlp_tokens`,
        );
        y = y.add(mixed.transpose([0, 2, 1]));
        y = y.add(mlp(layerNorm(y, p, `layers.${i}.norm2`), p, `layers.${i}.mlp_channels`));
      }
      return linear(layerNorm(y, p, "norm").mean(1), p, "head");
    },
  /** In evaluation form. */
  resnet:
    ({ depths }) =>
    (p, image) => {
      let x = tf.relu(batchNorm(same(image, p["conv1.weight"], 2), p, "bn1"));
      x = tf.maxPool(
        x.pad([
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]),
        3,
        2,
        "valid",
      );
      depths.forEach((depth, stage) => {
        for (let block = 0; block < depth; block++) {
          const at = `trunk.layers.${stage}.blocks.${block}`;
          const stride = stage > 0 && block === 0 ? 2 : 1;
          let y = tf.relu(batchNorm(same(x, p[`${at}.conv1.weight`], 1), p, `${at}.bn1`));
          y = tf.relu(batchNorm(same(y, p[`${at}.conv2.weight`], stride), p, `${at}.bn2`));
          y = batchNorm(same(y, p[`${at}.conv3.weight`], 1), p, `${at}.bn3`);
          const projected = p[`${at}.downsample.conv.weight`];
          x = tf.relu(
            y.add(projected ? batchNorm(same(x, projected, stride), p, `${at}.downsample.bn`) : x),
          );
        }
      });
      return linear(x.mean([1, 2]), p, "fc");
    },
};

await serve(async ({ workload, weights, batch }) => {
  await tf.setBackend(target);
  await tf.ready();
  if (workload.network.family === "resnet" && workload.kind === "train")
    throw new Cannot("its WebAssembly backend has no gradient of convolutions");
  const network = families[workload.network.family](workload.network);
  const isTrained = workload.kind === "train";
  const p = Object.fromEntries(
    [...readTensors(weights)].map(([name, { shape, values }]) => {
      const tensor = tf.tensor(values, shape);
      return [name, isTrained ? tf.variable(tensor) : tensor];
    }),
  );
  const data = readTensors(batch);
  const image = tf.tensor(data.get("image").values, data.get("image").shape);
  const version = `TensorFlow.js ${tf.version.tfjs}, ${target}`;
  if (!isTrained)
    return {
      version,
      run: async () => {
        const y = tf.tidy(() => network(p, image).square().sum());
        const [sum] = await y.data();
        y.dispose();
        return sum;
      },
    };
  const label = tf.oneHot(tf.tensor1d(data.get("label").values, "int32"), 10).toFloat();
  const adam = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  return {
    version,
    run: async () => {
      const loss = adam.minimize(
        () => tf.neg(tf.logSoftmax(network(p, image)).mul(label).sum().div(label.shape[0])),
        true,
      );
      const [value] = await loss.data();
      loss.dispose();
      return value;
    },
  };
});
