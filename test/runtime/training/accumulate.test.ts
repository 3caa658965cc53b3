// `accumulate = 4`: four parts of a batch, then one update, is the training step of the whole batch.
import { expect, test, vi } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { asNumbers } from "../../../runtime/checkpoint/stored-values.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 60_000 });

// without dropout: the parts of a batch draw apart, as they must
const whole = smallRecipe.replace(" |> dropout(0.1)", "").replace("warmup = 1 epochs", "warmup = 1 steps"); // prettier-ignore
const split = whole.replace("batch     = 32", "batch     = 32\n  accumulate = 4");

async function run(text: string, want: string, folder = temporaryFolder(), steps = 3) {
  const { request, events } = await requestFor(text, folder, { want, threads: 2 }, { steps });
  await train(request);
  await request.device.close();
  const { parameters } = loadCheckpoint(nodeFiles, latestCheckpoint(nodeFiles, folder)!.path);
  const losses = events.flatMap((event) => (event.event === "step" ? [event.loss] : []));
  const norms = events.flatMap((event) => (event.event === "step" ? [event.gradient_norm] : []));
  const weights = new Map([...parameters].map(([path, tensor]) => [path, asNumbers(tensor)]));
  return { folder, losses, norms, weights };
}

for (const [want, precision] of [
  ["interpret", 1e-9],
  ["wasm", 1e-4],
] as const) {
  test(`has the losses, gradients and parameters of the whole batch on ${want}`, async () => {
    const [expected, got] = [await run(whole, want), await run(split, want)];
    for (const figure of ["losses", "norms"] as const)
      got[figure].forEach((value, i) =>
        expect(Math.abs(value / expected[figure][i]! - 1)).toBeLessThan(precision),
      );
    for (const [path, weights] of expected.weights) {
      const other = got.weights.get(path)!;
      const furthest = Math.max(...Array.from(weights, (value, i) => Math.abs(value - other[i]!)));
      expect(furthest, path).toBeLessThan(precision);
    }
  });
}

test("goes on from a checkpoint as if it had never stopped", async () => {
  const short = temporaryFolder();
  await run(split, "wasm", short, 2);
  await run(split, "wasm", short, 3);
  const { folder } = await run(split, "wasm");
  const [stopped, expected] = [finalState(short), finalState(folder)];
  expect(stopped.parameters).toEqual(expected.parameters);
  expect(stopped.state).toEqual(expected.state);
});

test("a checkpoint holds no sums over the parts of a batch, which are zeros between steps", async () => {
  const { folder } = await run(split, "wasm");
  const { parameters, state } = finalState(folder);
  const slots = Object.keys(parameters).flatMap((path) => [`m/${path}`, `v/${path}`]);
  expect(Object.keys(state).sort()).toEqual(slots.sort());
});
