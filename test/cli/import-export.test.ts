// `vit import` and `vit export`: weights under the names of others, in and out, or refused with nothing written.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { readSafetensors, writeSafetensors } from "../../runtime/checkpoint/safetensors.ts";
import type { StoredTensor } from "../../runtime/checkpoint/safetensors.ts";
import { asFloat32, asNumbers, storeFloat32 } from "../../runtime/checkpoint/stored-values.ts";
import type { ImportResult } from "../../runtime/spec/import-spec.ts";
import { nodeFiles } from "../../runtime/host/node.ts";
import { exportWeights, importWeights } from "../../index.ts";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit, runVitJson } from "./run-vit.ts";

vi.setConfig({ testTimeout: 60_000 });

const target = "specs/vit.vit:ViT";
const small =
  "--set width=8 --set depth=2 --set heads=2 --set hidden=16 --set patch=2 --set size=6 --set classes=5".split(
    " ",
  );
const formats = ["timm", "torchvision", "transformers", "big_vision", "vit_jax", "flax", "torch"];

function write(path: string, tensors: ReadonlyMap<string, StoredTensor>): string {
  const writer = nodeFiles.create(path);
  writeSafetensors(writer, tensors);
  writer.close();
  return path;
}

const tensorsOf = (path: string) => readSafetensors(nodeFiles, path).tensors;

/** First values of the small ViT as a file of ours, none of them 0. */
async function ourWeights(): Promise<string> {
  const path = `${temporaryFolder()}/ours.safetensors`;
  await runVit("export", target, ...small, "--as", "vitrail", "--out", path);
  const tensors = [...tensorsOf(path)].map(([name, { shape }], t) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [name, storeFloat32(Float32Array.from({ length: count }, (_, i) => 1 + i + 1000 * t), shape)] as const; // prettier-ignore
  });
  return write(path, new Map(tensors));
}

describe("what goes out comes back the same", () => {
  test.each(formats)("%s", async (format) => {
    const ours = await ourWeights();
    const [theirs, back] = ["theirs", "back"].map((name) => `${temporaryFolder()}/${name}`);
    const out = await runVit(
      "export",
      target,
      ...small,
      "--weights",
      ours,
      "--as",
      format,
      "--out",
      theirs!,
    );
    expect(out).toMatchObject({ code: 0, err: "" });
    const into = await runVit(
      "import",
      target,
      ...small,
      "--weights",
      theirs!,
      "--as",
      format,
      "--out",
      back!,
    );
    expect(into).toMatchObject({ code: 0, err: "" });
    const [first, last] = [tensorsOf(ours), tensorsOf(back!)];
    expect([...last.keys()].toSorted()).toEqual([...first.keys()].toSorted());
    for (const [name, tensor] of first) expect(last.get(name)).toEqual(tensor);
  });
});

test("a hidden layer before the head and a pool of attention have their names", async () => {
  const names = async (...words: string[]) => {
    const path = `${temporaryFolder()}/theirs.safetensors`;
    await runVit("export", target, ...small, ...words, "--as", "timm", "--out", path);
    return [...tensorsOf(path).keys()];
  };
  expect(await names("--set", "representation=7")).toContain("pre_logits.fc.weight");
  expect(await names("--set", "pool=map")).toContain("attn_pool.kv.weight");
  expect(await names()).toContain("norm.weight");
});

test("the report counts, and is there as JSON", async () => {
  const ours = await ourWeights();
  const theirs = `${temporaryFolder()}/theirs.safetensors`;
  await runVit("export", target, ...small, "--weights", ours, "--as", "timm", "--out", theirs);
  const larger = [...small, "--set", "size=10", "--set", "classes=3"];
  const words = [
    "import", target, ...larger, "--weights", theirs, "--as", "timm", "--out", `${theirs}.ours`,
    "--adapt", "position = resize(bicubic)", "--adapt", "head = fresh",
  ]; // prettier-ignore
  const { out } = await runVit(...words);
  expect(out).toContain("position [1, 10, 8] -> [26, 8], 3 x 3 to 5 x 5 behind 1");
  const report = await runVitJson<ImportResult>(...words);
  expect(report.resized).toHaveLength(1);
  expect(report.fresh).toEqual(["head.weight", "head.bias"]);
  expect(report.unused.toSorted()).toEqual(["head.bias", "head.weight"]);
  const tensors = tensorsOf(`${theirs}.ours`);
  expect(tensors.get("position")!.shape).toEqual([26, 8]);
  expect(asFloat32(tensors.get("position")!).subarray(0, 8)).toEqual(
    asFloat32(tensorsOf(ours).get("position")!).subarray(0, 8),
  );
  expect(Array.from(asNumbers(tensors.get("head.weight")!)).every((value) => value === 0)).toBe(true); // prettier-ignore
});

test("the same as functions", () => {
  const settings = { width: "8", depth: "1", heads: "2", hidden: "16", patch: "2", size: "6" };
  const folder = temporaryFolder();
  const [theirs, ours] = [`${folder}/theirs`, `${folder}/ours`];
  const { format, leftOut } = exportWeights(target, { as: "timm", settings, seed: 3, out: theirs });
  expect({ format, leftOut }).toEqual({ format: "timm", leftOut: [] });
  const options = { weights: theirs, as: "timm", settings, adapt: "head = fresh", out: ours };
  expect(importWeights(target, options).fresh).toEqual(["head.weight", "head.bias"]);
  expect(() => importWeights(target, { ...options, as: "torchvision" })).toThrow("does not fit");
});

describe("what does not fit is refused, and nothing is written", () => {
  async function refused(change: (tensors: Map<string, StoredTensor>) => void, ...words: string[]) {
    const folder = temporaryFolder();
    const path = `${folder}/theirs.safetensors`;
    await runVit("export", target, ...small, "--as", "timm", "--out", path);
    const tensors = new Map(tensorsOf(path));
    change(tensors);
    write(path, tensors);
    const out = `${folder}/ours.safetensors`;
    const ran = await runVit("import", target, ...small, "--weights", path, "--out", out, ...words);
    expect(existsSync(out) || existsSync(`${out}.writing`)).toBe(false);
    return ran;
  }

  test("a missing tensor", async () => {
    const { code, err } = await refused((all) => all.delete("cls_token"), "--as", "timm");
    expect(code).toBe(1);
    expect(err).toContain("it has no `cls_token`");
  });

  test("a wrong shape", async () => {
    const { code, err } = await refused(
      (all) => all.set("norm.weight", storeFloat32(new Float32Array(9), [9])),
      "--as", "timm",
    ); // prettier-ignore
    expect(code).toBe(1);
    expect(err).toContain("`norm.weight` is [9], not [8]");
  });

  test("names that all begin with a word that nobody mentioned", async () => {
    const prefixed = (all: Map<string, StoredTensor>) => {
      const tensors = [...all];
      all.clear();
      for (const [name, tensor] of tensors) all.set(`module.${name}`, tensor);
    };
    expect((await refused(prefixed, "--as", "timm")).err).toContain("--within module");
  });

  test("a format that nobody declares, and one that has no map for the model", async () => {
    expect((await refused(() => {}, "--as", "trimm")).err).toContain("there is no format `trimm`");
    const folder = temporaryFolder();
    const file = `${folder}/plain.vit`;
    writeFileSync(
      file,
      "model Plain(x: [batch, width = 4]) -> [batch, features] { x |> fc: Linear(3) }\n",
    );
    const { code, err } = await runVit("export", file, "--as", "timm", "--out", `${folder}/out`);
    expect(code).toBe(1);
    expect(err).toContain("nothing says what timm calls the parts of `Plain`");
    expect(existsSync(`${folder}/out`)).toBe(false);
  });

  test("a file cut short, and a pickle that asks for code", async () => {
    const folder = temporaryFolder();
    const whole = readFileSync("test/runtime/checkpoint/fixtures/plain.pth");
    writeFileSync(`${folder}/cut.pth`, whole.subarray(0, 2000));
    const run = (weights: string) =>
      runVit("import", target, ...small, "--weights", weights, "--as", "timm", "--out", `${folder}/out`); // prettier-ignore
    expect((await run(`${folder}/cut.pth`)).err).toContain("is cut short");
    const { code, err } = await run("test/runtime/checkpoint/fixtures/code.pth");
    expect(code).toBe(3);
    expect(err).toContain("asks to run `posix.system`");
    expect(existsSync(`${folder}/out`)).toBe(false);
  });
});

test("a recipe that was trained is exported from its run, and comes back into its net", async () => {
  const folder = temporaryFolder();
  const recipe = `${folder}/tiny.vit`;
  writeFileSync(
    recipe,
    `block Flat(image: [batch, rows, cols, channels]) -> [batch, features] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels] |> fc: Linear(10)
}

names timm of Flat {
  "fc" = "classifier"
}

recipe tiny() {
  net  model = Flat()
  data train = mnist(split = "train[:80]")
  view image = train.image |> scale(0..1)
  loss      = cross_entropy(model(image), train.label)
  batch     = 40
  length    = 2 steps
  optimizer = Adam()
  lr        = constant(0.01)
}
`,
  );
  await runVit("train", recipe, "--out", `${folder}/run`, "--device", "wasm");
  const { code } = await runVit(
    "export",
    `${folder}/run`,
    "--as",
    "timm",
    "--out",
    `${folder}/theirs`,
  );
  expect(code).toBe(0);
  const theirs = tensorsOf(`${folder}/theirs`);
  expect([...theirs].map(([name, { shape }]) => [name, shape])).toEqual([
    ["classifier.bias", [10]],
    ["classifier.weight", [10, 784]],
  ]);
  await runVit("import", recipe, "--weights", `${folder}/theirs`, "--as", "timm", "--out", `${folder}/ours`); // prettier-ignore
  const ours = tensorsOf(`${folder}/ours`);
  expect([...ours.keys()].toSorted()).toEqual(["model.fc.bias", "model.fc.weight"]);
  expect(asFloat32(ours.get("model.fc.bias")!)).toEqual(asFloat32(theirs.get("classifier.bias")!));
});
