// The mirror image, by chance.
import { numberOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

export const flip: OperationEntry = {
  name: "flip",
  about: "mirrored, with the given probability",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 0.5, about: "how often" },
    {
      name: "over",
      type: { kind: "choice", options: ["cols", "rows"] },
      default: "cols",
      about: "cols swaps left and right, rows top and bottom",
    },
  ],
  shape: { kind: "same" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) =>
    draw.chance(numberOf(settings, "chance")) ? mirrored(image, settings.over === "cols") : image,
};

function mirrored(image: SampleImage, swapsCols: boolean): SampleImage {
  const { rows, cols, channels } = image;
  const data = new Float32Array(image.data.length);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const from = swapsCols ? row * cols + (cols - 1 - col) : (rows - 1 - row) * cols + col;
      const to = row * cols + col;
      for (let channel = 0; channel < channels; channel++)
        data[to * channels + channel] = image.data[from * channels + channel]!;
    }
  }
  return { ...image, data };
}
