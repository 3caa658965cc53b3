import sharp from "sharp";
import { expect, test } from "vitest";
import type { StoredImage } from "../../../runtime/data/dataset.ts";
import { openLoader } from "../../../runtime/data/loader.ts";
import { viewOfFile } from "../../../runtime/data/view-of-file.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { open, view } from "./example-view.ts";

const clean = view("clean", [
  ["scale", { to: [0, 1] }],
  ["normalize", { mean: 0.1307, std: 0.3081 }],
]);

test("a digit written as PNG gives what the loader gives for it", async () => {
  const dataset = await open("mnist", { split: "test[:1]" });
  const image = (await dataset.example(0)).fields.image as StoredImage;
  const path = `${temporaryFolder()}/digit.png`;
  await nodeHost.images.writePng(path, { rows: 28, cols: 28, channels: 1, bytes: image.bytes });
  const loader = openLoader(
    { dataset, views: [clean], batch: 1, seed: 0, mode: "evaluate", workers: 0 },
    nodeHost,
  );
  const { shape, values } = await viewOfFile(clean, dataset.fields, path, nodeHost);
  expect(shape.extents).toEqual([28, 28, 1]);
  expect(values).toEqual((await loader.next()).fields.get("clean"));
});

test("a picture of another size and kind is brought to the data set's", async () => {
  const { fields } = await open("mnist", { split: "test[:1]" });
  const path = `${temporaryFolder()}/white.jpg`;
  await sharp({ create: { width: 90, height: 60, channels: 3, background: "white" } })
    .jpeg()
    .toFile(path);
  const { values } = await viewOfFile(clean, fields, path, nodeHost);
  expect(values).toHaveLength(784);
  values.forEach((value) => expect(value).toBeCloseTo((1 - 0.1307) / 0.3081, 2));
});

test("a file that is missing, or a view that has no image, is refused", async () => {
  const { fields } = await open("mnist", { split: "test[:1]" });
  await expect(viewOfFile(clean, fields, "no/such.png", nodeHost)).rejects.toThrow(
    "there is no file no/such.png",
  );
  const label = view("label", [], { field: "label" });
  await expect(viewOfFile(label, fields, "no/such.png", nodeHost)).rejects.toThrow(
    "does not start from images",
  );
});
