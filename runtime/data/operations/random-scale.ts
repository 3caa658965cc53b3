// By chance, both sides longer or shorter by one random factor (the scale jitter of video networks).
import { numberOf, rangeOf } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";
import { resample } from "../resample.ts";

export const randomScale: OperationEntry = {
  name: "random_scale",
  about: "rows and columns times a random factor, with the given probability",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 1, about: "how often" },
    {
      name: "factor",
      type: { kind: "range", least: 0.01 },
      default: [0.8, 1.2],
      about: "the least and the greatest factor",
    },
  ],
  shape: { kind: "open" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) => {
    if (!draw.chance(numberOf(settings, "chance"))) return image;
    const factor = draw.between(...rangeOf(settings, "factor"));
    const [rows, cols] = [image.rows, image.cols].map((side) =>
      Math.max(1, Math.round(side * factor)),
    ) as [number, number];
    return resample(image, rows, cols);
  },
};
