// jax-js as a peer: `node bench/peers/jax-js.mjs wasm|webgpu`. A whole step is one jit, as its users are told to write it.
import { readFileSync } from "node:fs";
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { Cannot, oneHot, readTensors, serve } from "./files.mjs";

const target = process.argv[2] ?? "wasm";

// Arrays are owned: what uses one consumes it, `.ref` keeps it.
const linear = (x, p, name) => np.matmul(x, p[`${name}.weight`].ref).add(p[`${name}.bias`].ref);

function layerNorm(x, p, name) {
  const mean = x.ref.mean(-1, { keepdims: true });
  const d = x.sub(mean);
  const variance = np.square(d.ref).mean(-1, { keepdims: true });
  return d
    .div(np.sqrt(variance.add(1e-6)))
    .mul(p[`${name}.scale`].ref)
    .add(p[`${name}.bias`].ref);
}

const mlp = (x, p, name) =>
  linear(nn.gelu(linear(x, p, `${name}.fc1`), { approximate: false }), p, `${name}.fc2`);

/** `mask` is added to the scores. */
function attention(x, p, name, heads, mask) {
  const [batch, tokens, width] = x.shape;
  const c = width / heads;
  const qkv = linear(x, p, `${name}.qkv`).reshape([batch, tokens, 3, heads, c]);
  const part = (i) => (i < 2 ? qkv.ref : qkv).slice([], [], i).transpose([0, 2, 1, 3]);
  const [q, k, v] = [part(0), part(1), part(2)];
  const all = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(c));
  const scores = mask === undefined ? all : all.add(mask.ref);
  const y = np.matmul(nn.softmax(scores, -1), v);
  return linear(y.transpose([0, 2, 1, 3]).reshape([batch, tokens, width]), p, `${name}.proj`);
}

/** A convolution whose windows do not overlap is a matrix product. */
function patches(image, p, name, patch) {
  const [batch, rows, cols, channels] = image.shape;
  const kernel = p[`${name}.weight`].ref;
  const width = kernel.shape[3];
  const grid = image
    .reshape([batch, rows / patch, patch, cols / patch, patch, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, (rows * cols) / patch ** 2, patch * patch * channels]);
  return np
    .matmul(grid, kernel.reshape([patch * patch * channels, width]))
    .add(p[`${name}.bias`].ref);
}

function encoder(y, p, name, { depth, heads }, mask) {
  for (let i = 0; i < depth; i++) {
    const at = `${name}layers.${i}`;
    y = y.ref.add(attention(layerNorm(y, p, `${at}.norm1`), p, `${at}.attn`, heads, mask));
    y = y.ref.add(mlp(layerNorm(y, p, `${at}.norm2`), p, `${at}.mlp`));
  }
  return layerNorm(y, p, `${name}norm`);
}

function vit(p, image, name, network) {
  const x = patches(image, p, `${name}patch_embed`, network.patch);
  const [batch, , width] = x.shape;
  const token = p[`${name}class_token`].ref.reshape([1, 1, width]);
  const y = np.concatenate([np.broadcastTo(token, [batch, 1, width]), x], 1);
  const seen = encoder(y.add(p[`${name}position`].ref), p, name, network);
  return linear(seen.slice([], 0), p, `${name}head`);
}

/** Words are looked up as a product with ones and zeros. */
function textTower(p, words, name, network, mask) {
  const y = np.matmul(words, p[`${name}words.weight`].ref).add(p[`${name}position`].ref);
  const seen = encoder(y, p, name, network, mask).slice([], network.length - 1);
  return np.matmul(seen, p[`${name}proj.weight`].ref);
}

const unit = (x) => x.ref.div(np.sqrt(np.square(x).sum(-1, { keepdims: true })));

/** The network on what is given by name -> logits. */
const families = {
  vit:
    (network) =>
    (p, { image }) =>
      vit(p, image, "", network),
  towers: (network) => {
    const { length } = network.textual;
    const mask = np
      .array(
        Float32Array.from({ length: length ** 2 }, (_, at) =>
          at % length > Math.floor(at / length) ? -1e9 : 0,
        ),
      )
      .reshape([length, length]);
    return (p, { image, words }) => {
      const u = unit(vit(p, image, "visual.", network.visual));
      const v = unit(textTower(p, words, "textual.", network.textual, mask));
      return np.matmul(u, v.transpose()).mul(np.exp(p.log_scale.ref));
    };
  },
  mixer:
    ({ depth, patch }) =>
    (p, { image }) => {
      let y = patches(image, p, "stem", patch);
      for (let i = 0; i < depth; i++) {
        const mixed = mlp(
          layerNorm(y.ref, p, `layers.${i}.norm1`).transpose([0, 2, 1]),
          p,
          `layers.${i}.mlp_tokens`,
        );
        y = y.add(mixed.transpose([0, 2, 1]));
        y = y.ref.add(mlp(layerNorm(y, p, `layers.${i}.norm2`), p, `layers.${i}.mlp_channels`));
      }
      return linear(layerNorm(y, p, "norm").mean(1), p, "head");
    },
};

/** What the network takes, and what its logits are held against. */
function inputsOf(data, network, tensor) {
  const image = tensor(data.get("image"));
  const [batch] = data.get("image").shape;
  if (network.family !== "towers")
    return { image, wanted: tensor(oneHot(data.get("label").values, 10)) };
  const { length, vocabulary } = network.textual;
  const { shape, values } = oneHot(data.get("text").values, vocabulary);
  const words = tensor({ shape: [batch, length, shape[1]], values });
  return { image, words, wanted: np.eye(batch) };
}

/** The GPU, or as many workers as the others have threads: jax-js asks the browser how many there are. */
async function offer({ threads }) {
  if (target === "webgpu") {
    const { offerGpu } = await import("./gpu.ts");
    const { why } = await offerGpu();
    if (why !== undefined) throw new Cannot(why);
    return;
  }
  const value = { userAgent: "Node.js", hardwareConcurrency: threads };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
}

await serve(async (request) => {
  const { workload, weights, batch } = request;
  await offer(request);
  const devices = await init(target);
  if (!devices.includes(target)) throw new Cannot(`jax-js has no ${target} in Node`);
  defaultDevice(target);
  const make = families[workload.network.family];
  if (make === undefined)
    throw new Cannot(
      "written for transformers and mixers: batch norm keeps statistics, which it has no place for",
    );
  const network = make(workload.network);
  const tensor = ({ shape, values }) => np.array(values).reshape(shape);
  let p = Object.fromEntries([...readTensors(weights)].map(([name, each]) => [name, tensor(each)]));
  const given = inputsOf(readTensors(batch), workload.network, tensor);
  const { version } = JSON.parse(
    readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
  );
  const about = `jax-js ${version}, ${target}`;

  if (workload.kind === "forward") {
    const forward = jit((weightsIn, x) => {
      const y = np.square(network(weightsIn, { image: x })).sum();
      tree.dispose(weightsIn);
      return y;
    });
    return {
      version: about,
      run: async () => (await forward(tree.ref(p), given.image.ref).data())[0],
    };
  }

  const { wanted: targets, ...inputs } = given;
  /** Over all pairs where both axes are the batch. */
  const loss = (weightsIn, given, wanted) => {
    const logits = network(weightsIn, given);
    const isPaired = workload.network.family === "towers";
    const score = (axis) => nn.logSoftmax(logits.ref, axis).mul(wanted.ref).sum();
    const sum = isPaired
      ? score(0)
          .add(score(1))
          .mul(1 / 2)
      : score(-1);
    logits.dispose();
    wanted.dispose();
    tree.dispose(weightsIn);
    return sum.mul(-1 / workload.batch);
  };
  const zeros = () =>
    Object.fromEntries(Object.entries(p).map(([name, each]) => [name, np.zeros(each.shape)]));
  let [m, v, t] = [zeros(), zeros(), 0];
  const step = jit((p, m, v, corrections, given, wanted) => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(p), given, wanted);
    const [next, nextM, nextV] = [{}, {}, {}];
    for (const name of Object.keys(p)) {
      const g = gradients[name];
      nextM[name] = m[name].mul(0.9).add(g.ref.mul(0.1));
      nextV[name] = v[name].mul(0.999).add(np.square(g).mul(0.001));
      const root = np.sqrt(nextV[name].ref.mul(corrections.ref.slice(1))).add(1e-8);
      next[name] = p[name].sub(
        nextM[name].ref.mul(corrections.ref.slice(0)).mul(workload.rate).div(root),
      );
    }
    corrections.dispose();
    return [value, next, nextM, nextV];
  });
  return {
    version: about,
    run: async () => {
      t++;
      const corrections = np.array(Float32Array.of(1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)));
      const [value, ...next] = step(p, m, v, corrections, tree.ref(inputs), targets.ref);
      [p, m, v] = next;
      const [number] = await value.data();
      await Promise.all(Object.values(p).map((each) => each.blockUntilReady()));
      return number;
    },
  };
});
