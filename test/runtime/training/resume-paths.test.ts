// A run that stops and goes on has the bits of one that does not, on every fast path: one thread and two, with fused
// multiply-add and without, with layers computed again and not; the number of threads changes at the stop. WebGPU is in
// `recompute.test.ts`. Only fused multiply-add is part of what fixes the bits, and run.json names it.
import { describe, expect, test, vi } from "vitest";
import { train } from "../../../runtime/training/train.ts";
import { openRun } from "../../../runtime/training/run-folder.ts";
import type { DeviceWish } from "../../../runtime/device/chosen-device.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { layeredRecipe } from "./recomputed-recipe.ts";
import { requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

/** One sitting, up to a step or the end. */
async function sit(folder: string, text: string, wish: DeviceWish, steps?: number) {
  const more = steps === undefined ? {} : { steps };
  const { request, events } = await requestFor(text, folder, { want: "wasm", ...wish }, more);
  await train(request);
  await request.device.close();
  return { description: openRun(nodeFiles, folder).description, events };
}

function bitsOf(folder: string) {
  const { step, parameters, state } = finalState(folder);
  return { step, parameters, state };
}

const kept = layeredRecipe("");
const again = layeredRecipe("recompute layers");
const wholeRuns = new Map<boolean, ReturnType<typeof bitsOf>>();

describe.each([true, false])("fused multiply-add: %s", (relaxed) => {
  test("the run that never stops names what fixes its bits", async () => {
    const folder = temporaryFolder();
    const { fixes, choices } = (await sit(folder, kept, { threads: 1, relaxed })).description;
    wholeRuns.set(relaxed, bitsOf(folder));
    expect(fixes).toEqual({ device: "wasm", fusedMultiplyAdd: relaxed });
    expect(choices).toMatchObject({ threads: 1, features: fixes });
    expect(choices!.program!.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each([
    [1, "kept", kept],
    [1, "computed again", again],
    [2, "kept", kept],
    [2, "computed again", again],
  ])("%i threads, layers %s: a stop between leaves no trace", async (threads, _how, text) => {
    const folder = temporaryFolder();
    await sit(folder, text, { threads, relaxed }, 2);
    // The other number of threads after the stop.
    await sit(folder, text, { threads: 3 - threads, relaxed });
    expect(bitsOf(folder)).toEqual(wholeRuns.get(relaxed));
  });
});

test("a budget is that of the machine: one that has more threads computes more again, says so, and has the same bits", async () => {
  const folder = temporaryFolder();
  const first = await sit(folder, layeredRecipe("recompute to 1 GB"), { threads: 1 }, 0);
  const { bytes } = first.description.choices!.program!;
  const budget = layeredRecipe(`recompute to ${((bytes + 1) / 2 ** 20).toFixed(6)} MiB`);
  const other = temporaryFolder();
  const before = await sit(other, budget, { threads: 1 }, 2);
  expect(before.description.choices!.recomputed!.layers).toEqual([]);
  const after = await sit(other, budget, { threads: 2 });
  expect(after.events.find(({ event }) => event === "start")).toMatchObject({
    notes: [expect.stringMatching(/computed again were 0; .* here they are [1-5]: /)],
  });
  expect(bitsOf(other)).toEqual(wholeRuns.get(true));
});

test("with fused multiply-add the bits are others than without", () => {
  expect(wholeRuns.get(true)!.parameters).not.toEqual(wholeRuns.get(false)!.parameters);
});
