// A random window replaced, by chance (Zhong et al., 2020, "Random erasing data augmentation").
// Noise is standard normal on a normalised image, and uniform over the range of one that has a range.
import type { Draw } from "../draws.ts";
import { numberOf, rangeOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";
import type { Window } from "../crop.ts";
import { randomWindow } from "./random-resized-crop.ts";

export const erase: OperationEntry = {
  name: "erase",
  about: "a random window blotted out, with the given probability",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 0.25, about: "how often" },
    {
      name: "area",
      type: { kind: "range", least: 0, most: 1 },
      default: [0.02, 1 / 3],
      about: "share of the image",
    },
    {
      name: "aspect",
      type: { kind: "range", least: 0 },
      default: [0.3, 1 / 0.3],
      about: "columns over rows of the window",
    },
    {
      name: "fill",
      type: { kind: "choice", options: ["noise", "zero"] },
      default: "noise",
      about: "what stands there",
    },
  ],
  shape: { kind: "same" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) => {
    if (!draw.chance(numberOf(settings, "chance"))) return image;
    const window = randomWindow(
      image,
      rangeOf(settings, "area"),
      rangeOf(settings, "aspect"),
      draw,
    );
    return window ? blotted(image, window, settings.fill === "noise", draw) : image;
  },
};

function blotted(image: SampleImage, window: Window, isNoise: boolean, draw: Draw): SampleImage {
  const data = image.data.slice();
  const { range, channels } = image;
  const value = (): number =>
    !isNoise ? 0 : range ? draw.between(range[0], range[1]) : draw.normal();
  for (let row = window.top; row < window.top + window.rows; row++) {
    const start = (row * image.cols + window.left) * channels;
    for (let i = 0; i < window.cols * channels; i++) data[start + i] = value();
  }
  return { ...image, data };
}
