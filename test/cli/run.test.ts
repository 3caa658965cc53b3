// `vit run`: named tensors in, named tensors out, so that a model can be held against another library's.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../runtime/checkpoint/safetensors.ts";
import type { StoredTensor } from "../../runtime/checkpoint/safetensors.ts";
import { asFloat32, storeFloat32, storeInt32 } from "../../runtime/checkpoint/stored-values.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { open, runModel } from "../../index.ts";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit } from "./run-vit.ts";

process.env["VITRAIL_ADAPTER"] = "software";

const towers = `
model Towers(width: int = 2)(image: [batch, rows = 2, cols = 3, channels = 1]?, text: int[batch, letters]?)
      -> { image: [batch, width], text: [batch, width], scale: [] } {
  param log_scale [] ~ zeros
  {
    image = image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels] |> look: Linear(width) |> [batch, width],
    text  = text |> read: Embedding(5, width) |> [batch, letters, width] |> mean(letters),
    scale = exp(log_scale),
  }
}
`;

/** Weights that make the answers plain: the image's output is (sum of pixels, first pixel), an id's vector (id, -id). */
const towerWeights = {
  log_scale: storeFloat32(Float32Array.of(Math.log(3)), []),
  "look.weight": storeFloat32(Float32Array.of(1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0), [6, 2]),
  "look.bias": storeFloat32(Float32Array.of(0, 10), [2]),
  "read.weight": storeFloat32(
    Float32Array.from({ length: 10 }, (_, i) => (i % 2 ? -1 : 1) * (i >> 1)),
    [5, 2],
  ),
};

const image = storeFloat32(
  Float32Array.from({ length: 12 }, (_, i) => i),
  [2, 2, 3, 1],
);
const text = {
  dtype: "I64",
  shape: [2, 4],
  bytes: new Uint8Array(BigInt64Array.of(1n, 2n, 3n, 4n, 4n, 4n, 4n, 4n).buffer),
} as const;

function write(path: string, tensors: Readonly<Record<string, StoredTensor>>): string {
  const writer = nodeHost.files.create(path);
  writeSafetensors(writer, new Map(Object.entries(tensors)));
  writer.close();
  return path;
}

interface Case {
  readonly spec?: string;
  readonly weights?: Readonly<Record<string, StoredTensor>>;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly words?: readonly string[];
}

/** Runs `vit run` in a folder of its own. */
async function runCase({ spec = towers, weights = towerWeights, inputs, words = [] }: Case) {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/towers.vit`, spec);
  write(`${folder}/w.safetensors`, weights);
  write(`${folder}/in.safetensors`, inputs);
  const out = `${folder}/out.safetensors`;
  const ran = await runVit(
    "run", `${folder}/towers.vit`, "--weights", `${folder}/w.safetensors`,
    "--inputs", `${folder}/in.safetensors`, "--out", out, ...words,
  ); // prettier-ignore
  const outputs = existsSync(out) ? readSafetensors(nodeHost.files, out).tensors : undefined;
  return { ...ran, folder, outputs };
}

function numbers(tensors: ReadonlyMap<string, StoredTensor> | undefined) {
  return Object.fromEntries([...tensors!].map(([name, tensor]) => [name, [...asFloat32(tensor)]]));
}

describe.each(["interpret", "wasm", "webgpu"])("on %s", (device) => {
  test("outputs by name, the batch from the inputs", async () => {
    const { code, out, outputs } = await runCase({
      inputs: { image, text },
      words: ["--device", device],
    });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^image {2}F32\[2, 2\]\ntext {3}F32\[2, 2\]\nscale {2}F32\[\]\nwritten to /,
    );
    const found = numbers(outputs);
    expect(found["image"]).toEqual([15, 10, 51, 16]);
    expect(found["text"]).toEqual([2.5, -2.5, 4, -4]);
    expect(found["scale"]![0]).toBeCloseTo(3, 5);
  });

  test("a tower alone: the other input and its weights may be missing", async () => {
    const { "look.weight": _, "look.bias": __, ...weights } = towerWeights;
    const { outputs } = await runCase({ weights, inputs: { text }, words: ["--device", device] });
    expect([...outputs!.keys()].sort()).toEqual(["scale", "text"]);
  });
});

test("settings can be overridden; an output without a name is `output`", async () => {
  const spec =
    "model One(width: int)(x: [batch, n]) -> [batch, width] { x |> fc: Linear(width) |> [batch, width] }";
  const weights = {
    "fc.weight": storeFloat32(Float32Array.of(2, 3), [1, 2]),
    "fc.bias": storeFloat32(Float32Array.of(1, 1), [2]),
  };
  const inputs = { x: storeFloat32(Float32Array.of(5), [1, 1]) };
  const { outputs } = await runCase({
    spec,
    weights,
    inputs,
    words: ["--set", "width=2", "--device", "wasm"],
  });
  expect(numbers(outputs)).toEqual({ output: [11, 16] });
});

test("weights of another library, by its names and in its layout", async () => {
  const spec =
    "model One(x: [batch, n = 2]) -> [batch, width] { x |> fc: Linear(3) |> norm: BatchNorm(eps = 0) |> [batch, width] }";
  const weights = {
    "fc.weight": storeFloat32(Float32Array.of(1, 10, 2, 20, 3, 30), [3, 2]), // [out, in]
    "fc.bias": storeFloat32(Float32Array.of(0, 0, 1), [3]),
    "norm.weight": storeFloat32(Float32Array.of(1, 1, 2), [3]),
    "norm.bias": storeFloat32(Float32Array.of(0, 0, 0), [3]),
    "norm.running_mean": storeFloat32(Float32Array.of(0, 0, 1), [3]),
    "norm.running_var": storeFloat32(Float32Array.of(1, 1, 1), [3]),
    "norm.num_batches_tracked": storeInt32(Int32Array.of(7), []),
  };
  const inputs = { x: storeFloat32(Float32Array.of(1, 2), [1, 2]) };
  const words = ["--device", "interpret", "--as"];
  const { outputs } = await runCase({ spec, weights, inputs, words: [...words, "torch"] });
  expect(numbers(outputs)).toEqual({ output: [21, 42, 126] });
  const { "fc.bias": _, ...less } = weights;
  const lacking = await runCase({ spec, weights: less, inputs, words: [...words, "torch"] });
  expect([lacking.code, lacking.err]).toEqual([1, expect.stringContaining("fc.bias")]);
  const unknown = await runCase({ spec, weights, inputs, words: [...words, "torhc"] });
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("torhc")]);
});

test("statistics of batch norm are read, and names may stand under a net's", async () => {
  const spec =
    "model Normed(x: [batch, channels = 2]) -> [batch, channels] { x |> norm: BatchNorm(eps = 0) }";
  const one = {
    "norm.scale": storeFloat32(Float32Array.of(1, 2), [2]),
    "norm.bias": storeFloat32(Float32Array.of(0, 1), [2]),
    "norm.running_mean": storeFloat32(Float32Array.of(1, 0), [2]),
    "norm.running_var": storeFloat32(Float32Array.of(4, 1), [2]),
  };
  const under = (net: string) =>
    Object.fromEntries(Object.entries(one).map(([name, value]) => [`${net}.${name}`, value]));
  const inputs = { x: storeFloat32(Float32Array.of(5, 3), [1, 2]) };
  for (const weights of [one, under("model")])
    expect(numbers((await runCase({ spec, weights, inputs })).outputs)).toEqual({ output: [2, 7] });
  const two = { ...under("online"), ...under("target") };
  const { code, err } = await runCase({ spec, weights: two, inputs });
  expect([code, err]).toEqual([
    1,
    expect.stringContaining("holds this model more than once: online, target"),
  ]);
  const { outputs } = await runCase({ spec, weights: two, inputs, words: ["--net", "target"] });
  expect(numbers(outputs)).toEqual({ output: [2, 7] });
});

describe("what does not fit is said, and nothing is written", () => {
  const refused = async (wrong: Case) => {
    const { code, err, outputs, folder } = await runCase(wrong);
    expect(outputs).toBeUndefined();
    expect(readdirSync(folder).sort()).toEqual(["in.safetensors", "towers.vit", "w.safetensors"]);
    return { code, err: err.replaceAll(folder, "") };
  };

  test("an unknown input", async () => {
    const { code, err } = await refused({ inputs: { images: image } });
    expect(code).toBe(1);
    expect(err).toBe(
      "error[unlike-input]: Towers has no input `images`\n" +
        "   hint: rename it `image`: Towers takes image (float32, may be left out), text (int32, may be left out)\n",
    );
  });

  test("a missing input", async () => {
    const spec = towers.replace("channels = 1]?", "channels = 1]");
    const { code, err } = await refused({ spec, inputs: { text } });
    expect(code).toBe(1);
    expect(err).toContain("Towers needs its input `image`, but it is missing (given: text)");
  });

  test("an input of another size, or another batch than the one before", async () => {
    const wide = storeFloat32(new Float32Array(8), [2, 2, 2, 1]);
    const { code, err } = await refused({ inputs: { image: wide } });
    expect(code).toBe(1);
    expect(err).toContain(
      "error[input-shape]: the tensor for `image` is [2, 2, 2, 1], but [batch, rows = 2, cols = 3, channels = 1] is wanted",
    );
    const short = { image, text: storeInt32(new Int32Array(3), [3, 1]) };
    expect((await refused({ inputs: short })).err).toContain(
      "the tensor for `text` is [3, 1], but [batch = 2, letters] is wanted",
    );
  });

  test("an input of another type", async () => {
    const reals = storeFloat32(new Float32Array(2), [2, 1]);
    const { code, err } = await refused({ inputs: { text: reals } });
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("the tensor for `text` is F32, but I32 or I64 is wanted"),
    ]);
  });

  test("weights that lack tensors, or have them in another shape", async () => {
    const { "look.bias": _, ...less } = towerWeights;
    const lacking = await refused({ weights: less, inputs: { image } });
    expect(lacking.code).toBe(1);
    expect(lacking.err).toContain(
      "/w.safetensors lacks 1 of the 3 tensors of the model: look.bias",
    );
    const { err } = await refused({ inputs: { image }, words: ["--set", "width=3"] });
    expect(err).toContain("look.weight is [6, 2], not [6, 3]; look.bias is [2], not [3]");
  });

  test("a file that is cut short, or not there", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/w.safetensors`, "short");
    const { code, err } = await refused({
      inputs: { image },
      words: ["--weights", `${folder}/w.safetensors`],
    });
    expect([code, err]).toEqual([1, expect.stringContaining("has only 5 bytes")]);
    const gone = await refused({ inputs: { image }, words: ["--weights", "nowhere"] });
    expect([gone.code, gone.err]).toEqual([3, expect.stringContaining("there is no nowhere")]);
  });

  test("no folder to write to", async () => {
    const { code, err } = await refused({
      inputs: { image },
      words: ["--out", "nowhere/out.safetensors"],
    });
    expect([code, err]).toEqual([3, expect.stringContaining("error[missing-file]")]);
  });
});

test("a shipped model as a function: three devices give the same", async () => {
  const folder = temporaryFolder();
  const settings = {
    width: "24",
    depth: "2",
    heads: "3",
    hidden: "48",
    patch: "4",
    size: "12",
    classes: "5",
  };
  const target = "specs/vit.vit:ViT";
  const weights = write(`${folder}/w.safetensors`, generated(target, settings));
  const inputs = { image: { shape: [2, 12, 12, 3], values: wave(2 * 12 * 12 * 3, 0.7) } };
  const results = [];
  for (const device of ["interpret", "wasm", "webgpu"] as const)
    results.push((await runModel(target, { settings, weights, inputs, device }))["output"]!);
  const [exact, ...others] = results;
  expect(exact!.shape).toEqual([2, 5]);
  const largest = Math.max(...exact!.values.map(Math.abs));
  for (const { values } of others)
    values.forEach((value, i) =>
      expect(Math.abs(value - exact!.values[i]!) / largest).toBeLessThan(1e-5),
    );
});

function wave(length: number, pace: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(pace * (i + 1)));
}

/** Values for all parameters of a model, none of them zero. */
function generated(target: string, settings: Readonly<Record<string, string>>) {
  const spec = open(target, { settings });
  if (spec.kind !== "model") throw new Error(`${target} is no model`);
  return Object.fromEntries(
    spec.model.graph.parameters.map(({ path, shape }, place) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return [
        path,
        storeFloat32(
          wave(length, 0.3 + place / 7).map((value) => value / 3),
          shape,
        ),
      ];
    }),
  );
}
