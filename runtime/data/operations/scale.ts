// Values from the range that they have to another: `scale(0..1)` makes 255 one.
import { affine, knownRange, rangeOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";

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
    const offset = newLow - low * factor;
    const scaled = affine(image, everyChannel(image, factor), everyChannel(image, offset));
    return { ...scaled, range: [newLow, newHigh] };
  },
};

function everyChannel({ channels }: SampleImage, value: number): readonly number[] {
  return Array.from({ length: channels }, () => value);
}
