// Values at or above a threshold turned over, as in overexposed film, by chance.
import { knownRange, mapValues, numberOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

export const solarizeAbove: OperationEntry = {
  name: "solarize_above",
  about: "inverts values from the threshold on, with the given probability",
  input: "image",
  settings: [
    { name: "chance", type: { kind: "prob" }, default: 1, about: "how often" },
    {
      name: "threshold",
      type: { kind: "prob" },
      default: 0.5,
      about: "share of the way from black to white",
    },
  ],
  shape: { kind: "same" },
  values: "needs",
  draws: true,
  apply: (image, settings, draw) =>
    draw.chance(numberOf(settings, "chance"))
      ? solarized(image, numberOf(settings, "threshold"))
      : image,
};

export function solarized(image: SampleImage, threshold: number): SampleImage {
  const [low, high] = knownRange(image, "solarize_above");
  const limit = low + (high - low) * threshold;
  return mapValues(image, (value) => (value >= limit ? high + low - value : value));
}
