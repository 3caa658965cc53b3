// The README's recipe, its first 20 steps, on all three targets from the same start: the losses agree step for step, and
// so does every parameter's first gradient. One target gives the same bits at any number of threads and loader workers.
import { describe, expect, test } from "vitest";
import type { CompiledRecipe } from "../../compiler/compiled.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import { openRecipeData } from "../../runtime/data/recipe-data.ts";
import { openChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { DeviceWish } from "../../runtime/device/chosen-device.ts";
import type { LoadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";
import { initialize } from "../../runtime/training/initialize.ts";
import { runTrainingStep } from "../../runtime/training/training-step.ts";

interface Trained {
  readonly compiled: CompiledRecipe;
  readonly losses: readonly number[];
  /** By parameter: the first moment after the first step, which is the first gradient times 1 - beta. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** By parameter, at the end. */
  readonly parameters: ReadonlyMap<string, Float64Array>;
}

async function trainDigits(wish: DeviceWish, steps: number, workers = 0): Promise<Trained> {
  const device = await openChosenDevice(wish);
  const { compiled } = compileRecipeSpec(
    { file: "examples/digits.vit" },
    { files: specFiles(), catalog: catalog(nodeHost) },
    { target: device.name, limits: device.limits },
  );
  const { plan } = compiled;
  const loaded = await device.load(compiled);
  initialize(loaded, plan.seed, nodeHost.files);
  const data = openRecipeData(plan.datasets, workers, nodeHost);
  const batches = await data.batches({
    views: plan.views,
    batch: plan.batch,
    seed: plan.seed,
    mode: "train",
  });
  const losses: number[] = [];
  let gradients = new Map<string, Float64Array>();
  for (let step = 0; step < steps; step++) {
    losses.push((await runTrainingStep(loaded, plan, batches, step)).loss);
    if (step === 0) gradients = await readParts(loaded, compiled, "m/");
  }
  const parameters = await readParts(loaded, compiled, "");
  await batches.close();
  await data.close();
  loaded.close();
  await device.close();
  return { compiled, losses, gradients, parameters };
}

async function readParts(
  loaded: LoadedCompilation,
  { layout }: CompiledRecipe,
  prefix: string,
): Promise<Map<string, Float64Array>> {
  const values = new Map<string, Float64Array>();
  for (const { path, role } of layout.parts)
    if (role === "parameter")
      values.set(path, Float64Array.from(await loaded.readPart(prefix + path)));
  return values;
}

const oracle = trainDigits({ want: "interpret" }, 20);

async function expectAgreement(trained: Trained, tolerance: { losses: number; gradients: number }) {
  const expected = await oracle;
  expect(trained.losses.length).toBe(20);
  trained.losses.forEach((loss, step) => {
    const difference = Math.abs(loss - expected.losses[step]!) / expected.losses[step]!;
    expect(difference, `loss of step ${step}`).toBeLessThanOrEqual(tolerance.losses);
  });
  const whole = norm([...expected.gradients.values()].map(norm));
  for (const [path, gradient] of expected.gradients) {
    const difference = norm(gradient.map((value, i) => trained.gradients.get(path)![i]! - value));
    // a gradient that vanishes (a key's bias) is rounding alone: it is held against the whole
    const own = norm(gradient);
    const scale = own > 1e-6 * whole ? own : whole;
    expect(difference / scale, `first gradient of ${path}`).toBeLessThanOrEqual(
      tolerance.gradients,
    );
  }
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value ** 2, 0));
}

describe("the first 20 steps of examples/digits.vit", () => {
  test("agree on wasm", { timeout: 300_000 }, async () => {
    await expectAgreement(await trainDigits({ want: "wasm" }, 20), {
      losses: 1e-5,
      gradients: 1e-4,
    });
  });

  test("agree on webgpu", { timeout: 300_000 }, async () => {
    const trained = await trainDigits({ want: "webgpu", adapter: "software" }, 20);
    await expectAgreement(trained, { losses: 1e-4, gradients: 1e-4 });
  });

  test("learn something", { timeout: 300_000 }, async () => {
    const { losses, compiled } = await oracle;
    expect(losses[0]).toBeCloseTo(Math.log(10), 6); // the head starts at zero: all classes alike
    expect(losses[19]!).toBeLessThan(losses[0]! - 0.005);
    const count = compiled.layout.parts
      .filter(({ role }) => role === "parameter")
      .reduce((sum, { shape }) => sum + elementCount(shape), 0);
    expect(count).toBe(139_018);
  });

  test(
    "have the same bits at any number of threads and loader workers",
    { timeout: 120_000 },
    async () => {
      const two = await trainDigits({ want: "wasm", threads: 2 }, 20);
      const again = await trainDigits({ want: "wasm", threads: 2 }, 20, 2);
      const one = await trainDigits({ want: "wasm", threads: 1 }, 20, 1);
      const three = await trainDigits({ want: "wasm", threads: 3 }, 20);
      for (const other of [again, one, three]) {
        expect(other.losses).toEqual(two.losses);
        expect(other.parameters).toEqual(two.parameters);
      }
    },
  );
});
