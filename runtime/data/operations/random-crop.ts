// A window at a random place, perhaps reaching into a border of padding (shifts of a few pixels on small images).
import { pairOf } from "../../../compiler/model/view-type.ts";
import { crop, requireRoom } from "../crop.ts";
import { numberOf, sizeType } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";

export const randomCrop: OperationEntry = {
  name: "random_crop",
  about: "a window of the given size at a random place",
  input: "image",
  settings: [
    { name: "size", type: sizeType, about: "rows and columns of the window" },
    {
      name: "padding",
      type: { kind: "int", least: 0 },
      default: 0,
      about: "pixels of black put around the image first",
    },
  ],
  shape: { kind: "extent", setting: "size" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) => {
    const [rows, cols] = pairOf(settings.size)!;
    const padding = numberOf(settings, "padding");
    requireRoom(image, [rows, cols], padding, "random_crop");
    const top = draw.below(image.rows + 2 * padding - rows + 1) - padding;
    const left = draw.below(image.cols + 2 * padding - cols + 1) - padding;
    return crop(image, { top, left, rows, cols }, image.range?.[0] ?? 0);
  },
};
