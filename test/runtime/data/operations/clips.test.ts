// Clips with picture, sound and words: one stretch of time for all, then each on its own.
import { describe, expect, test } from "vitest";
import type { ResolvedView } from "../../../../compiler/model/catalog.ts";
import type { FieldValue, StoredImage } from "../../../../runtime/data/dataset.ts";
import { findDataset } from "../../../../runtime/data/open-dataset.ts";
import { applyViews } from "../../../../runtime/data/view.ts";
import { nodeHost } from "../../../../runtime/host/node.ts";
import { view } from "../example-view.ts";

/** Ten seconds at 4 frames a second, each frame grey by its number; a sound whose value is its time; three sentences. */
const frame = (grey: number): StoredImage => {
  const bytes = new Uint8Array(4 * 6 * 3).fill(grey);
  bytes[0] = 200; // the upper left corner
  return { rows: 4, cols: 6, channels: 3, bytes };
};
const clip: Readonly<Record<string, FieldValue>> = {
  video: { frames: Array.from({ length: 40 }, (_, i) => frame(i)), rate: 4 },
  audio: {
    samples: Float32Array.from({ length: 1000 }, (_, i) => i / 100),
    channels: 1,
    rate: 100,
  },
  text: {
    sentences: [
      { text: "First, take the flour.", from: 0, to: 3 },
      { text: "Then the EGGS", from: 4, to: 6 },
      { text: "and bake", from: 8, to: 10 },
    ],
  },
};

const whole = view("clip", [["random_window", { frames: 4, rate: 2 }], ["has", { part: "text" }]], { field: null }); // prettier-ignore

function part(name: string, operations: Parameters<typeof view>[1] = []): ResolvedView {
  return view(`own ${name}`, operations, { field: null, shared: whole, part: name });
}

function values(views: readonly ResolvedView[], index = 0, fields = clip) {
  return applyViews(views, { fields, notes: [] }, 0, { epoch: 0, index, repeat: 0 });
}

describe("clips", () => {
  test("picture and sound are of one stretch of time, drawn for each example", () => {
    const starts = new Set<number>();
    for (let index = 0; index < 20; index++) {
      const [video, audio] = values([part("video"), part("audio")], index);
      expect(video).toHaveLength(4 * 4 * 6 * 3);
      expect(audio).toHaveLength(200);
      const start = audio![0]!;
      [0, 1, 2, 3].forEach((i) => {
        const grey = video![i * 72 + 71]!;
        expect(Math.abs(grey / 4 - (start + i / 2))).toBeLessThan(0.27);
      });
      starts.add(start);
    }
    expect(starts.size).toBeGreaterThan(15);
  });

  test("an operation on images draws once for all frames", () => {
    const cropped = part("video", [["random_crop", { size: [2, 2], padding: 0 }]]);
    const corners = Array.from({ length: 40 }, (_, index) => {
      const [video] = values([cropped], index);
      const withCorner = [0, 1, 2, 3].map((i) => video![i * 12] === 200);
      expect(new Set(withCorner).size).toBe(1);
      return withCorner[0];
    });
    expect(new Set(corners).size).toBe(2);
  });

  test("random_scale changes both sides by one factor, of every frame alike", () => {
    const sizes = Array.from({ length: 30 }, (_, index) => {
      const scaled = part("video", [["random_scale", { chance: 0.5, factor: [0.5, 1] }]]);
      return values([scaled], index)[0]!.length / 12;
    });
    expect(sizes.filter((size) => size === 24).length).toBeGreaterThan(5);
    expect(sizes.filter((size) => size < 24).length).toBeGreaterThan(5);
  });

  test("a sound resampled keeps its times; noise is as loud as asked", () => {
    const [own, up, down] = values([
      part("audio"),
      part("audio", [["resample", { rate: 200 }]]),
      part("audio", [["resample", { rate: 25 }]]),
    ].map((one, i) => ({ ...one, name: `sound ${i}` }))); // prettier-ignore
    expect([up!.length, down!.length]).toEqual([400, 50]);
    expect(up![200]!).toBeCloseTo(own![0]! + 200 / 200 - 0.0025, 4);
    expect(down![25]!).toBeCloseTo(own![0]! + 1 + 1.5 / 100, 4);
    const [loud] = values([part("audio", [["noise", { std: 0.1 }]])]);
    const off = Array.from(loud!, (value, i) => value - own![i]!);
    expect(Math.sqrt(off.reduce((sum, one) => sum + one * one, 0) / 200)).toBeCloseTo(0.1, 1);
  });

  test("the nearest sentences, as hashed words", () => {
    const ids = part("text", [["nearest", { count: 2 }], ["word_ids", { words: 3, vocabulary: 100 }]]); // prettier-ignore
    for (let index = 0; index < 10; index++) {
      const [found, audio] = values([ids, part("audio")], index);
      const middle = audio![0]! + 1;
      const nearest = [1.5, 5, 9].toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
      const words = [1.5, 5, 9].map((at) => nearest.indexOf(at));
      expect(found).toHaveLength(6);
      expect(found!.every((id) => id >= 0 && id < 100)).toBe(true);
      if (words[2] === 0) expect(found![2]).toBe(0); // `and bake` has two
      if (words[1] === 0) expect(found!.slice(0, 3)).not.toContain(0);
    }
    const said = (text: string) => [
      ...values([ids], 0, { ...clip, text: { sentences: [{ text, from: 0, to: 1 }] } })[0]!,
    ];
    expect(said("the EGGS")).toEqual(said("The eggs!"));
    expect(said("the eggs").slice(2)).toEqual([0, 0, 0, 0]);
  });

  test("whether there are words at all", () => {
    const none = { ...clip, text: { sentences: [] } };
    expect([...values([part("has_text")])[0]!]).toEqual([1]);
    expect([...values([part("has_text")], 0, none)[0]!]).toEqual([0]);
  });

  test("a clip that is too short is said to be", () => {
    const long = view("long", [["random_window", { frames: 50, rate: 2 }]], { field: null });
    expect(() => values([long])).toThrow("random_window takes 25 seconds, but a clip has 10");
  });
});

test("data sets of clips say what is missing and where it is expected", async () => {
  for (const name of ["howto100m", "audioset"]) {
    const opening = findDataset(name).open({ split: "train", path: "no/such" }, nodeHost);
    await expect(opening).rejects.toThrow(`the videos of ${name} are not here: there is no folder no/such`); // prettier-ignore
  }
});
