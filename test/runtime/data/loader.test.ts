import { describe, expect, test } from "vitest";
import { openLoader } from "../../../runtime/data/loader.ts";
import type { Loader, LoaderSettings } from "../../../runtime/data/loader.ts";
import { openLoaderPool } from "../../../runtime/data/loader-pool.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { open, view } from "./example-view.ts";

const dataset = await open("mnist", { split: "test[:50]" });
const image = view("image", [
  ["random_crop", { size: 28, padding: 2 }],
  ["flip", { chance: 0.5, over: "cols" }],
  ["erase", { chance: 0.5, area: [0.02, 0.3], aspect: [0.3, 3.3], fill: "noise" }],
  ["scale", { to: [0, 1] }],
]);
const label = view("label", [], { field: "label" });
const name = view("name", [], { field: "name" });

function loader(more: Partial<LoaderSettings> = {}): Loader {
  return openLoader(
    {
      dataset,
      views: [image, label, name],
      batch: 16,
      seed: 3,
      mode: "train",
      workers: 0,
      ...more,
    },
    nodeHost,
  );
}

/** Copies of some batches, as the memory is used again. */
async function batches(from: Loader, count: number): Promise<unknown[]> {
  const result = [];
  for (let i = 0; i < count; i++) {
    const batch = await from.next();
    result.push({
      ...batch,
      fields: [...batch.fields].map(([field, values]) => [field, values.slice()]),
    });
  }
  await from.close();
  return result;
}

describe("batches", () => {
  test("are bit for bit the same with any number of threads", async () => {
    const alone = await batches(loader(), 8);
    expect(await batches(loader({ workers: 1 }), 8)).toEqual(alone);
    expect(await batches(loader({ workers: 3 }), 8)).toEqual(alone);
  });

  test("go on from any step as if there had been no stop", async () => {
    const whole = await batches(loader(), 6);
    expect(await batches(loader({ startStep: 4, workers: 1 }), 2)).toEqual(whole.slice(4));
  });

  test("differ by seed and by epoch", async () => {
    const one = loader();
    const first = (await one.next()).fields.get("image")!.slice();
    expect((await loader({ seed: 4 }).next()).fields.get("image")).not.toEqual(first);
    const sorted = async (from: Loader): Promise<number[]> =>
      [...(await from.next()).fields.get("image")!].sort();
    const epoch = { batch: 50 };
    const [a, b] = [await sorted(loader(epoch)), await sorted(loader({ ...epoch, startStep: 1 }))];
    expect(a).not.toEqual(b); // the same fifty digits, moved and flipped otherwise
  });

  test("have one array a view, batch first", async () => {
    const one = loader();
    const { fields, count } = await one.next();
    expect(count).toBe(16);
    expect(
      [...fields].map(([field, values]) => [field, values.constructor.name, values.length]),
    ).toEqual([
      ["image", "Float32Array", 16 * 784],
      ["label", "Int32Array", 16],
      ["name", "Int32Array", 16 * 8],
    ]);
    expect(one.shapes[0]).toEqual({
      name: "image",
      extents: [28, 28, 1],
      dtype: "f32",
      length: 784,
    });
  });
});

describe("an evaluation", () => {
  test("sees every example once, in order, and marks the filler", async () => {
    const one = loader({ mode: "evaluate", views: [label], workers: 1 });
    expect(one.stepsPerPass).toBe(4);
    const labels: number[] = [];
    const counts: number[] = [];
    for (let step = 0; step < one.stepsPerPass; step++) {
      const { fields, count } = await one.next();
      labels.push(...fields.get("label")!.slice(0, count));
      counts.push(count);
      if (count === 2) expect(new Set(fields.get("label")!.slice(1)).size).toBe(1);
    }
    await one.close();
    expect(counts).toEqual([16, 16, 16, 2]);
    expect(labels).toEqual(
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => (await dataset.example(i)).fields.label),
      ),
    );
  });
});

describe("views", () => {
  test("draw each for itself, and share the draws of a view that both start from", async () => {
    const crop = view("crop", [["random_crop", { size: 20, padding: 0 }]]);
    const other = view("other", [["random_crop", { size: 20, padding: 0 }]]);
    const half = view("half", [["resize", { size: 10, filter: "bilinear", antialias: true }]], {
      shared: crop,
    });
    const same = view("same", [["resize", { size: 10, filter: "bilinear", antialias: true }]], {
      shared: crop,
    });
    const { fields } = await loader({ views: [crop, other, half, same] }).next();
    expect(fields.get("half")).toEqual(fields.get("same"));
    expect(fields.get("crop")).not.toEqual(fields.get("other"));
  });

  test("of examples of different sizes are refused before anything is read", () => {
    const open = view("open", [
      ["random_resized_crop", { size: null, area: [0.1, 1], aspect: [0.75, 1.33] }],
    ]);
    expect(() => loader({ views: [open] })).toThrow(
      "the rows of the view open differ from example to example",
    );
  });
});

test("loaders may share threads", async () => {
  const pool = openLoaderPool(2, nodeHost);
  const training = loader({ workers: pool });
  const evaluation = loader({ workers: pool, mode: "evaluate", views: [label] });
  const [first] = await batches(loader(), 1);
  const trained = await training.next();
  expect([...trained.fields]).toEqual((first as { fields: unknown }).fields);
  expect((await evaluation.next()).count).toBe(16);
  await training.close();
  await evaluation.close();
  await pool.close();
});

test("an example repeated in a row draws anew each time", async () => {
  const repeated = await open("mnist", { split: "test[:50]" }, { repeat: 2 });
  const { fields } = await loader({ dataset: repeated, batch: 2 }).next();
  const [first, second] = fields.get("label")!;
  expect(first).toBe(second);
  const images = fields.get("image")!;
  expect(images.slice(0, 784)).not.toEqual(images.slice(784));
});

test("a batch of nothing is refused", () => {
  expect(() => loader({ batch: 0 })).toThrow(
    "cannot take batches of 0 from the 50 examples of train",
  );
});
