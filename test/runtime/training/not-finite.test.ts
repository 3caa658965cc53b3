// Which module is named where a loss or a gradient is not finite.
import { expect, test, vi } from "vitest";
import { nodeFiles } from "../../../runtime/host/node.ts";
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
