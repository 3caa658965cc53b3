// Boxes and names in LVIS's format, and the square that boxes are shares of.
import { writeFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { openDraw } from "../../../../runtime/data/draws.ts";
import { applyOperation } from "../../../../runtime/data/view.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { open } from "../example-view.ts";

async function annotated(more: object = {}): Promise<string> {
  const path = temporaryFolder();
  const background = { r: 255, g: 255, b: 255 };
  await sharp({ create: { width: 40, height: 20, channels: 3, background } }).png().toFile(`${path}/a.png`); // prettier-ignore
  const annotations = {
    images: [{ id: 7, width: 40, height: 20, file_name: "a.png", neg_category_ids: [3, 1] }],
    categories: [
      { id: 1, name: "alarm_clock" },
      { id: 2, name: "Dog" },
      { id: 3, name: "sun" },
    ],
    annotations: [
      { image_id: 7, category_id: 2, bbox: [10, 0, 20, 10] },
      { image_id: 7, category_id: 1, bbox: [0, 0, 4, 8] },
      { image_id: 8, category_id: 1, bbox: [0, 0, 4, 8] },
    ],
    ...more,
  };
  writeFileSync(`${path}/train.json`, JSON.stringify(annotations));
  return path;
}

describe("lvis", () => {
  test("asks each image for what is on it and for what is known not to be", async () => {
    const set = await open("lvis", { path: await annotated(), split: "train" });
    const { fields } = await set.example(0);
    const { sentences } = fields.queries as { sentences: readonly { text: string }[] };
    expect(sentences.slice(0, 5).map(({ text }) => text)).toEqual(["", "dog", "alarm clock", "sun", ""]); // prettier-ignore
    expect(sentences).toHaveLength(100);
    const labels = fields.labels as Int32Array;
    expect([...labels.keys()].filter((place) => labels[place] === 1)).toEqual([1, 102]);
    const boxes = fields.boxes as Float32Array;
    const wanted = [0.5, 0.125, 0.5, 0.25, 0.05, 0.1, 0.1, 0.2];
    wanted.forEach((value, i) => expect(boxes[i]).toBeCloseTo(value, 6));
    expect(boxes.slice(8).every((value) => value === 0)).toBe(true);
  });

  test("its images stand at the upper left of a grey square", () => {
    const white = { rows: 2, cols: 4, channels: 1, data: new Float32Array(8).fill(255), range: [0, 255], square: false } as const; // prettier-ignore
    const operation = { name: "pad_square", settings: { fill: 0.5 } };
    const draws = () => openDraw(0, "image", 0, { epoch: 0, index: 0, repeat: 0 });
    const padded = applyOperation(operation, { kind: "image", image: white }, draws);
    if (padded.kind !== "image") throw new Error("an image stays one");
    expect([padded.image.rows, padded.image.cols, padded.image.square]).toEqual([4, 4, true]);
    expect([...padded.image.data]).toEqual([...Array(8).fill(255), ...Array(8).fill(127.5)]);
  });

  test("a file without annotations is named", async () => {
    const path = await annotated({ images: 3 });
    await expect(open("lvis", { path, split: "train" })).rejects.toThrow(`${path}/train.json has no annotations that can be read`); // prettier-ignore
  });
});
