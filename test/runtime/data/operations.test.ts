import { describe, expect, test } from "vitest";
import type { Settings, SettingValue } from "../../../compiler/model/catalog.ts";
import { applyToViewType } from "../../../compiler/model/view-type.ts";
import type { ViewType } from "../../../compiler/model/view-type.ts";
import { openDraw } from "../../../runtime/data/draws.ts";
import type { SampleImage } from "../../../runtime/data/operation.ts";
import { operations } from "../../../runtime/data/operations.ts";
import { autocontrast, equalize, posterize, sharpen } from "../../../runtime/data/tone.ts";
import { rotation, warp } from "../../../runtime/data/warp.ts";
import { findOperation } from "../../../runtime/data/view.ts";

/** An image of one row a line, values separated by spaces, one channel. */
function grey(text: string, range: SampleImage["range"] = [0, 255]): SampleImage {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  return {
    rows: lines.length,
    cols: lines[0]!.length,
    channels: 1,
    data: Float32Array.from(lines.flat()),
    range,
    square: false,
  };
}

function colour(...pixels: readonly (readonly [number, number, number])[]): SampleImage {
  return {
    rows: 1,
    cols: pixels.length,
    channels: 3,
    data: Float32Array.from(pixels.flat()),
    range: [0, 255],
    square: false,
  };
}

/** A smooth picture of any size. */
function picture(rows: number, cols: number, channels = 3): SampleImage {
  const data = Float32Array.from(
    { length: rows * cols * channels },
    (_, i) => 127 + 120 * Math.sin(i / 7),
  );
  return { rows, cols, channels, data, range: [0, 255], square: false };
}

function apply(name: string, image: SampleImage, settings: Settings = {}, index = 0): SampleImage {
  const entry = findOperation(name);
  const defaults = Object.fromEntries(
    entry.settings.map((setting) => [setting.name, setting.default ?? null]),
  );
  if (!("apply" in entry)) throw new Error(`${name} is no operation on images alone`);
  return entry.apply(
    image,
    { ...defaults, ...settings },
    openDraw(0, "view", 0, { epoch: 0, index, repeat: 0 }),
  );
}

function text(image: SampleImage): string {
  const row = (at: number): string =>
    [...image.data.subarray(at * image.cols, (at + 1) * image.cols)]
      .map((one) => Math.round(one * 100) / 100)
      .join(" ");
  return Array.from({ length: image.rows }, (_, at) => row(at)).join("\n");
}

describe("crops", () => {
  const image = grey("1 2 3\n4 5 6\n7 8 9");

  test("center_crop takes the middle", () => {
    expect(text(apply("center_crop", image, { size: 1 }))).toBe("5");
    expect(text(apply("center_crop", image, { size: [3, 1] }))).toBe("2\n5\n8");
  });

  test("random_crop with padding shifts, putting black at the edge", () => {
    const shifts = new Set(
      Array.from({ length: 200 }, (_, index) =>
        text(apply("random_crop", image, { size: 3, padding: 1 }, index)),
      ),
    );
    expect(shifts.size).toBe(9);
    expect(shifts).toContain("0 0 0\n0 1 2\n0 4 5");
    expect(shifts).toContain("5 6 0\n8 9 0\n0 0 0");
  });

  test("black is the lower end of the range, whatever that is", () => {
    const shifted = [...Array(50).keys()].map((index) =>
      text(apply("random_crop", grey("5 6", [-1, 9]), { size: [1, 2], padding: 1 }, index)),
    );
    expect(shifted).toContain("-1 5");
  });

  test("an image smaller than the window is the author's to resize", () => {
    expect(() => apply("center_crop", image, { size: 4 })).toThrow(
      "center_crop takes 4 by 4 pixels, but an image has 3 by 3",
    );
    expect(() => apply("random_crop", image, { size: 8, padding: 2 })).toThrow("and padding 2");
  });

  test("random_resized_crop keeps to its share of the area and to its proportions", () => {
    for (let index = 0; index < 100; index++) {
      const cut = apply("random_resized_crop", picture(60, 80), { area: [0.25, 0.5] }, index);
      const share = (cut.rows * cut.cols) / (60 * 80);
      expect(share).toBeGreaterThan(0.23);
      expect(share).toBeLessThan(0.52);
      expect(cut.cols / cut.rows).toBeGreaterThan(0.7);
      expect(cut.cols / cut.rows).toBeLessThan(1.4);
    }
    expect(apply("random_resized_crop", picture(60, 80), { size: 16 })).toMatchObject({
      rows: 16,
      cols: 16,
    });
  });
});

describe("resize", () => {
  test("averages over every pixel on the way down, as PIL does", () => {
    expect(text(apply("resize", grey("0 10 20 30"), { size: [1, 2] }))).toBe("7.14 22.86"); // (3*0 + 3*10 + 1*20) / 7
    expect(text(apply("resize", grey("0 10 20 30"), { size: [1, 2], antialias: false }))).toBe(
      "5 25",
    );
  });

  test("puts pixels in between on the way up", () => {
    expect(text(apply("resize", grey("0 10"), { size: [1, 4] }))).toBe("0 2.5 7.5 10");
    expect(text(apply("resize", grey("0 10"), { size: [1, 4], filter: "nearest" }))).toBe(
      "0 0 10 10",
    );
  });

  test("leaves a constant image constant, and the mean of any in place", () => {
    const flat = apply(
      "resize",
      { ...picture(9, 7), data: new Float32Array(9 * 7 * 3).fill(5) },
      { size: [4, 11], filter: "bicubic" },
    );
    expect(Math.max(...flat.data.map((value) => Math.abs(value - 5)))).toBeLessThan(1e-5);
  });

  test("keeps proportions by its shorter side", () => {
    expect(apply("resize", picture(50, 100), { size: 10 })).toMatchObject({ rows: 10, cols: 20 });
    expect(apply("resize", { ...picture(50, 100), square: true }, { size: 10 })).toMatchObject({
      rows: 10,
      cols: 10,
    });
  });
});

describe("values", () => {
  test("scale moves them from their range to another", () => {
    const scaled = apply("scale", grey("0 51 255"), { to: [-1, 1] });
    expect(text(scaled)).toBe("-1 -0.6 1");
    expect(text(apply("scale", scaled, { to: [0, 1] }))).toBe("0 0.2 1");
  });

  test("normalize takes pixels as 0..1, and scaled values as they are", () => {
    expect(text(apply("normalize", grey("0 255"), { mean: 0.5, std: 0.25 }))).toBe("-2 2");
    expect(text(apply("normalize", grey("-1 1", [-1, 1]), { mean: 0.5, std: 0.25 }))).toBe("-6 2");
    const imagenet = apply("normalize", colour([255, 255, 255]), { mean: "imagenet" });
    expect(imagenet.data[0]).toBeCloseTo((1 - 0.485) / 0.229, 5);
    expect(imagenet.data[2]).toBeCloseTo((1 - 0.406) / 0.225, 5);
    expect(imagenet.range).toBeNull();
  });

  test("normalize wants as many means as channels", () => {
    expect(() => apply("normalize", grey("1"), { mean: "imagenet" })).toThrow(
      'normalize has mean = "imagenet", but the image has 1 channel',
    );
  });

  test("solarize_above turns bright values over", () => {
    expect(text(apply("solarize_above", grey("0 100 128 255")))).toBe("0 100 127 0");
    expect(text(apply("solarize_above", grey("0 0.4 0.9", [0, 1]), { threshold: 0.3 }))).toBe(
      "0 0.6 0.1",
    );
  });

  test("grayscale leaves lightness in every channel", () => {
    expect([...apply("grayscale", colour([255, 0, 0], [10, 10, 10])).data].map(Math.round)).toEqual(
      [76, 76, 76, 10, 10, 10],
    );
  });
});

describe("color_jitter", () => {
  const image = colour([200, 100, 50], [30, 60, 90], [77, 77, 77]);

  test("without amounts changes nothing", () => {
    apply("color_jitter", image).data.forEach((value, i) =>
      expect(value).toBeCloseTo(image.data[i]!, 3),
    );
  });

  test("stays inside the range", () => {
    for (let index = 0; index < 50; index++) {
      const { data } = apply(
        "color_jitter",
        image,
        { brightness: 0.9, contrast: 0.9, saturation: 0.9, hue: 0.5 },
        index,
      );
      expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...data)).toBeLessThanOrEqual(255);
    }
  });

  test("hue goes round the colour circle and leaves grey alone", () => {
    for (let index = 0; index < 50; index++) {
      const { data } = apply("color_jitter", image, { hue: 0.5 }, index);
      expect(Math.max(...data.subarray(0, 3))).toBeCloseTo(200, 3);
      expect(Math.min(...data.subarray(0, 3))).toBeCloseTo(50, 3);
      expect([...data.subarray(6)]).toEqual([77, 77, 77]);
    }
  });
});

describe("rand_augment", () => {
  const image = picture(16, 16);

  test("makes no change without layers, or where none is ever made", () => {
    expect(apply("rand_augment", image, { layers: 0, magnitude: 10 })).toEqual(image);
    expect(apply("rand_augment", image, { layers: 4, magnitude: 10, prob: 0 })).toEqual(image);
  });

  test("makes each of its fifteen changes, and stays inside the range", () => {
    const results = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const { data } = apply("rand_augment", image, { layers: 1, magnitude: 9 }, index);
      expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...data)).toBeLessThanOrEqual(255);
      results.add(data.join());
    }
    expect(results.size).toBe(6 + 2 * 9); // six without a sign, nine that go either way
  });
});

describe("changes of tone and place", () => {
  test("autocontrast and equalize spread the values that there are", () => {
    expect(text(autocontrast(grey("10 60 110")))).toBe("0 127.5 255");
    expect(text(autocontrast(grey("7 7")))).toBe("7 7");
    const rows = Array.from({ length: 16 }, (_, level) =>
      Array.from({ length: 17 }, () => 100 + level).join(" "),
    );
    const many = grey(rows.join("\n"));
    expect(new Set(equalize(many).data).size).toBe(16);
    expect([Math.min(...equalize(many).data), Math.max(...equalize(many).data)]).toEqual([0, 255]);
  });

  test("posterize keeps the upper bits", () => {
    expect(text(posterize(grey("255 130 15"), 4))).toBe("240 128 0");
  });

  test("sharpen leaves at 1, smooths at 0 and keeps the border", () => {
    const point = grey("0 0 0\n0 13 0\n0 0 0");
    expect(text(sharpen(point, 1))).toBe("0 0 0\n0 13 0\n0 0 0");
    expect(text(sharpen(point, 0))).toBe("0 0 0\n0 5 0\n0 0 0");
  });

  test("warp shifts and turns about the middle", () => {
    const image = grey("1 2 3\n4 5 6\n7 8 9");
    expect(text(warp(image, [1, 0, 1, 0, 1, 0], 0))).toBe("2 3 0\n5 6 0\n8 9 0");
    expect(text(warp(image, rotation(90), 0))).toBe(
      "7 4 1\n8 5 2\n9 6 3"
        .split("\n")
        .map((row) => row.split(" ").reverse().join(" "))
        .reverse()
        .join("\n"),
    );
  });
});

describe("gaussian_blur", () => {
  test("spreads a point evenly and keeps its sum", () => {
    const nothing = "0 0 0 0 0 0 0\n".repeat(3);
    const point = grey(`${nothing}0 0 0 100 0 0 0\n${nothing}`); // the kernel, two pixels wide, meets no edge
    const { data } = apply("gaussian_blur", point, { sigma: [0.6, 0.6] });
    expect(data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(100, 3);
    expect(data[23]).toBeCloseTo(data[17]!, 5);
    expect(data[24]!).toBeGreaterThan(data[23]!);
  });
});

describe("erase", () => {
  test("blots out one window, with noise inside the range or standard normal", () => {
    const image = { ...picture(20, 20, 1), data: new Float32Array(400).fill(300) };
    const changed = apply("erase", image, { chance: 1 }).data.filter((value) => value !== 300);
    expect(changed.length / 400).toBeGreaterThan(0.01);
    expect(changed.length / 400).toBeLessThan(0.36);
    expect(changed.every((value) => value >= 0 && value < 255)).toBe(true);
    const normal = apply("erase", { ...image, range: null }, { chance: 1 }).data.filter(
      (value) => value !== 300,
    );
    expect(normal.some((value) => value < 0)).toBe(true);
    expect(normal.every((value) => Math.abs(value) < 6)).toBe(true);
  });
});

describe("every operation", () => {
  const sensible: Readonly<Record<string, Readonly<Record<string, SettingValue>>>> = {
    random_crop: { size: [12, 10], padding: 3 },
    center_crop: { size: 12 },
    resize: { size: 9 },
    random_resized_crop: { size: 8 },
    scale: { to: [0, 1] },
    normalize: { mean: 0.5, std: 0.5 },
    rand_augment: { layers: 3, magnitude: 9, spread: 0.5 },
  };

  const onImages = operations.filter((entry) => "apply" in entry);
  test.each(onImages.map((entry) => entry.name))(
    "%s gives the shape that its entry says, and leaves its input alone",
    (name) => {
      const entry = findOperation(name);
      const defaults = Object.fromEntries(
        entry.settings.map((setting) => [setting.name, setting.default ?? null]),
      );
      const settings = { ...defaults, ...sensible[name] };
      const image = picture(15, 20);
      const before = image.data.slice();
      const axes = [
        { name: "rows", extent: 15 },
        { name: "cols", extent: 20 },
        { name: "channels", extent: 3 },
      ];
      const type = applyToViewType(
        { kind: "image", axes, dtype: "f32", ranged: true, square: false },
        entry,
        settings,
      ) as ViewType;
      for (let index = 0; index < 20; index++) {
        const result = apply(name, image, settings, index);
        const found = [result.rows, result.cols, result.channels];
        expect(found).toEqual(type.axes.map((axis, i) => axis.extent ?? found[i]));
        expect(result.data.length).toBe(result.rows * result.cols * result.channels);
        expect(result.range !== null).toBe(type.ranged);
        expect(result.data.every(Number.isFinite)).toBe(true);
      }
      expect(image.data).toEqual(before);
    },
  );

  test.each(
    operations
      .filter((entry) => entry.settings.some((setting) => setting.name === "chance"))
      .map((entry) => entry.name),
  )("%s does nothing at a chance of 0", (name) => {
    const image = picture(8, 8);
    expect(apply(name, image, { chance: 0 })).toEqual(image);
  });
});
