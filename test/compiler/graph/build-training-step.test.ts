// The training step as one graph: what clipping, the optimizer, clamps and twins do to the arrays, against the formulas.
import { describe, expect, test } from "vitest";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import { openRecipeData } from "../../../runtime/data/recipe-data.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { initialize } from "../../../runtime/training/initialize.ts";
import { runTrainingStep } from "../../../runtime/training/training-step.ts";
import { compileText } from "../../runtime/training/trained-recipe.ts";

/** Ten logits from a mean over the image, plain gradient descent at rate 0.5, and what a test adds. */
function recipe(clauses: string, logits = "model(image)"): string {
  return `
recipe tiny(length: duration = 4 steps) {
  net  model = { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> fc: Linear(10) }
  data train = mnist(split = "train[:64]")
  view image = train.image |> scale(0..1)
  loss       = cross_entropy(${logits}, train.label)
  batch      = 16
  optimizer  = Sgd()
  lr         = constant(0.5)
  ${clauses}
}`;
}

interface Snapshot {
  readonly norm: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  part(path: string): Float64Array;
}

/** The arrays before the first step and after each. */
async function stepThrough(text: string, steps: number): Promise<Snapshot[]> {
  const device = await openChosenDevice({ want: "interpret" });
  const compiled = compileText(text, device);
  const loaded = await device.load(compiled);
  initialize(loaded, 0, nodeHost.files);
  const { plan } = compiled;
  const data = openRecipeData(plan.datasets, 0, nodeHost);
  const batches = await data.batches({
    views: plan.views,
    batch: plan.batch,
    seed: 0,
    mode: "train",
  });
  const snapshots: Snapshot[] = [];
  const take = async (norm: number, loss: number, metrics: Snapshot["metrics"]) => {
    const parts = new Map<string, Float64Array>();
    for (const { path } of compiled.layout.parts)
      parts.set(path, Float64Array.from(await loaded.readPart(path)));
    snapshots.push({ norm, loss, metrics, part: (path) => parts.get(path)! });
  };
  await take(Number.NaN, Number.NaN, {});
  for (let step = 0; step < steps; step++) {
    const { gradientNorm, loss, metrics } = await runTrainingStep(loaded, plan, batches, step);
    await take(gradientNorm, loss, metrics);
  }
  await batches.close();
  await data.close();
  loaded.close();
  return snapshots;
}

function distance(a: Float64Array, b: Float64Array): number {
  return Math.hypot(...a.map((value, i) => value - b[i]!));
}

function expectNear(got: Float64Array, expected: Float64Array): void {
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 10));
}

const parameters = ["model.fc.weight", "model.fc.bias"];

/** How far all parameters moved together. */
function moved(before: Snapshot, after: Snapshot): number {
  return Math.hypot(...parameters.map((path) => distance(before.part(path), after.part(path))));
}

describe("clipping", () => {
  test("without it, a step of descent is the rate times the gradient's norm", async () => {
    const [start, one] = await stepThrough(recipe(""), 1);
    expect(moved(start!, one!)).toBeCloseTo(0.5 * one!.norm, 8);
  });

  test("a gradient longer than `clip` is scaled to it, all parameters together", async () => {
    const [start, one] = await stepThrough(recipe("clip = 0.25"), 1);
    expect(one!.norm).toBeGreaterThan(0.25);
    expect(moved(start!, one!)).toBeCloseTo(0.5 * 0.25, 5);
  });

  test("a shorter one stays as it is", async () => {
    const free = await stepThrough(recipe(""), 1);
    const clipped = await stepThrough(recipe("clip = 1000"), 1);
    for (const path of parameters) expectNear(clipped[1]!.part(path), free[1]!.part(path));
  });
});

describe("twins", () => {
  const twin = (update: string) =>
    recipe(
      `twin  target = ema(model, decay = 0.75, update = ${update})
  metric apart = mean((model(image) - target(image)) ^ 2)`,
    );
  const follow = (twinValues: Float64Array, parameter: Float64Array) =>
    twinValues.map((value, i) => 0.75 * value + 0.25 * parameter[i]!);

  test("begin as what they follow, and are never trained", async () => {
    const [start] = await stepThrough(twin("after_step"), 0);
    for (const path of parameters)
      expect(start!.part(path.replace("model", "target"))).toEqual(start!.part(path));
  });

  test("after_step: follow the parameters that the step has made", async () => {
    const snapshots = await stepThrough(twin("after_step"), 3);
    for (const path of parameters) {
      const name = path.replace("model", "target");
      for (let step = 1; step <= 3; step++) {
        const [before, after] = [snapshots[step - 1]!, snapshots[step]!];
        expectNear(after.part(name), follow(before.part(name), after.part(path)));
      }
    }
    expect(snapshots[1]!.metrics["apart"]).toBeCloseTo(0, 12);
    expect(snapshots[2]!.metrics["apart"]).toBeGreaterThan(0);
  });

  test("before_forward: follow the parameters from before the step, and are read moved", async () => {
    const snapshots = await stepThrough(twin("before_forward"), 3);
    for (const path of parameters) {
      const name = path.replace("model", "target");
      for (let step = 1; step <= 3; step++) {
        const [before, after] = [snapshots[step - 1]!, snapshots[step]!];
        expectNear(after.part(name), follow(before.part(name), before.part(path)));
      }
    }
  });
});

test("a clamped parameter stays in its range, and only that one", async () => {
  const text = recipe(
    `param heat [] ~ constant(1)
  clamp heat to 0.999 .. 1.001`,
    "model(image) * heat",
  );
  const snapshots = await stepThrough(text, 4);
  const heats = snapshots.map((snapshot) => snapshot.part("heat")[0]!);
  expect(heats[0]).toBe(1);
  for (const heat of heats) expect(heat >= 0.999 && heat <= 1.001).toBe(true);
  expect(heats.some((heat) => heat === 0.999 || heat === 1.001)).toBe(true);
  expect(moved(snapshots[0]!, snapshots[1]!)).toBeGreaterThan(0.1);
});
