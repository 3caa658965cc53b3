// Numbers that change with the step, anywhere in a recipe: in a loss, a metric, a net's setting, a draw, the settings of
// an optimizer. Each is one scalar that the host computes in double and writes before the step.
import { expect, test, vi } from "vitest";
import { evaluateRun } from "../../../runtime/evaluation/evaluate-run.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { openRun } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

/** 8 steps an epoch, 24 in all. */
const followed = `
model Head(drop: prob = 0)(image: [batch, rows, cols, channels]) -> [batch, features] {
  image
    |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as features]
    |> fc1: Linear(16) |> gelu |> dropout(drop)
    |> fc2: Linear(10)
}

recipe followed(length: duration = 3 epochs, top: real = 0.4) {
  net  model = Head(drop = linear(0 to 0.3))
  data train = mnist(split = "train[:256]")
  data test  = mnist(split = "test[:60]")
  view image = train.image |> scale(0..1)
  view clean = test.image  |> scale(0..1)

  let weight = linear(0 to top, warmup = 4 steps, from = 1)
  let logits = model(image)
  let other  = mean(logits ^ 2)
  loss       = cross_entropy(logits, train.label) + weight * other

  batch     = 32
  optimizer = AdamW(betas = (linear(0.5 to 0.9), 0.99), decay = cosine(0.04 to 0.4))
  except rank < 2 { decay = if step < 1 epochs then 0 else 0.1 }
  lr        = cosine(5e-3 to 0, warmup = 4 steps)
  seed      = 1

  metric   weight  = weight
  metric   late    = if step >= 2 epochs then weight else -1
  metric   twice   = weight + linear(0 to top, warmup = 4 steps, from = 1)
  evaluate weighed = weight + 0 * top1(model(clean), test.label) every 1 epochs
}
`;

async function run(text: string, want: string, steps = 24, folder = temporaryFolder()) {
  const wish = want === "webgpu" ? ({ want, adapter: "software" } as const) : { want, threads: 2 };
  const { request, events } = await requestFor(text, folder, wish, { steps });
  const result = await train(request);
  const isDone = result.why === "finished" && request.compiled.plan.evaluations.length > 0;
  const again = isDone ? await evaluateRun(openRun(nodeHost.files, folder), request) : undefined;
  await request.device.close();
  const taken = events.flatMap((event) => (event.event === "step" ? [event] : []));
  const evaluations = events.flatMap((event) => (event.event === "evaluation" ? [event] : []));
  return { folder, result, compiled: request.compiled, steps: taken, evaluations, again };
}

/** The course of \`weight\` as a person would compute it. */
function weightAt(step: number): number {
  if (step < 4) return 1 + ((0 - 1) * step) / 4;
  return (0.4 * (step - 4)) / 20;
}

test("each step has its value of a course, one input for all that are equal", async () => {
  const { steps, compiled } = await run(followed, "wasm");
  expect(compiled.plan.scalars.map(({ input }) => input)).toEqual([
    "lr",
    "course", // of the dropout: what is kept of 2 ** 24, whether any goes, what is left
    "course.1",
    "course.2",
    "weight",
    "course.3", // the other two metrics
    "course.4",
    "AdamW.betas.0",
    "AdamW.decay",
    "AdamW.decay.1",
  ]);
  expect(steps.length).toBe(24);
  steps.forEach(({ metrics, scalars }, step) => {
    expect(scalars["weight"]).toBeCloseTo(weightAt(step), 12);
    expect(metrics["weight"]).toBe(Math.fround(scalars["weight"]!));
    expect(metrics["twice"]).toBeCloseTo(2 * weightAt(step), 5);
    expect(metrics["late"]).toBe(step >= 16 ? Math.fround(scalars["weight"]!) : -1);
    expect(scalars["AdamW.betas.0"]).toBeCloseTo(0.5 + (0.4 * step) / 24, 12);
    expect(scalars["AdamW.decay.1"]).toBe(step < 8 ? 0 : 0.1);
  });
});

test("an evaluation has the value after the steps that were taken, and so has one of a checkpoint", async () => {
  const { evaluations, result, again } = await run(followed, "wasm");
  const found = evaluations.map(({ step, metrics }) => [step, metrics["weighed"]]);
  expect(found.map(([step]) => step)).toEqual([8, 16, 24]);
  for (const [step, weight] of found) expect(weight).toBeCloseTo(weightAt(step!), 6);
  expect(result.evaluations["weighed"]!["weighed"]).toBeCloseTo(0.4, 6); // the end of the course
  expect(again?.evaluations["weighed"]).toEqual(result.evaluations["weighed"]);
});

test("all targets agree step by step", async () => {
  const expected = await run(followed, "interpret", 12);
  for (const [want, digits] of [
    ["wasm", 5],
    ["webgpu", 4],
  ] as const) {
    const { steps } = await run(followed, want, 12);
    expect(steps.map(({ scalars }) => scalars)).toEqual(expected.steps.map(({ scalars }) => scalars)); // prettier-ignore
    steps.forEach(({ loss }, i) => expect(loss).toBeCloseTo(expected.steps[i]!.loss, digits));
  }
});

test("a course in the optimizer does what its numbers do", async () => {
  const plain = `
recipe plain(length: duration = 4 steps) {
  net  model = { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> fc: Linear(10) }
  data train = mnist(split = "train[:256]")
  view image = train.image |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 32
  optimizer  = Sgd(momentum = 0, decay = 0.5)
  lr         = constant(0.1)
}
`;
  const constant = await run(plain, "wasm", 4);
  const course = await run(plain.replace("decay = 0.5", "decay = if step < 4 then 0.5 else 7"), "wasm", 4); // prettier-ignore
  const other = await run(plain.replace("decay = 0.5", "decay = linear(0.5 to 0)"), "wasm", 4);
  const losses = ({ steps }: Awaited<ReturnType<typeof run>>) => steps.map(({ loss }) => loss);
  expect(losses(course)).toEqual(losses(constant));
  expect(losses(other)[1]).toBe(losses(constant)[1]); // the first step decays as much
  expect(losses(other)[3]).not.toBe(losses(constant)[3]);
});

test("a split batch has one value for all its parts, and so has each drawn program", async () => {
  const whole = followed.replace("linear(0 to 0.3)", "0");
  const split = whole.replace("batch     = 32", "batch     = 32\n  accumulate = 4");
  const drawn = split.replace("net  model = Head(drop = 0)", "draw drop from [0, 0]\n  net  model = Head").replace("model(image)", "model(drop = drop)(image)"); // prettier-ignore
  const expected = await run(whole, "wasm", 12);
  for (const text of [split, drawn]) {
    const { steps, compiled } = await run(text, "wasm", 12);
    expect(compiled.plan.accumulate).toBe(4);
    steps.forEach(({ loss, metrics }, i) => {
      expect(loss).toBeCloseTo(expected.steps[i]!.loss, 4);
      expect(metrics["weight"]).toBeCloseTo(weightAt(i), 6);
    });
  }
});

test("a run that was stopped ends with the bits of one that was not", async () => {
  const stopped = temporaryFolder();
  await run(followed, "wasm", 5, stopped);
  await run(followed, "wasm", 13, stopped);
  await run(followed, "wasm", 24, stopped);
  const whole = await run(followed, "wasm", 24);
  expect(finalState(stopped)).toEqual(finalState(whole.folder));
});
