// Which module is named where a loss or a gradient is not finite.
import { expect, test, vi } from "vitest";
import { nodeFiles } from "../../../runtime/host/node.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { initialize } from "../../../runtime/training/initialize.ts";
import { explainNotFinite } from "../../../runtime/training/not-finite.ts";
import { train } from "../../../runtime/training/train.ts";
import { WorldError } from "../../../runtime/errors.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

async function troubleOf(text: string, want = "wasm"): Promise<WorldError> {
  const { request } = await requestFor(text, temporaryFolder(), { want, threads: 1 });
  const error: unknown = await train(request).catch((reason: unknown) => reason);
  await request.device.close();
  expect(nodeFiles.exists(`${request.folder}/checkpoints`)).toBe(false);
  if (!(error instanceof WorldError)) throw error;
  return error;
}

for (const want of ["wasm", "interpret"]) {
  test(`a logarithm of what is negative, in the recipe, on ${want}`, async () => {
    const text = smallRecipe.replace("let logits = model(image)", "let logits = ln(model(image))");
    const { code, message, hint } = await troubleOf(text, want);
    expect(code).toBe("not-finite");
    expect(message).toBe(
      "in step 1 the loss is NaN; the first that broke is `log` of the recipe itself (recipe.vit); there is no checkpoint yet",
    );
    expect(hint).toBe("add a small number to what it takes (an eps), or lower the learning rate");
  });
}

test("a gradient that overflows though the loss does not", async () => {
  // sqrt has no finite slope at 0
  const text = smallRecipe.replace(
    "let logits = model(image)",
    "let logits = model(image) + sqrt(0 * model(image))",
  );
  const { message } = await troubleOf(text);
  expect(message).toMatch(/^in step 1 the gradient's norm is NaN \(the loss is \d\.\d+\); the first that broke is `\w+` of the recipe itself in its gradient/); // prettier-ignore
});

test("with accumulation, the part of the batch that broke is found too", async () => {
  const text = smallRecipe
    .replace("let logits = model(image)", "let logits = ln(model(image))")
    .replace("batch     = 32", "batch     = 32\n  accumulate = 2");
  expect((await troubleOf(text)).message).toMatch(/the first that broke is `log` of the recipe itself/); // prettier-ignore
});

test("a step that is finite with the parameters of later steps says so, and how to find what broke", async () => {
  const { request } = await requestFor(smallRecipe, temporaryFolder(), { want: "wasm", threads: 1 }); // prettier-ignore
  const loaded = await request.device.load(request.compiled);
  initialize(loaded, 0, nodeFiles);
  const inputs = new Map(
    loaded.inputs("train").map(({ name, shape, dtype }) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      return [
        name,
        dtype === "f32" ? new Float32Array(length).fill(0.5) : new Int32Array(length),
      ] as const;
    }),
  );
  const broken = {
    step: 7,
    loss: Number.NaN,
    gradientNorm: Number.NaN,
    runs: [{ entry: "train", inputs: new Map<string, TypedArray>(inputs) }],
    stepsSince: 3,
    checkpoint: "runs/x/checkpoints/4",
  };
  const { message, hint } = await explainNotFinite(loaded, broken);
  expect(message).toBe(
    "in step 7 the loss is NaN; with the parameters as they are 3 steps later all its values are finite; the checkpoint runs/x/checkpoints/4 is intact",
  );
  expect(hint).toMatch(/--metrics-every 1/);
  const same = await explainNotFinite(loaded, { ...broken, stepsSince: 0 });
  expect(same.message).toMatch(/only this device breaks there/);
  loaded.close();
  await request.device.close();
});
