// Views that give more than one image: jigsaw puzzles, lightness and colour, masks.
import { describe, expect, test } from "vitest";
import type { ResolvedView, Settings } from "../../../../compiler/model/catalog.ts";
import type { StoredImage } from "../../../../runtime/data/dataset.ts";
import { openRecipeData } from "../../../../runtime/data/recipe-data.ts";
import { applyViews } from "../../../../runtime/data/view.ts";
import { nodeHost } from "../../../../runtime/host/node.ts";
import { view } from "../example-view.ts";

/** Every pixel of its own: 1 + row * cols + col. */
function counted(rows: number, cols: number): StoredImage {
  const bytes = Uint8Array.from({ length: rows * cols }, (_, i) => i + 1);
  return { rows, cols, channels: 1, bytes };
}

function values(views: readonly ResolvedView[], image: StoredImage, index = 0) {
  const example = { epoch: 0, index, repeat: 0 };
  return applyViews(views, { fields: { image }, notes: [] }, 0, example);
}

/** The parts of a record as the compiler asks for them. */
function parts(whole: ResolvedView, names: readonly string[]): readonly ResolvedView[] {
  return names.map((part) => view(`${whole.name}.${part}`, [], { shared: whole, part }));
}

const orders = [
  [0, 1, 2, 3],
  [3, 2, 1, 0],
  [1, 0, 3, 2],
];

describe("a jigsaw puzzle", () => {
  test("`cut` takes a patch from each cell, at a place of its own", () => {
    const cells = view("cells", [["cut", { n: 2, patch: 3 }]]);
    const seen = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const [patches] = values([cells], counted(8, 8), index);
      const corners = [0, 1, 2, 3].map((cell) => {
        const first = patches![cell * 9]! - 1;
        const [row, col] = [Math.floor(first / 8), first % 8];
        expect(patches![cell * 9 + 8]! - 1).toBe((row + 2) * 8 + col + 2);
        const [top, left] = [4 * (cell >> 1), 4 * (cell & 1)];
        expect([row - top, col - left].every((shift) => shift === 0 || shift === 1)).toBe(true);
        return `${row - top}${col - left}`;
      });
      seen.add(corners.join(" "));
    }
    expect(seen.size).toBeGreaterThan(100); // of 4 ^ 4
  });

  test("`which` says the order of the patches, and both parts are of one draw", () => {
    const puzzle = view("puzzle", [
      ["cut", { n: 2, patch: 4 }],
      ["shuffle_by", { set: orders }],
    ]);
    const seen = new Set<number>();
    for (let index = 0; index < 50; index++) {
      const [patches, which] = values(parts(puzzle, ["patches", "which"]), counted(8, 8), index);
      const corners = [1, 5, 33, 37]; // of the cells, uncut: the patch fills its cell
      expect([0, 16, 32, 48].map((at) => patches![at]!)).toEqual(
        orders[which![0]!]!.map((cell) => corners[cell]),
      );
      seen.add(which![0]!);
    }
    expect([...seen].toSorted()).toEqual([0, 1, 2]);
  });

  test("an operation on images goes over every patch", () => {
    const puzzle = view("puzzle", [
      ["cut", { n: 2, patch: 4 }],
      ["scale", { to: [0, 1] }],
    ]);
    const [patches] = values([puzzle], counted(8, 8));
    expect(patches).toHaveLength(64);
    expect(Math.max(...patches!)).toBeCloseTo(64 / 255, 6);
  });
});

describe("lightness and colour", () => {
  test.each([
    ["black", [0, 0, 0], [0, 0, 0]],
    ["white", [255, 255, 255], [100, 0, 0]],
    ["grey", [119, 119, 119], [50.03, 0, 0]],
    ["red", [255, 0, 0], [53.24, 80.09, 67.2]],
    ["green", [0, 255, 0], [87.73, -86.18, 83.18]],
    ["blue", [0, 0, 255], [32.3, 79.19, -107.86]],
  ])("%s is where CIE 1976 has it, its lightness less 50", (_, rgb, lab) => {
    const image = { rows: 1, cols: 1, channels: 3, bytes: Uint8Array.from(rgb) };
    const [l, ab] = values(parts(view("lab", [["to_lab", {}]]), ["l", "ab"]), image);
    [l![0]! + 50, ...ab!].forEach((value, i) => expect(value).toBeCloseTo(lab[i]!, 1));
  });

  test("a view may go on from a part", () => {
    const lab = view("lab", [["to_lab", {}]]);
    const small = view("small", [["resize", { size: [1, 1] }]], { shared: lab, part: "ab" });
    const image = { rows: 2, cols: 2, channels: 3, bytes: new Uint8Array(12).fill(255) };
    expect(values([small], image)[0]).toHaveLength(2);
  });
});

describe("a mask from nothing", () => {
  const settings: Settings = {
    shape: [
      ["rows", 14],
      ["cols", 14],
    ],
    count: 78,
    least: 15,
    aspect: [0.3, 1 / 0.3],
  };
  const mask = view("mask", [["block_mask", settings]], { dataset: null, field: null });
  const masks = Array.from({ length: 200 }, (_, index) => values([mask], counted(1, 1), index)[0]!);

  test("covers what it should, seldom a little less, and never more", () => {
    const counts = masks.map((one) => one.filter((value) => value === 1).length);
    expect(Math.max(...counts)).toBe(78);
    expect(counts.reduce((sum, count) => sum + count) / counts.length).toBeGreaterThan(75);
    expect(Math.min(...counts)).toBeGreaterThan(50);
  });

  test("lies in blocks: most of what is covered has all its neighbours covered or free alike", () => {
    const alike = masks.map((one) => {
      let same = 0;
      for (let place = 0; place < 195; place++)
        if (place % 14 !== 13 && one[place] === one[place + 1]) same++;
      return same / (13 * 14);
    });
    const mean = alike.reduce((sum, value) => sum + value) / alike.length;
    expect(mean).toBeGreaterThan(0.75); // places drawn apart: 0.52
  });

  test("differs from example to example, everywhere on the grid", () => {
    expect(new Set(masks.map((one) => one.join(""))).size).toBe(masks.length);
    for (let place = 0; place < 196; place++)
      expect(masks.some((one) => one[place] === 1)).toBe(true);
  });

  test("comes with the batches of the data set that it is read with", async () => {
    const dataset = { name: "train", source: "mnist", settings: { split: "train[:64]" } };
    const data = openRecipeData([dataset], 1, nodeHost);
    const views = [mask, view("label", [], { field: "label" })];
    const inputs = views.map((one) => ({ input: one.name, view: one }));
    const batches = await data.batches({ views: inputs, batch: 8, seed: 0, mode: "train" });
    const first = await batches.next();
    const drawn = first.inputs.get("mask")!.slice();
    expect(drawn).toHaveLength(8 * 196);
    expect(drawn).toBeInstanceOf(Int32Array);
    expect(new Set(Array.from({ length: 8 }, (_, i) => drawn.slice(196 * i, 196 * (i + 1)).join(""))).size).toBe(8); // prettier-ignore
    await batches.close();
    await data.close();
  });
});
