// The first 20 training steps of `examples/digits.vit` on all three targets, losses side by side, and each parameter's
// first gradient: the float64 interpreter is the oracle. Bounds as in single precision elsewhere (PyTorch's own float32
// stays within 1e-6 on such a model).
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { readLog } from "../../../runtime/checkpoint/log.ts";
import { asNumbers } from "../../../runtime/checkpoint/stored-values.ts";
import type { DeviceWish } from "../../../runtime/device/chosen-device.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor } from "./trained-recipe.ts";

const steps = 20;
const digits = readFileSync("examples/digits.vit", "utf8").replace("../specs/vit", "specs/vit");

interface FirstSteps {
  readonly losses: readonly number[];
  /** Adam's first moments after one step, a tenth of the clipped gradients, by parameter. */
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>;
}

async function firstSteps(wish: DeviceWish): Promise<FirstSteps> {
  const folder = temporaryFolder();
  const { request } = await requestFor(digits, folder, wish);
  const until = (last: number) => {
    const controller = new AbortController();
    const onEvent = ({ step }: { readonly step: number }): void => {
      if (step === last) controller.abort();
    };
    return train({ ...request, signal: controller.signal, onEvent });
  };
  await until(1);
  const { state } = loadCheckpoint(nodeFiles, latestCheckpoint(nodeFiles, folder)!.path);
  await until(steps);
  await request.device.close();
  const log = readLog(nodeFiles, `${folder}/metrics.jsonl`);
  const moments = [...state].filter(([path]) => path.startsWith("m/"));
  return {
    losses: log.map(({ loss }) => Number(loss)),
    gradients: new Map(moments.map(([path, tensor]) => [path, asNumbers(tensor)])),
  };
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
}

function check(got: FirstSteps, oracle: FirstSteps, lossPrecision: number): void {
  expect(got.losses).toHaveLength(steps);
  got.losses.forEach((loss, i) =>
    expect(Math.abs(loss / oracle.losses[i]! - 1), `step ${i + 1}`).toBeLessThan(lossPrecision),
  );
  const whole = norm([...oracle.gradients.values()].map(norm));
  expect(oracle.gradients.size).toBeGreaterThan(50);
  for (const [path, expected] of oracle.gradients) {
    const values = got.gradients.get(path)!;
    const apart = norm(Array.from(expected, (value, i) => value - values[i]!));
    const own = norm(expected);
    // one that vanishes (all behind a head of zeros do) is measured by the whole
    expect(apart / (own > 1e-6 * whole ? own : whole), path).toBeLessThan(1e-4);
  }
}

test("the targets agree on the first 20 steps of digits", { timeout: 400_000 }, async () => {
  const oracle = await firstSteps({ want: "interpret" });
  check(await firstSteps({ want: "wasm", threads: 2 }), oracle, 1e-5);
  check(await firstSteps({ want: "webgpu", adapter: "software" }), oracle, 1e-4);
});
