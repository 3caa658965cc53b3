// Lightness alone, in as many channels as before, by chance.
import { luma, mapValues, numberOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

export const grayscale: OperationEntry = {
  name: "grayscale",
  about: "without colour, with the given probability; the channels stay, all alike",
  input: "image",
  settings: [{ name: "chance", type: { kind: "prob" }, default: 1, about: "how often" }],
  shape: { kind: "same" },
  values: "any",
  draws: true,
  apply: (image, settings, draw) =>
    draw.chance(numberOf(settings, "chance")) ? withoutColour(image) : image,
};

export function withoutColour(image: SampleImage): SampleImage {
  const light = luma(image);
  return mapValues(image, (_, __, pixel) => light[pixel]!);
}
