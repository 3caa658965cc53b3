// The window in the middle; of two equally central ones the upper left, as torchvision rounds.
import { pairOf } from "../../../compiler/model/view-type.ts";
import { crop, requireRoom } from "../crop.ts";
import { sizeType } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";

export const centerCrop: OperationEntry = {
  name: "center_crop",
  about: "the window of the given size in the middle of the image",
  input: "image",
  settings: [{ name: "size", type: sizeType, about: "rows and columns of the window" }],
  shape: { kind: "extent", setting: "size" },
  values: "any",
  draws: false,
  apply: (image, settings) => {
    const [rows, cols] = pairOf(settings.size)!;
    requireRoom(image, [rows, cols], 0, "center_crop");
    return crop(image, {
      top: (image.rows - rows) >> 1,
      left: (image.cols - cols) >> 1,
      rows,
      cols,
    });
  },
};
