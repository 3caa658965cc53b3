// Metrics read in groups, a few steps ahead of them: every number, the log and the last bits stay what they are.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import type { TrainingEvent } from "../../../runtime/training/events.ts";
import type { RunDescription } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import type { TrainingRequest } from "../../../runtime/training/training-request.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 240_000 });

const text = smallRecipe.replace("3 epochs", "24 steps");

async function run(recipe: string, more: Partial<TrainingRequest>, folder = temporaryFolder()) {
  const wish = { want: "webgpu", adapter: "software" } as const;
  const { request, events } = await requestFor(recipe, folder, wish, more);
  try {
    await train(request);
  } finally {
    await request.device.close();
  }
  return { folder, events, ...finalState(folder) };
}

const numbers = (events: readonly TrainingEvent[]) =>
  events.map(({ event, step, loss }) => ({ event, step, loss }));

test("a run has the same log, state and events however often its metrics are read", async () => {
  const each = await run(text, { metricsEvery: 1 });
  expect(each.events.filter(({ event }) => event === "step")).toHaveLength(24);
  const { fixes } = JSON.parse(readFileSync(`${each.folder}/run.json`, "utf8")) as RunDescription;
  expect(fixes).toMatchObject({
    device: "webgpu",
    tiles: "software",
    subgroups: 4,
    halves: "32 bits",
  });
  for (const more of [{ metricsEvery: 5 }, { metricsEvery: 64 }, {}]) {
    const got = await run(text, more);
    expect(numbers(got.events)).toEqual(numbers(each.events));
    expect([got.parameters, got.state, got.log]).toEqual([each.parameters, each.state, each.log]);
  }
});

test("a run that stops between two groups goes on with the bits of one that never stopped", async () => {
  const whole = await run(text, { metricsEvery: 1 });
  const folder = temporaryFolder();
  await run(text, { metricsEvery: 8, steps: 13 }, folder);
  const resumed = await run(text, { metricsEvery: 8 }, folder);
  expect([resumed.parameters, resumed.state, resumed.log]).toEqual([whole.parameters, whole.state, whole.log]); // prettier-ignore
});

test("stopped by the signal, every step that was started is in the log and the checkpoint", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const { step, log } = await run(text, {
    metricsEvery: 4,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.event === "step" && seen.push(event.step) === 4) controller.abort();
    },
  });
  expect(step).toBeGreaterThanOrEqual(4);
  expect(step).toBeLessThan(24);
  expect(seen).toEqual(Array.from({ length: step }, (_, i) => i + 1));
  expect(log).toHaveLength(step);
});

test("steps with overflowing gradients are skipped wherever in a group they are", async () => {
  const overflowing = text
    .replace("seed      = 0", "seed      = 0\n  precision = f16")
    .replace("cross_entropy(logits, train.label)", "3e4 * cross_entropy(logits, train.label)");
  const [each, grouped] = [
    await run(overflowing, { metricsEvery: 1, steps: 12 }),
    await run(overflowing, { metricsEvery: 8, steps: 12 }),
  ];
  expect(each.events.some((event) => event.event === "step" && event.skipped)).toBe(true);
  expect(grouped.state).toEqual(each.state);
  expect(grouped.log).toEqual(each.log);
});

/** From step 6 on, the loss is a logarithm of what is negative. */
const breaking = text.replace("let logits = model(image)", "let bound = if step < 5 steps then 40 else -400\n  let logits = ln(model(image) + bound)"); // prettier-ignore

test("the step that broke is named, though others were taken after it", async () => {
  const failed = run(breaking, { metricsEvery: 16 });
  await expect(failed).rejects.toMatchObject({
    code: "not-finite",
    message: expect.stringMatching(/^in step 6 the loss is NaN; the first that broke is `log`/),
  });
});

test("a group may have 1 to 64 steps", async () => {
  const folder = temporaryFolder();
  await expect(run(text, { metricsEvery: 65 }, folder)).rejects.toMatchObject({
    message: "metrics cannot be read every 65 steps",
    hint: "choose 1 to 64",
  });
  expect(readdirSync(folder), "nothing is half-written").toEqual([]);
});
