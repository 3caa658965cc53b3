// The image at the upper left of a square that has its longer side, the rest of one grey.
import { knownRange, numberOf } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";

export const padSquare: OperationEntry = {
  name: "pad_square",
  about: "the image at the upper left of a grey square",
  input: "image",
  settings: [
    {
      name: "fill",
      type: { kind: "prob" },
      default: 0.5,
      about: "the grey: 0 is black, 1 is white",
    },
  ],
  shape: { kind: "squared" },
  values: "needs",
  draws: false,
  apply: (image, settings) => {
    const side = Math.max(image.rows, image.cols);
    const { rows, cols, channels } = image;
    const [black, white] = knownRange(image, "pad_square");
    const grey = black + (white - black) * numberOf(settings, "fill");
    const data = new Float32Array(side * side * channels).fill(grey);
    for (let row = 0; row < rows; row++)
      data.set(
        image.data.subarray(row * cols * channels, (row + 1) * cols * channels),
        row * side * channels,
      );
    return { ...image, rows: side, cols: side, data, square: true };
  },
};
