// `load model from ...`: parameters that start from a checkpoint of another run.
import { expect, test, vi } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { writeSafetensors } from "../../../runtime/checkpoint/safetensors.ts";
import type { StoredTensors } from "../../../runtime/checkpoint/safetensors.ts";
import { asFloat32, storeFloat32 } from "../../../runtime/checkpoint/stored-values.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

async function parametersAfter(text: string, steps: number) {
  const folder = temporaryFolder();
  const wish = { want: "wasm", threads: 1 };
  const { request } = await requestFor(text, folder, wish, { steps });
  try {
    await train(request);
  } finally {
    await request.device.close();
  }
  const { path } = latestCheckpoint(nodeFiles, folder)!;
  const { parameters } = loadCheckpoint(nodeFiles, path);
  return { path, values: (name: string) => asFloat32(parameters.get(name)!) };
}

/** Tensors as a file of another library. */
function written(tensors: StoredTensors): string {
  const path = `${temporaryFolder()}/theirs.safetensors`;
  const writer = nodeFiles.create(path);
  writeSafetensors(writer, tensors);
  writer.close();
  return path;
}

const counting = (...shape: number[]) =>
  storeFloat32(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
  );

function loading(path: string, more = ""): string {
  return smallRecipe.replace("seed      = 0", `seed      = 9\n  load model from "${path}"${more}`);
}

test("a net starts from a checkpoint, but for what is to be fresh", async () => {
  const before = await parametersAfter(smallRecipe, 3);
  const all = await parametersAfter(loading(before.path), 0);
  expect(all.values("model.fc2.weight")).toEqual(before.values("model.fc2.weight"));
  const some = await parametersAfter(loading(before.path, " { fc2 = fresh }"), 0);
  expect(some.values("model.fc1.weight")).toEqual(before.values("model.fc1.weight"));
  expect(some.values("model.fc2.weight")).not.toEqual(before.values("model.fc2.weight"));
});

test("what does not fit is an error that says how to start it anew", async () => {
  const before = await parametersAfter(smallRecipe, 1);
  const wider = loading(before.path).replace("Linear(10)", "Linear(12)");
  await expect(parametersAfter(wider, 0)).rejects.toMatchObject({
    message: expect.stringContaining("`model.fc2.weight` is [16, 10], not [16, 12]"),
    hint: expect.stringContaining("{ fc2.weight = fresh }"),
  });
  await expect(parametersAfter(loading("nowhere.safetensors"), 0)).rejects.toThrow(
    "model is to be loaded from nowhere.safetensors, which is not there",
  );
});

test("a net starts from another library's file, by its names and layout", async () => {
  const theirs = new Map([
    ["fc1.weight", counting(16, 784)],
    ["fc1.bias", counting(16)],
    ["fc2.weight", counting(10, 16)],
    ["fc2.bias", counting(10)],
  ]);
  const started = await parametersAfter(loading(written(theirs), " as torch"), 0);
  expect([...started.values("model.fc1.weight").subarray(0, 3)]).toEqual([0, 784, 1568]);
  expect(started.values("model.fc2.bias")).toEqual(asFloat32(counting(10)));
});

test("of a file that does not fit nothing is loaded, and all of it is told at once", async () => {
  const theirs = new Map([
    ["module.fc1.weight", counting(16, 784)],
    ["module.fc1.bias", counting(16)],
  ]);
  await expect(parametersAfter(loading(written(theirs), " as torch"), 0)).rejects.toMatchObject({
    code: "unlike-checkpoint",
    message: expect.stringContaining(
      "it has no `fc1.weight`, `fc1.bias`, `fc2.weight`, `fc2.bias`",
    ),
    hint: expect.stringContaining("its names begin with module"),
  });
});

test("a twin of what is loaded starts as it", async () => {
  const twin = (text: string) =>
    text
      .replace("  data train", "  twin slow = ema(model, decay = 0.5)\n  data train")
      .replace("top1(model(clean)", "top1(slow(clean)");
  const before = await parametersAfter(smallRecipe, 1);
  const folder = temporaryFolder();
  const text = twin(loading(before.path));
  const { request } = await requestFor(text, folder, { want: "wasm", threads: 1 }, { steps: 0 });
  try {
    await train(request);
  } finally {
    await request.device.close();
  }
  const { state } = loadCheckpoint(nodeFiles, latestCheckpoint(nodeFiles, folder)!.path);
  expect(asFloat32(state.get("slow.fc1.weight")!)).toEqual(before.values("model.fc1.weight"));
});

const patches = `
model Small(size: int = 28, patch: int = 7, width: int = 4, classes: int = 10)
           (image: [batch, rows = size, cols = size, channels = 1]) -> [batch, features] {
  let grid = size / patch
  param class_token [width] ~ zeros
  param position [tokens = grid ^ 2 + 1, width] ~ normal(std = 0.02)
  image |> patch_embed: Conv(width, kernel = patch, stride = patch)
        |> [batch, rows, cols, width] -> [batch, (rows cols) as tokens, width]
        |> prepend(class_token, tokens) |> add(position) |> take(tokens, 0) |> head: Linear(classes)
}

names timm of Small {
  "class_token" = "cls_token" [1, 1, width] -> [width]
  "position"    = "pos_embed" [1, tokens, width] -> [tokens, width]
  "patch_embed" = "patch_embed.proj"
}
`;

test("positions are resized as the model's text has them: a class token, then a square", async () => {
  const theirs = new Map([
    ["cls_token", counting(1, 1, 4)],
    ["pos_embed", counting(1, 5, 4)], // a class token and 2 x 2
    ["patch_embed.proj.weight", counting(4, 1, 7, 7)],
    ["patch_embed.proj.bias", counting(4)],
  ]);
  const recipe = (changes: string) =>
    patches +
    loading(written(theirs), ` as timm { ${changes} }`).replace(
      /net model = \{[^}]*\}/,
      "net model = Small()",
    );
  const started = await parametersAfter(recipe("position = resize(bilinear), head = fresh"), 0);
  const position = started.values("model.position");
  expect([...position.subarray(0, 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...position.subarray(-4)]).toEqual([16, 17, 18, 19]);
  expect([...started.values("model.patch_embed.weight").subarray(0, 2)]).toEqual([0, 49]);
  await expect(parametersAfter(recipe("head = fresh"), 0)).rejects.toMatchObject({
    message: expect.stringContaining("`pos_embed` is [1, 5, 4], not [1, 17, 4]"),
  });
});
