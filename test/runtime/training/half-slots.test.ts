// Adafactor keeps its momentum in bf16: each target rounds it alike, and a checkpoint holds what the device held.
import { expect, test, vi } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { asNumbers } from "../../../runtime/checkpoint/stored-values.ts";
import { roundToBf16 } from "../../../compiler/ops/half.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 60_000 });

/** 7 outputs more than classes, so that slots begin and end at odd elements. */
const recipe = smallRecipe
  .replace("fc1: Linear(16)", "fc1: Linear(17)")
  .replace("AdamW(betas = (0.9, 0.999), decay = 0.05)", "Adafactor(least = 8)")
  .replace("warmup = 1 epochs", "warmup = 2 steps");

async function run(want: string, steps: number, folder = temporaryFolder()) {
  const wish = { want, threads: 2, ...(want === "webgpu" ? { adapter: "software" as const } : {}) };
  const { request, events } = await requestFor(recipe, folder, wish, { steps });
  await train(request);
  await request.device.close();
  const losses = events.flatMap((event) => (event.event === "step" ? [event.loss] : []));
  const { parameters, state } = loadCheckpoint(
    nodeFiles,
    latestCheckpoint(nodeFiles, folder)!.path,
  );
  return { folder, losses, tensors: new Map([...parameters, ...state]) };
}

for (const want of ["wasm", "webgpu"])
  test(`momentum in bf16 on ${want} is the interpreter's`, async () => {
    const [oracle, got] = [await run("interpret", 6), await run(want, 6)];
    got.losses.forEach((loss, i) =>
      expect(Math.abs(loss / oracle.losses[i]! - 1), `loss ${i}`).toBeLessThan(1e-3),
    );
    for (const [path, tensor] of oracle.tensors) {
      const [values, others] = [asNumbers(tensor), asNumbers(got.tensors.get(path)!)];
      const [difference, whole] = [norm(values, others), norm(values)];
      expect(difference, path).toBeLessThanOrEqual(0.01 * whole + 1e-6);
      if (path.startsWith("m/")) expect(got.tensors.get(path)!.dtype).toBe("BF16");
      if (path.startsWith("m/"))
        expect(Array.from(others, roundToBf16)).toEqual(Array.from(others));
    }
  });

test("a run that went on from a checkpoint has the bits of one that never stopped", async () => {
  const { folder } = await run("wasm", 3);
  await run("wasm", 6, folder);
  const [resumed, whole] = [finalState(folder), finalState((await run("wasm", 6)).folder)];
  expect(resumed.parameters).toEqual(whole.parameters);
  expect(resumed.state).toEqual(whole.state);
});

function norm(values: ArrayLike<number>, from?: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values, (value, i) => value - (from?.[i] ?? 0)));
}
