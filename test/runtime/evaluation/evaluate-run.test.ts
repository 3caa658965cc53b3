// A trained run, opened from its folder: its evaluations count each example once, whatever the batch; its predictions
// are those of the checkpoint.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CompiledRecipe } from "../../../compiler/compiled.ts";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../../../runtime/device/chosen-device.ts";
import { openDataset } from "../../../runtime/data/open-dataset.ts";
import type { StoredImage } from "../../../runtime/data/dataset.ts";
import { evaluateRun } from "../../../runtime/evaluation/evaluate-run.ts";
import { predictImages } from "../../../runtime/evaluation/predict-image.ts";
import { nodeFiles, nodeHost } from "../../../runtime/host/node.ts";
import { openRun } from "../../../runtime/training/run-folder.ts";
import type { Run } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { compileText, requestFor, smallRecipe } from "../training/trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let device: ChosenDevice;
let compiled: CompiledRecipe;
let folder: string;
let run: Run;
/** What training said at its end. */
let accuracy: number;

beforeAll(async () => {
  device = await openChosenDevice({ want: "wasm", threads: 1 });
  compiled = compileText(smallRecipe, device);
  folder = mkdtempSync(join(tmpdir(), "vitrail-test-"));
  const { request } = await requestFor(smallRecipe, folder, { want: "wasm", threads: 1 });
  const { evaluations } = await train(request);
  await request.device.close();
  run = openRun(nodeFiles, folder);
  accuracy = evaluations["accuracy"]!["accuracy"]!;
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await device.close();
});

describe("an evaluation", () => {
  test("of a run gives what training gave at its end", async () => {
    const result = await evaluateRun(run, { compiled, device, host: nodeHost });
    expect(result).toMatchObject({ step: 48, evaluations: { accuracy: { accuracy } } });
  });

  test("counts each of 100 examples once, in batches of 32, of 100 and of 7", async () => {
    for (const batch of [100, 7]) {
      const text = smallRecipe.replace("batch     = 32", `batch     = ${batch}`);
      const other = compileText(text, device);
      const result = await evaluateRun(run, { compiled: other, device, host: nodeHost });
      expect(result.evaluations["accuracy"]!["accuracy"]).toBeCloseTo(accuracy, 6);
    }
  });

  test("that there is not is refused", async () => {
    const asked = evaluateRun(run, { compiled, device, host: nodeHost, only: ["top5"] });
    await expect(asked).rejects.toThrow("the recipe small has no evaluation top5");
  });

  test("of a checkpoint unlike the spec says which parameter", async () => {
    const wider = compileText(smallRecipe.replace("Linear(16)", "Linear(24)"), device);
    await expect(evaluateRun(run, { compiled: wider, device, host: nodeHost })).rejects.toThrow(
      /`model.fc1.weight` is \[784, 24\], but in .* it is \[784, 16\]/,
    );
  });
});

describe("a prediction", () => {
  test("names the digit in a PNG, and its probabilities add up", async () => {
    const paths = await writeDigits(10);
    const predictions = await predictImages(run, paths, { compiled, device, host: nodeHost });
    expect(predictions.map(({ path }) => path)).toEqual(paths);
    for (const { classes } of predictions) {
      expect(classes).toHaveLength(10);
      expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
      expect(classes[0]!.probability).toBeGreaterThanOrEqual(classes[1]!.probability);
    }
    const right = predictions.filter(({ path, classes }) => path.endsWith(`-${classes[0]!.name}.png`)); // prettier-ignore
    expect(right.length).toBeGreaterThanOrEqual(6);
  });

  test("of a file that is no image says so", async () => {
    const path = `${run.folder}/run.json`;
    expect(readFileSync(path, "utf8")).toContain("small");
    const asked = predictImages(run, [path], { compiled, device, host: nodeHost });
    await expect(asked).rejects.toThrow(/cannot read the image/);
  });
});

/** Digits of the test set as files that end in their label. */
async function writeDigits(count: number): Promise<string[]> {
  const settings = { split: "test[:100]" };
  const dataset = await openDataset({ name: "test", source: "mnist", settings }, nodeHost);
  const folder = temporaryFolder();
  const paths: string[] = [];
  for (let index = 0; index < count; index++) {
    const { fields } = await dataset.example(index);
    const image = fields["image"] as StoredImage;
    const path = `${folder}/${index}-${String(fields["label"])}.png`;
    await nodeHost.images.writePng(path, { ...image, channels: 1 });
    paths.push(path);
  }
  return paths;
}
