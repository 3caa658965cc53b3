// An image cut into n by n equal cells, and from each a patch at a random place of its own: the gaps keep edges that run
// on from one cell to the next from giving a jigsaw puzzle away (Noroozi and Favaro, 2016). Pixels that n does not
// divide stay out, at the lower and right edge.
import { crop, requireRoom } from "../crop.ts";
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const cut: SampleEntry = {
  name: "cut",
  about: "n by n cells, and in each a patch at a random place",
  input: "image",
  settings: [
    { name: "n", type: { kind: "int", least: 1 }, about: "cells in a row and in a column" },
    { name: "patch", type: { kind: "int", least: 1 }, about: "rows and columns of a patch" },
  ],
  shape: { kind: "cells", count: "n", extent: "patch" },
  values: "any",
  draws: true,
  transform: (sample, settings, draw) => {
    const { image } = sampleOf(sample, "image");
    const [n, patch] = [numberOf(settings, "n"), numberOf(settings, "patch")];
    requireRoom(image, [n * patch, n * patch], 0, "cut");
    const [rows, cols] = [Math.floor(image.rows / n), Math.floor(image.cols / n)];
    const images = Array.from({ length: n * n }, (_, cell) => {
      const top = Math.floor(cell / n) * rows + draw.below(rows - patch + 1);
      const left = (cell % n) * cols + draw.below(cols - patch + 1);
      return crop(image, { top, left, rows: patch, cols: patch });
    });
    return { kind: "stack", images };
  },
};
