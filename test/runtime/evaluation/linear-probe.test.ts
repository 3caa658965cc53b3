// A linear classifier on frozen features: what it finds where the answer is known, and on digits.
import { describe, expect, test, vi } from "vitest";
import { linearProbe } from "../../../runtime/evaluation/linear-probe.ts";
import type { LabelledFeatures } from "../../../runtime/evaluation/nearest-neighbours.ts";
import { drawFrom } from "../../../runtime/data/draws.ts";
import type { Figures } from "../../../runtime/training/events.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor } from "../training/trained-recipe.ts";

vi.setConfig({ testTimeout: 60_000 });

const settings = { length: 30, unit: "epochs", rate: 4, batch: 64, seed: 0 } as const;

/** Rows around a centre for each class, each channel with deviation 1. */
function clouds(
  centres: readonly (readonly number[])[],
  each: number,
  seed: number,
): LabelledFeatures {
  const draw = drawFrom([seed, 7], 0);
  const width = centres[0]!.length;
  const labels = Int32Array.from({ length: each * centres.length }, (_, i) => i % centres.length);
  const features = Float32Array.from(
    { length: labels.length * width },
    (_, i) => centres[labels[Math.floor(i / width)]!]![i % width]! + draw.normal(),
  );
  return { features, width, labels };
}

describe("a linear probe", () => {
  test("tells clouds apart that lie far from each other", () => {
    const centres = [[9, 0, 0], [0, 9, 0], [0, 0, 9]]; // prettier-ignore
    const { accuracy, fitAccuracy } = linearProbe(clouds(centres, 60, 1), clouds(centres, 40, 2), settings); // prettier-ignore
    expect([accuracy, fitAccuracy]).toEqual([1, 1]);
  });

  test("comes near the best that can be: two clouds 2 deviations apart overlap in 15.9 %", () => {
    const centres = [[1, 0, 0, 0], [-1, 0, 0, 0]]; // prettier-ignore
    const { accuracy } = linearProbe(clouds(centres, 1000, 1), clouds(centres, 4000, 2), settings);
    expect(Math.abs(accuracy - 0.8413)).toBeLessThan(0.012);
  });

  test("does not mind how large features are, and where they lie", () => {
    const centres = [[1, 0, 0], [-1, 1, 0], [0, -1, 1]]; // prettier-ignore
    const [fit, other] = [clouds(centres, 200, 1), clouds(centres, 200, 2)];
    const moved = ({ features, ...rest }: LabelledFeatures) => ({ ...rest, features: features.map((x) => 64 * x + 256) }); // prettier-ignore
    const [plain, far] = [linearProbe(fit, other, settings), linearProbe(moved(fit), moved(other), settings)]; // prettier-ignore
    expect(Math.abs(plain.accuracy - far.accuracy)).toBeLessThan(0.005);
  });

  test("cannot name what only a bent line could tell: the corners of a square by their diagonal", () => {
    const corners = { width: 2, features: Float32Array.of(1, 1, -1, -1, 1, -1, -1, 1), labels: Int32Array.of(0, 0, 1, 1) }; // prettier-ignore
    expect(linearProbe(corners, corners, settings).accuracy).toBeLessThan(0.8);
  });

  test("has features that never vary count for nothing", () => {
    const same = { width: 2, features: new Float32Array(8).fill(3), labels: Int32Array.of(1, 0, 1, 1) }; // prettier-ignore
    expect(linearProbe(same, same, settings).accuracy).toBe(0.75);
  });

  test("gives the same again, and with another seed takes another order", () => {
    const centres = [[1, 0], [-1, 0], [0, 1]]; // prettier-ignore
    const [fit, other] = [clouds(centres, 100, 1), clouds(centres, 500, 2)];
    const short = { ...settings, length: 3, unit: "steps", batch: 8 } as const;
    expect(linearProbe(fit, other, short)).toEqual(linearProbe(fit, other, short));
    expect(linearProbe(fit, other, { ...short, seed: 1 })).not.toEqual(
      linearProbe(fit, other, short),
    );
  });
});

const recipe = `
recipe probed {
  net  model = {
    encoder: { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> fc: Linear(64) |> gelu }
      |> head: Linear(10)
  }
  data train = mnist(split = "train[:1000]")
  data test  = mnist(split = "test[:300]")
  view image = train.image |> scale(0..1)
  view clean = test.image |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 128
  length     = 1 epochs
  optimizer  = AdamW
  lr         = 1e-3
  evaluate linear = linear_probe(model.encoder, fit = (image, train.label), test = (clean, test.label), length = 40 epochs) every 1 epochs
}
`;

test("on digits, through a layer that has learned nothing, names eight of ten and is the same on other devices", async () => {
  const figures: Figures[] = [];
  for (const want of ["wasm", "interpret", "webgpu"]) {
    const { request } = await requestFor(recipe, temporaryFolder(), { want, threads: 1, adapter: "software" }, { steps: 0 }); // prettier-ignore
    const { evaluations } = await train(request);
    await request.device.close();
    figures.push({ ...evaluations["linear"] });
  }
  const [wasm, oracle, gpu] = figures as [Figures, Figures, Figures];
  expect(wasm["linear"]).toBeGreaterThan(0.8);
  expect(wasm["linear.fit"]).toBeGreaterThan(wasm["linear"]!);
  expect(Math.abs(wasm["linear"]! - oracle["linear"]!)).toBeLessThan(0.01);
  expect(Math.abs(gpu["linear"]! - oracle["linear"]!)).toBeLessThan(0.01);
});
