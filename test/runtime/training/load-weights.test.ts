// `load model from ...`: parameters that start from a checkpoint of another run.
import { expect, test, vi } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { asFloat32 } from "../../../runtime/checkpoint/stored-values.ts";
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
    message: expect.stringMatching(/`model.fc2.weight` is \[16, 12\], but in .* it is \[16, 10\]/),
    hint: "load `model` with { fc2.weight = fresh } to start it anew",
  });
  await expect(parametersAfter(loading("nowhere.safetensors"), 0)).rejects.toThrow(
    "model is to be loaded from nowhere.safetensors, which is not there",
  );
});
