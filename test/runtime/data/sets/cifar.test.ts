import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { StoredImage } from "../../../../runtime/data/dataset.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { open } from "../example-view.ts";

/** A record whose red, green and blue planes are 10, 20 and 30 more than its last label. */
function record(...labels: number[]): Buffer {
  const base = labels.at(-1)!;
  return Buffer.concat([
    Buffer.from(labels),
    ...[10, 20, 30].map((plane) => Buffer.alloc(1024, base + plane)),
  ]);
}

describe("CIFAR-10", () => {
  const folder = (): string => {
    const path = temporaryFolder();
    writeFileSync(`${path}/data_batch_1.bin`, Buffer.concat([record(3), record(4)]));
    writeFileSync(`${path}/data_batch_2.bin`, Buffer.concat([record(5), record(6), record(7)]));
    writeFileSync(`${path}/test_batch.bin`, record(9));
    writeFileSync(
      `${path}/batches.meta.txt`,
      "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n",
    );
    return path;
  };

  test("is read over its files in order, planes made pixels", async () => {
    const train = await open("cifar", { path: folder(), split: "train" });
    expect(train.size).toBe(5);
    expect(train.classes[3]).toBe("cat");
    const { label, image } = (await train.example(3)).fields;
    expect(label).toBe(6);
    expect([...(image as StoredImage).bytes.subarray(0, 6)]).toEqual([16, 26, 36, 16, 26, 36]);
  });

  test("is sliced across its files", async () => {
    const part = await open("cifar", { path: folder(), split: "train[1:4]" });
    const labels = await Promise.all(
      [0, 1, 2].map(async (i) => (await part.example(i)).fields.label),
    );
    expect(labels).toEqual([4, 5, 6]);
  });

  test("cut short is refused by name", async () => {
    const path = folder();
    writeFileSync(`${path}/test_batch.bin`, record(9).subarray(1));
    await expect(open("cifar", { path, split: "test" })).rejects.toThrow(
      "test_batch.bin does not hold whole records",
    );
  });
});

test("CIFAR-100 is told by its files, and its fine label is taken", async () => {
  const path = temporaryFolder();
  writeFileSync(`${path}/train.bin`, record(11, 49));
  const train = await open("cifar", { path, split: "train" });
  expect(train.classes).toHaveLength(100);
  expect((await train.example(0)).fields.label).toBe(49);
});
