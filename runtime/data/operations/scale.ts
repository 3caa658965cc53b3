// Values from the range that they have to another: `scale(0..1)` makes 255 one.
import { knownRange, mapValues, rangeOf } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";

export const scale: OperationEntry = {
  name: "scale",
  about: "black becomes the range's lower end, white its upper end",
  input: "image",
  settings: [{ name: "to", type: { kind: "range" }, about: "the new range" }],
  shape: { kind: "same" },
  values: "scales",
  draws: false,
  apply: (image, settings) => {
    const [low, high] = knownRange(image, "scale");
    const [newLow, newHigh] = rangeOf(settings, "to");
    const factor = (newHigh - newLow) / (high - low);
    const scaled = mapValues(image, (value) => newLow + (value - low) * factor);
    return { ...scaled, range: [newLow, newHigh] };
  },
};
