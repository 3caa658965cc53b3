// `precision = f16`: products read halves, the loss is scaled, and a step that overflows is skipped.
import { expect, test, vi } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { asNumbers } from "../../../runtime/checkpoint/stored-values.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import type { TrainingEvent } from "../../../runtime/training/events.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 60_000 });

const whole = smallRecipe.replace("warmup = 1 epochs", "warmup = 4 steps");
const half = whole.replace("seed      = 0", "seed      = 0\n  precision = f16");
/** Gradients of a loss so large do not fit halves at the first scale. */
const overflowing = half.replace("cross_entropy(logits, train.label)", "3e4 * cross_entropy(logits, train.label)"); // prettier-ignore

type StepEvent = TrainingEvent & { readonly event: "step" };

async function run(text: string, want: string, steps: number, folder = temporaryFolder()) {
  const wish = { want, threads: 2, ...(want === "webgpu" ? { adapter: "software" as const } : {}) };
  const { request, events } = await requestFor(text, folder, wish, { steps });
  await train(request);
  await request.device.close();
  return {
    folder,
    steps: events.filter((event): event is StepEvent => event.event === "step"),
    scaling: scalingOf(folder),
  };
}

/** The loss scale and its count of sound steps, as the last checkpoint has them. */
function scalingOf(folder: string) {
  const { state } = loadCheckpoint(nodeFiles, latestCheckpoint(nodeFiles, folder)!.path);
  return ["loss_scale", "loss_scale_sound_steps"].map((path) => {
    const tensor = state.get(path);
    return tensor && asNumbers(tensor)[0];
  });
}

const losses = ({ steps }: { steps: readonly StepEvent[] }) => steps.map(({ loss }) => loss);

test("trains alike on every target, and nearly as in f32", async () => {
  const oracle = await run(half, "interpret", 12);
  const exact = await run(whole, "interpret", 12);
  expect(oracle.scaling).toEqual([2 ** 15, 12]);
  expect(exact.scaling).toEqual([undefined, undefined]);
  losses(oracle).forEach((loss, step) =>
    expect(Math.abs(loss / losses(exact)[step]! - 1), `step ${step}`).toBeLessThan(2e-3),
  );
  expect(losses(oracle)).not.toEqual(losses(exact));
  expect(losses(oracle).at(-1)!).toBeLessThan(losses(oracle)[0]! * 0.9);
  for (const want of ["wasm", "webgpu"]) {
    const got = await run(half, want, 12);
    losses(got).forEach((loss, step) =>
      expect(Math.abs(loss / losses(oracle)[step]! - 1), `${want} ${step}`).toBeLessThan(1e-3),
    );
    expect(got.scaling).toEqual(oracle.scaling);
  }
});

test.each(["interpret", "wasm", "webgpu"])(
  "on %s a step whose gradients overflow is skipped, and the scale falls until they fit",
  async (want) => {
    const { steps, scaling } = await run(overflowing, want, 12);
    const skipped = steps.filter((step) => step.skipped);
    expect(skipped.length).toBeGreaterThan(0);
    expect(skipped.length).toBeLessThan(12);
    // The skipped ones come first, each at half the scale of the one before.
    expect(steps.map(({ metrics }) => metrics["loss_scale"])).toEqual(
      steps.map((_, i) => 2 ** (15 - Math.min(i, skipped.length))),
    );
    expect(skipped.every(({ gradient_norm }) => !Number.isFinite(gradient_norm))).toBe(true);
    expect(steps.slice(skipped.length).every((step) => Number.isFinite(step.gradient_norm))).toBe(
      true,
    );
    expect(scaling).toEqual([2 ** (15 - skipped.length), 12 - skipped.length]);
  },
);

test("a skipped step renews no parameter and no slot", async () => {
  const before = await run(overflowing, "wasm", 0);
  const after = await run(overflowing, "wasm", 1);
  const [start, end] = [finalState(before.folder), finalState(after.folder)];
  expect(after.steps[0]!.skipped).toBe(true);
  expect(end.parameters).toEqual(start.parameters);
  const changed = Object.keys(end.state).filter((path) => end.state[path] !== start.state[path]);
  expect(changed).toEqual(["loss_scale"]);
});

test("a run that went on from a checkpoint has the bits of one that never stopped", async () => {
  for (const text of [
    overflowing,
    overflowing.replace("batch     = 32", "batch     = 32\n  accumulate = 4"),
  ]) {
    const { folder } = await run(text, "wasm", 2);
    await run(text, "wasm", 10, folder);
    const [resumed, whole] = [finalState(folder), finalState((await run(text, "wasm", 10)).folder)];
    expect(resumed.parameters).toEqual(whole.parameters);
    expect(resumed.state).toEqual(whole.state);
    expect(resumed.log).toEqual(whole.log);
  }
});

test("parts of a batch add up to the step of the whole batch", async () => {
  const plain = half.replace(" |> dropout(0.1)", "");
  const split = plain.replace("batch     = 32", "batch     = 32\n  accumulate = 4");
  const [expected, got] = [await run(plain, "interpret", 3), await run(split, "interpret", 3)];
  losses(got).forEach((loss, step) =>
    expect(Math.abs(loss / losses(expected)[step]! - 1)).toBeLessThan(1e-3),
  );
  expect(got.steps.map(({ metrics }) => metrics["loss_scale"])).toEqual([
    2 ** 15,
    2 ** 15,
    2 ** 15,
  ]);
});

test("an activation that is too large for a half ends the run, and is named", async () => {
  const large = half.replace("padding = 1) |> scale(0..1)", "padding = 1) |> scale(0..1e7)");
  await expect(run(large, "wasm", 2)).rejects.toMatchObject({
    message: expect.stringMatching(/in step 1 the loss is .*`cast` of `model/),
    hint: expect.stringMatching(/too large for a half .*`precision = f32`/),
  });
});

test("a gradient that overflows at the smallest scale ends the run", async () => {
  const hopeless = half.replace("cross_entropy(logits, train.label)", "1e12 * cross_entropy(logits, train.label)"); // prettier-ignore
  await expect(run(hopeless, "wasm", 40)).rejects.toThrow(/in step 16 the gradient's norm is .*/);
});
