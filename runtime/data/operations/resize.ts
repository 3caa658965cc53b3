// Another number of pixels. One number sets the shorter side and keeps the proportions; a pair sets both.
import { pairOf, shortSide } from "../../../compiler/model/view-type.ts";
import { sizeType } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";
import { resample } from "../resample.ts";
import type { Filter } from "../resample.ts";

export const resize: OperationEntry = {
  name: "resize",
  about: "the image at another size",
  input: "image",
  settings: [
    { name: "size", type: sizeType, about: "a number for the shorter side, or (rows, cols)" },
    {
      name: "filter",
      type: { kind: "choice", options: ["bilinear", "bicubic", "nearest"] },
      default: "bilinear",
      about: "how pixels in between are found",
    },
    {
      name: "antialias",
      type: { kind: "bool" },
      default: true,
      about: "going down, average over all pixels",
    },
  ],
  shape: { kind: "resize", setting: "size" },
  values: "any",
  draws: false,
  apply: (image, settings) => {
    const { size } = settings;
    const keepsProportions = typeof size === "number" && !image.square;
    const [rows, cols] = keepsProportions ? shortSide(image.rows, image.cols, size) : pairOf(size)!;
    return resample(image, rows, cols, settings.filter as Filter, settings.antialias === true);
  },
};
