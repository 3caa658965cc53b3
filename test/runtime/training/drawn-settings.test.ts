// `draw patch from [7, 14]`: a small FlexiViT on digits. One program for each choice, the same parameters under all.
import { expect, test, vi } from "vitest";
import type { TrainingEvent } from "../../../runtime/training/events.ts";
import { drawChoice } from "../../../runtime/training/draw-choice.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

/** The kernel is stored once and resized to the patch; so is the table of positions to the grid. */
const flexible = `
block FlexiPatch(width: int, patch: int, stored: int = 8)
                (x: [batch, rows, cols, channels]) -> [batch, rows = rows / patch, cols = cols / patch, width] {
  param weight [height = stored, breadth = stored, channels, width] ~ normal(std = 0.1)
  param bias   [width] ~ zeros
  let p = pseudo_inverse(resize_matrix([old = stored, new = patch]))
  let kernel = weight |> dot(p[old as height, new as kh], over = height)
                      |> dot(p[old as breadth, new as kw], over = breadth)
  x |> convolve(kernel, over = (rows, cols), window = (kh, kw), sum = channels, stride = patch) |> add(bias)
}

model Flexi(width: int = 32, patch: int = 7, size: int = 28, classes: int = 10)
           (image: [batch, rows = size, cols = size, channels = 1]) -> [batch, features] {
  param position    [rows = 3, cols = 3, width] ~ normal(std = 0.1)
  param class_token [width] ~ zeros
  let grid = size / patch
  image
    |> embedding: FlexiPatch(width, patch)
    |> add(position |> resize((rows, cols), grid, antialias = true))
    |> [batch, rows, cols, width] -> [batch, (rows cols) as tokens, width]
    |> prepend(class_token, tokens)
    |> encoder: Transformer(1, 2, 2 * width)
    |> take(tokens, 0)
    |> head: Linear(classes)
}

recipe flexi(length: duration = 8 epochs, sizes: list[int] = [7, 14]) {
  net  model = Flexi
  draw patch from sizes
  data train = mnist(split = "train[:512]")
  data test  = mnist(split = "test[:64]")
  view image = train.image |> scale(-1..1)
  view clean = test.image  |> scale(-1..1)
  let logits = model(patch = patch)(image)
  loss       = cross_entropy(logits, train.label)
  batch      = 32
  optimizer  = AdamW(decay = 0.05)
  lr         = cosine(6e-3 to 0, warmup = 8 steps)
  seed       = 3
  metric   tokens = (28 / patch) ^ 2
  evaluate top1   = [top1(model(patch = p)(clean), test.label) for p in sizes] every 1 epochs
}
`;

async function run(text: string, want: string, steps: number, folder = temporaryFolder()) {
  const { request, events } = await requestFor(text, folder, { want, threads: 2 }, { steps });
  const result = await train(request);
  await request.device.close();
  return { folder, result, graphs: request.compiled.graphs, steps: stepsOf(events) };
}

function stepsOf(events: readonly TrainingEvent[]) {
  return events.flatMap((event) => (event.event === "step" ? [event] : []));
}

const patches = (steps: ReturnType<typeof stepsOf>) => steps.map((step) => step.choices?.["patch"]);

test("every step has the program of the patch that it drew, and says which", async () => {
  const { graphs, steps, result } = await run(flexible, "wasm", 128);
  expect(graphs.map(({ name }) => name)).toEqual([
    "train.0",
    "train.1",
    "evaluate.top1",
    "predict",
  ]);
  expect(new Set(patches(steps))).toEqual(new Set([7, 14]));
  for (const { choices, metrics } of steps)
    expect(metrics["tokens"]).toBe(choices!["patch"] === 7 ? 16 : 4);
  const mean = (losses: number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const losses = steps.map(({ loss }) => loss);
  expect(mean(losses.slice(-8))).toBeLessThan(0.75 * mean(losses.slice(0, 8)));
  // one set of parameters has learned both
  expect(result.evaluations["top1"]!["top1.0"]).toBeGreaterThan(0.25);
  expect(result.evaluations["top1"]!["top1.1"]).toBeGreaterThan(0.4);
});

test("choices that are alike train as one does", async () => {
  const twice = await run(flexible.replace("[7, 14]", "[7, 7]"), "wasm", 12);
  const once = await run(flexible.replace("[7, 14]", "[7]"), "wasm", 12);
  expect(twice.graphs.length).toBe(once.graphs.length + 1);
  const [expected, got] = [finalState(once.folder), finalState(twice.folder)];
  expect(got.parameters).toEqual(expected.parameters);
  expect(got.state).toEqual(expected.state);
});

test("wasm draws what the interpreter draws, and has its losses", async () => {
  const [expected, got] = [await run(flexible, "interpret", 6), await run(flexible, "wasm", 6)];
  expect(patches(got.steps)).toEqual(patches(expected.steps));
  got.steps.forEach(({ loss }, i) => expect(loss).toBeCloseTo(expected.steps[i]!.loss, 4));
});

test("a run that was stopped ends with the bits of one that was not, split batches too", async () => {
  for (const text of [
    flexible,
    flexible.replace("batch      = 32", "batch = 32\n  accumulate = 2"),
  ]) {
    const stopped = temporaryFolder();
    await run(text, "wasm", 5, stopped);
    await run(text, "wasm", 12, stopped);
    const whole = await run(text, "wasm", 12);
    expect(finalState(stopped)).toEqual(finalState(whole.folder));
  }
});

test("a split batch draws once for all its parts, and is then updated in one way", async () => {
  const text = flexible.replace("batch      = 32", "batch = 32\n  accumulate = 4");
  const [split, whole] = [await run(text, "wasm", 6), await run(flexible, "wasm", 6)];
  expect(split.graphs.map(({ name }) => name)).toEqual(["accumulate.0", "accumulate.1", "update", "evaluate.top1", "predict"]); // prettier-ignore
  expect(patches(split.steps)).toEqual(patches(whole.steps));
  split.steps.forEach(({ loss }, i) => expect(loss).toBeCloseTo(whole.steps[i]!.loss, 4));
});

test("draws are even, of each setting apart, and nothing but seed, name and step", () => {
  const one = { name: "patch", values: [8, 16, 32] };
  const two = { name: "size", values: [96, 128] };
  const steps = Array.from({ length: 6000 }, (_, step) => drawChoice([one, two], 0, step));
  const counts = [0, 1, 2, 3, 4, 5].map((wanted) => steps.filter(({ index }) => index === wanted).length); // prettier-ignore
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  expect(steps.every(({ index, values }) => values["size"] === two.values[index % 2])).toBe(true);
  expect(drawChoice([one], 0, 17).values["patch"]).toBe(steps[17]!.values["patch"]);
  expect(drawChoice([one], 1, 17)).toEqual(drawChoice([one], 1, 17));
});
