// TensorFlow.js as a peer: `node bench/peers/tensorflow-js.mjs wasm|cpu`. WebAssembly has one thread in Node.
import { createRequire } from "node:module";
import { Cannot, oneHot, readTensors, serve } from "./files.mjs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const target = process.argv[2] ?? "wasm";
if (target === "wasm") {
  const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(
    `${new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url).pathname}`,
  );
}

/** Loads the backend. */
async function open() {
  if (target === "webgpu") {
    const { offerGpu } = await import("./gpu.ts");
    const { why } = await offerGpu();
    if (why !== undefined) throw new Cannot(why);
    try {
      require("@tensorflow/tfjs-backend-webgpu");
    } catch {
      throw new Cannot("the package @tensorflow/tfjs-backend-webgpu is not installed");
    }
  }
  if (!(await tf.setBackend(target))) throw new Cannot(`its backend ${target} does not start`);
  await tf.ready();
}

/** What a training step of convolutions and pools needs beside the forward kernels. */
const gradientKernels = ["Conv2DBackpropInput", "Conv2DBackpropFilter", "MaxPoolGrad"];

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

/** `mask` is added to the scores. */
function attention(x, p, name, heads, mask) {
  const [batch, tokens, width] = x.shape;
  const c = width / heads;
  const qkv = linear(x, p, `${name}.qkv`)
    .reshape([batch, tokens, 3, heads, c])
    .transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(qkv);
  const all = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(c));
  const scores = mask === undefined ? all : all.add(mask);
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
/** By the batch's own moments in training, and the running ones, which nothing here reads, are not kept. */
function batchNorm(x, p, name, isTrained) {
  const { mean, variance } = isTrained
    ? tf.moments(x, [0, 1, 2])
    : { mean: p[`${name}.running_mean`], variance: p[`${name}.running_var`] };
  return tf.batchNorm(x, mean, variance, p[`${name}.bias`], p[`${name}.scale`], 1e-5);
}

function encoder(y, p, name, { depth, heads }, mask) {
  for (let i = 0; i < depth; i++) {
    const at = `${name}layers.${i}`;
    y = y.add(attention(layerNorm(y, p, `${at}.norm1`), p, `${at}.attn`, heads, mask));
    y = y.add(mlp(layerNorm(y, p, `${at}.norm2`), p, `${at}.mlp`));
  }
  return layerNorm(y, p, `${name}norm`);
}

function tokenAt(x, place) {
  return x.slice([0, place, 0], [-1, 1, -1]).squeeze([1]);
}

function vit(p, image, name, network) {
  const x = patches(image, p, `${name}patch_embed`, network.patch);
  const [batch, , width] = x.shape;
  const token = p[`${name}class_token`].reshape([1, 1, width]).tile([batch, 1, 1]);
  const y = tf.concat([token, x], 1).add(p[`${name}position`]);
  return linear(tokenAt(encoder(y, p, name, network), 0), p, `${name}head`);
}

/** Words are looked up as a product with ones and zeros: the WebAssembly backend has no gradient of a look-up. */
function textTower(p, words, name, network, mask) {
  const table = p[`${name}words.weight`];
  const [batch, length, vocabulary] = words.shape;
  const found = tf.matMul(words.reshape([-1, vocabulary]), table).reshape([batch, length, -1]);
  const seen = encoder(found.add(p[`${name}position`]), p, name, network, mask);
  return tf.matMul(tokenAt(seen, length - 1), p[`${name}proj.weight`]);
}

const unit = (x) => x.div(x.square().sum(-1, true).sqrt());

/** The network on what is given by name -> logits. */
const families = {
  vit:
    (network) =>
    (p, { image }) =>
      vit(p, image, "", network),
  towers: (network) => {
    const { length } = network.textual;
    const above = tf.linalg.bandPart(tf.ones([length, length]), -1, 0).sub(1);
    const mask = above.mul(1e9);
    return (p, { image, words }) => {
      const u = unit(vit(p, image, "visual.", network.visual));
      const v = unit(textTower(p, words, "textual.", network.textual, mask));
      return tf.matMul(u, v, false, true).mul(p.log_scale.exp());
    };
  },
  mixer:
    ({ depth, patch }) =>
    (p, { image }) => {
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
  resnet:
    ({ depths }, isTrained) =>
    (p, { image }) => {
      const norm = (x, name) => batchNorm(x, p, name, isTrained);
      let x = tf.relu(norm(same(image, p["conv1.weight"], 2), "bn1"));
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
          let y = tf.relu(norm(same(x, p[`${at}.conv1.weight`], 1), `${at}.bn1`));
          y = tf.relu(norm(same(y, p[`${at}.conv2.weight`], stride), `${at}.bn2`));
          y = norm(same(y, p[`${at}.conv3.weight`], 1), `${at}.bn3`);
          const projected = p[`${at}.downsample.conv.weight`];
          x = tf.relu(
            y.add(projected ? norm(same(x, projected, stride), `${at}.downsample.bn`) : x),
          );
        }
      });
      return linear(x.mean([1, 2]), p, "fc");
    },
};

/** What the network takes, and what its logits are held against. */
function inputsOf(data, network) {
  const tensor = ({ values, shape }) => tf.tensor(values, shape);
  const image = tensor(data.get("image"));
  const [batch] = image.shape;
  const label = data.get("label");
  if (network.family !== "towers")
    return { image, wanted: label && tensor(oneHot(label.values, 10)) };
  const { length, vocabulary } = network.textual;
  const words = tensor(oneHot(data.get("text").values, vocabulary));
  return { image, words: words.reshape([batch, length, vocabulary]), wanted: tf.eye(batch) };
}

/** Over all pairs where both axes are the batch. */
function lossOf(logits, wanted, { family }) {
  const score = (each) => tf.logSoftmax(each).mul(wanted).sum();
  const sum =
    family === "towers" ? score(logits).add(score(logits.transpose())).div(2) : score(logits);
  return sum.div(-wanted.shape[0]);
}

await serve(async ({ workload, weights, batch }) => {
  await open();
  if (workload.network.family === "resnet" && workload.kind === "train") {
    const missing = gradientKernels.filter((each) => tf.getKernel(each, target) === undefined);
    if (missing.length > 0)
      throw new Cannot(`its ${target} backend has no kernel ${missing.join(", ")}`);
  }
  const isTrained = workload.kind === "train";
  const network = families[workload.network.family](workload.network, isTrained);
  const p = Object.fromEntries(
    [...readTensors(weights)].map(([name, { shape, values }]) => {
      const tensor = tf.tensor(values, shape);
      return [name, isTrained && !name.includes(".running_") ? tf.variable(tensor) : tensor];
    }),
  );
  const data = readTensors(batch);
  const { wanted, ...given } = inputsOf(data, workload.network);
  const version = `TensorFlow.js ${tf.version.tfjs}, ${target}`;
  if (!isTrained)
    return {
      version,
      run: async () => {
        const y = tf.tidy(() => network(p, given).square().sum());
        const [sum] = await y.data();
        y.dispose();
        return sum;
      },
    };
  const adam = tf.train.adam(workload.rate, 0.9, 0.999, 1e-8);
  return {
    version,
    run: async () => {
      const loss = adam.minimize(() => lossOf(network(p, given), wanted, workload.network), true);
      const [value] = await loss.data();
      loss.dispose();
      return value;
    },
  };
});
