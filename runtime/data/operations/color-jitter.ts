// Brightness, contrast, saturation and hue, each changed by a random amount, in random order (torchvision's ColorJitter),
// all by one chance. Values stay inside the image's range.
import type { Draw } from "../draws.ts";
import { knownRange, luma, mapValues, numberOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

const amount = { kind: "real", least: 0 } as const;

export const colorJitter: OperationEntry = {
  name: "color_jitter",
  about: "random brightness, contrast, saturation and hue, with the given probability",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 1, about: "how often" },
    {
      name: "brightness",
      type: amount,
      default: 0,
      about: "factors are drawn from 1 - b to 1 + b, none below 0",
    },
    { name: "contrast", type: amount, default: 0, about: "likewise" },
    { name: "saturation", type: amount, default: 0, about: "likewise" },
    {
      name: "hue",
      type: { kind: "real", least: 0, most: 0.5 },
      default: 0,
      about: "turns of the colour circle, either way",
    },
  ],
  shape: { kind: "same" },
  values: "needs",
  draws: true,
  apply: (image, settings, draw) => {
    if (!draw.chance(numberOf(settings, "chance"))) return image;
    const changes = [
      (one: SampleImage) => brightened(one, factor(numberOf(settings, "brightness"), draw)),
      (one: SampleImage) => contrasted(one, factor(numberOf(settings, "contrast"), draw)),
      (one: SampleImage) => saturated(one, factor(numberOf(settings, "saturation"), draw)),
      (one: SampleImage) => hueTurned(one, draw.between(-1, 1) * numberOf(settings, "hue")),
    ];
    return shuffled(changes, draw).reduce((one, change) => change(one), image);
  },
};

function factor(spread: number, draw: Draw): number {
  return draw.between(Math.max(0, 1 - spread), 1 + spread);
}

function shuffled<Item>(items: readonly Item[], draw: Draw): readonly Item[] {
  const left = [...items];
  return items.map(() => left.splice(draw.below(left.length), 1)[0]!);
}

export function brightened(image: SampleImage, by: number): SampleImage {
  const [low] = knownRange(image, "color_jitter");
  return clamped(mapValues(image, (value) => low + (value - low) * by));
}

export function contrasted(image: SampleImage, by: number): SampleImage {
  const light = luma(image);
  const mean = light.reduce((sum, value) => sum + value, 0) / light.length;
  return clamped(mapValues(image, (value) => mean + (value - mean) * by));
}

export function saturated(image: SampleImage, by: number): SampleImage {
  if (image.channels !== 3) return image;
  const light = luma(image);
  return clamped(
    mapValues(image, (value, _, pixel) => {
      const grey = light[pixel]!;
      return grey + (value - grey) * by;
    }),
  );
}

/** The hue of HSV moved by `turns` of the circle; grey images and grey pixels stay. */
export function hueTurned(image: SampleImage, turns: number): SampleImage {
  if (image.channels !== 3 || turns === 0) return image;
  const data = new Float32Array(image.data.length);
  for (let at = 0; at < data.length; at += 3) {
    const [red, green, blue] = turnPixel(
      image.data[at]!,
      image.data[at + 1]!,
      image.data[at + 2]!,
      turns,
    );
    data[at] = red;
    data[at + 1] = green;
    data[at + 2] = blue;
  }
  return { ...image, data };
}

function turnPixel(
  red: number,
  green: number,
  blue: number,
  turns: number,
): readonly [number, number, number] {
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  const chroma = most - least;
  if (chroma === 0) return [red, green, blue];
  const sixth =
    most === red
      ? (green - blue) / chroma
      : most === green
        ? 2 + (blue - red) / chroma
        : 4 + (red - green) / chroma;
  const turned = sixth + 6 * turns;
  // a channel falls from `most` by chroma * clamp(...) as the hue moves away from it (HSV to RGB without branches)
  const channel = (offset: number): number => {
    const k = (((turned + offset) % 6) + 6) % 6;
    return most - chroma * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

function clamped(image: SampleImage): SampleImage {
  const [low, high] = knownRange(image, "color_jitter");
  return mapValues(image, (value) => Math.min(high, Math.max(low, value)));
}
