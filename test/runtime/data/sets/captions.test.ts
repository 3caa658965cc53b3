// Images with captions: a file of lines for each split.
import { mkdirSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { StoredImage } from "../../../../runtime/data/dataset.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { open } from "../example-view.ts";

async function pictures(lines: readonly string[]): Promise<string> {
  const path = temporaryFolder();
  mkdirSync(`${path}/images`);
  const background = { r: 10, g: 20, b: 30 };
  await sharp({ create: { width: 4, height: 3, channels: 3, background } }).png().toFile(`${path}/images/a.png`); // prettier-ignore
  writeFileSync(`${path}/train.jsonl`, `${lines.join("\n")}\n`);
  return path;
}

const line = (text: unknown) => JSON.stringify({ image: "images/a.png", text });

describe("captions", () => {
  test("an image comes with its texts, one or several", async () => {
    const path = await pictures([line("a dog"), "", line(["a cat", "one cat"])]);
    const set = await open("captions", { path, split: "train" });
    expect(set.size).toBe(2);
    const { fields } = await set.example(1);
    expect(fields.text).toEqual({
      sentences: ["a cat", "one cat"].map((text) => ({ text, from: 0, to: 0 })),
    });
    const image = fields.image as StoredImage;
    expect([image.rows, image.cols, ...image.bytes.subarray(0, 3)]).toEqual([3, 4, 10, 20, 30]);
  });

  test("a slice of a split is some of its lines", async () => {
    const path = await pictures([line("one"), line("two"), line("three"), line("four")]);
    expect((await open("captions", { path, split: "train[50%:]" })).size).toBe(2);
  });

  test("a line that is no pair is named by its number", async () => {
    const path = await pictures([line("a dog"), `{"image": 3}`]);
    await expect(open("captions", { path, split: "train" })).rejects.toThrow(`line 2 of ${path}/train.jsonl is no image with its text`); // prettier-ignore
  });

  test("a missing file is named, with what would help", async () => {
    const path = await pictures([line("a dog")]);
    await expect(open("captions", { path, split: "test" })).rejects.toThrow(`there is no file ${path}/test.jsonl`); // prettier-ignore
  });
});
