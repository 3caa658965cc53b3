// Several data sets as one, in proportion: an epoch passes once over the one that lasts longest.
import { expect, test } from "vitest";
import { blendCounts, blendSize } from "../../../compiler/model/blend-size.ts";
import type { ResolvedDataset } from "../../../compiler/model/catalog.ts";
import { openDataset } from "../../../runtime/data/open-dataset.ts";
import { openLoader } from "../../../runtime/data/loader.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { openRecipe } from "../../compiler/graph/lower-recipe/recipe-text.ts";
import { view } from "./example-view.ts";

const part = (name: string, split: string): ResolvedDataset => ({
  name,
  source: "mnist",
  settings: { split },
});
const blend: ResolvedDataset = {
  name: "train",
  source: "blend",
  settings: { weights: [1, 3] },
  of: [part("train.0", "train[:10]"), part("train.1", "test[:60]")],
};

test("sizes follow the weights, and nothing of the longest is left out", () => {
  expect(blendSize([100, 300], [1, 1])).toBe(600);
  expect(blendCounts([10, 60], [1, 3])).toEqual([20, 60]);
  expect(blendCounts([10, 10], [2, 1])).toEqual([20, 10]);
});

test("examples are those of the parts, the shorter one again and again", async () => {
  const dataset = await openDataset(blend, nodeHost);
  const [first, second] = await Promise.all(blend.of!.map((one) => openDataset(one, nodeHost)));
  expect(dataset.size).toBe(80);
  for (const [index, of, place] of [
    [0, first, 0],
    [13, first, 3],
    [20, second, 0],
    [79, second, 59],
  ] as const)
    // prettier-ignore
    expect((await dataset.example(index)).fields).toEqual((await of!.example(place)).fields);
});

test("batches are the same from a thread", async () => {
  const dataset = await openDataset(blend, nodeHost);
  const views = [view("image", [["flip", { chance: 0.5, over: "cols" }]])];
  const batch = async (workers: number): Promise<Float32Array> => {
    const loader = openLoader({ dataset, views, batch: 16, seed: 1, mode: "train", workers }, nodeHost); // prettier-ignore
    const { fields } = await loader.next();
    const values = fields.get("image")!.slice();
    await loader.close();
    return values as Float32Array;
  };
  expect(await batch(1)).toEqual(await batch(0));
});

function facts(text: string): string {
  const { context, said } = openRecipe(`recipe r { data train = ${text} }`);
  const found = context.facts("train");
  return found ? `${found.size} of ${found.fields.map(({ name }) => name).join(", ")}` : said();
}

test("a recipe says it in one call, and what does not fit is refused in words", () => {
  const text = 'blend([mnist(split = "train[:10]"), mnist(split = "test[:60]")], weights = [1, 3])';
  expect(facts(text)).toBe("80 of image, label, name");
  expect(facts(text.replace(", weights = [1, 3]", ""))).toBe("120 of image, label, name");
  expect(facts(text.replace("[1, 3]", "[1, 3, 2]"))).toContain("takes 2 numbers above 0");
  expect(facts("blend([mnist(), audioset()])")).toContain("are not like those of `mnist`");
  expect(facts("blend(mnist())")).toContain("`blend` takes a list of data sets");
  expect(facts("blend([howto100m(), audioset()])")).toBe("null of video, audio, text");
});
