// A window of random area and proportions, brought to one size (Szegedy et al., 2015, section 6, "Inception crop").
// Without a size the window keeps its pixels: views that start from it may each resize it to their own.
import { pairOf } from "../../../compiler/model/view-type.ts";
import { crop } from "../crop.ts";
import type { Window } from "../crop.ts";
import type { Draw } from "../draws.ts";
import { rangeOf, sizeType } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";
import { resample } from "../resample.ts";

const tries = 10;

export const randomResizedCrop: OperationEntry = {
  name: "random_resized_crop",
  about: "a window of random area and proportions, resized",
  input: "image",
  settings: [
    {
      name: "size",
      type: sizeType,
      default: null,
      about: "rows and columns of the result; none keeps the window's pixels",
    },
    {
      name: "area",
      type: { kind: "range", least: 0, most: 1 },
      default: [0.08, 1],
      about: "share of the image's area",
    },
    {
      name: "aspect",
      type: { kind: "range", least: 0 },
      default: [3 / 4, 4 / 3],
      about: "columns over rows of the window",
    },
  ],
  shape: { kind: "square", setting: "size" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) => {
    const window =
      randomWindow(image, rangeOf(settings, "area"), rangeOf(settings, "aspect"), draw) ??
      middle(image, rangeOf(settings, "aspect"));
    const cut = crop(image, window);
    const size = pairOf(settings.size);
    return size ? resample(cut, size[0], size[1]) : { ...cut, square: true };
  },
};

type Range = readonly [number, number];

/** A window of random area and aspect that fits, or null after ten that did not. The logarithm of the aspect is uniform. */
export function randomWindow(
  image: { rows: number; cols: number },
  area: Range,
  aspect: Range,
  draw: Draw,
): Window | null {
  for (let attempt = 0; attempt < tries; attempt++) {
    const pixels = image.rows * image.cols * draw.between(area[0], area[1]);
    const ratio = Math.exp(draw.between(Math.log(aspect[0]), Math.log(aspect[1])));
    const cols = Math.round(Math.sqrt(pixels * ratio));
    const rows = Math.round(Math.sqrt(pixels / ratio));
    if (rows < 1 || cols < 1 || rows > image.rows || cols > image.cols) continue;
    return {
      top: draw.below(image.rows - rows + 1),
      left: draw.below(image.cols - cols + 1),
      rows,
      cols,
    };
  }
  return null;
}

/** The largest central window whose aspect is within bounds: torchvision's way out. */
function middle(image: { rows: number; cols: number }, aspect: Range): Window {
  const ratio = image.cols / image.rows;
  const rows = ratio < aspect[0] ? Math.round(image.cols / aspect[0]) : image.rows;
  const cols = ratio > aspect[1] ? Math.round(image.rows * aspect[1]) : image.cols;
  return { top: (image.rows - rows) >> 1, left: (image.cols - cols) >> 1, rows, cols };
}
