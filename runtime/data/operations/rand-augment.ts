// A few changes out of fifteen, one after another, all of one strength (Cubuk et al., 2020, "RandAugment"), with the
// "increasing" scales of timm, by which a larger magnitude is always a larger change; 10 is the end of each scale.
// `spread` is the standard deviation of the magnitude, `chance` how often each change is made (1/2 in DeiT).
import type { Draw } from "../draws.ts";
import { knownRange, mapValues, numberOf } from "../operation.ts";
import type { OperationEntry, SampleImage } from "../operation.ts";
import { autocontrast, equalize, posterize, sharpen } from "../tone.ts";
import { rotation, warp } from "../warp.ts";
import type { Affine } from "../warp.ts";
import { brightened, contrasted, saturated } from "./color-jitter.ts";
import { solarized } from "./solarize-above.ts";

/** `strength` is magnitude / 10; `sign` is 1 or -1 at random. */
type Change = (image: SampleImage, strength: number, sign: number) => SampleImage;

const changes: readonly Change[] = [
  (image) => autocontrast(image),
  (image) => equalize(image),
  (image) => inverted(image),
  (image, strength, sign) => moved(image, rotation(30 * strength * sign)),
  (image, strength) => posterize(image, Math.max(0, 4 - Math.floor(4 * strength))),
  (image, strength) => solarized(image, Math.max(0, 1 - strength)),
  (image, strength) => solarizeAdded(image, Math.min(128 / 255, (110 / 255) * strength)),
  (image, strength, sign) => saturated(image, factor(strength, sign)),
  (image, strength, sign) => contrasted(image, factor(strength, sign)),
  (image, strength, sign) => brightened(image, factor(strength, sign)),
  (image, strength, sign) => sharpen(image, factor(strength, sign)),
  (image, strength, sign) => moved(image, [1, 0.3 * strength * sign, 0, 0, 1, 0]),
  (image, strength, sign) => moved(image, [1, 0, 0, 0.3 * strength * sign, 1, 0]),
  (image, strength, sign) => moved(image, [1, 0, 0.45 * strength * sign * image.cols, 0, 1, 0]),
  (image, strength, sign) => moved(image, [1, 0, 0, 0, 1, 0.45 * strength * sign * image.rows]),
];

export const randAugment: OperationEntry = {
  name: "rand_augment",
  about: "a few random changes of colour and geometry, all of one strength",
  input: "image",
  settings: [
    { name: "layers", type: { kind: "int", least: 0 }, about: "how many changes" },
    {
      name: "magnitude",
      type: { kind: "real", least: 0, most: 30 },
      about: "how strong; 10 is the end of timm's scales",
    },
    {
      name: "spread",
      type: { kind: "real", least: 0 },
      default: 0,
      about: "standard deviation of the magnitude",
    },
    { name: "prob", type: { kind: "prob" }, default: 1, about: "how often each change is made" },
  ],
  shape: { kind: "same" },
  values: "needs",
  draws: true,
  apply: (image, settings, draw) => {
    let result = image;
    for (let layer = 0; layer < numberOf(settings, "layers"); layer++)
      result = oneChange(result, settings, draw);
    return result;
  },
};

function oneChange(
  image: SampleImage,
  settings: Parameters<typeof numberOf>[0],
  draw: Draw,
): SampleImage {
  const change = changes[draw.below(changes.length)]!;
  const spread = numberOf(settings, "spread");
  const magnitude = Math.max(
    0,
    numberOf(settings, "magnitude") + (spread > 0 ? spread * draw.normal() : 0),
  );
  const sign = draw.chance(0.5) ? 1 : -1;
  return draw.chance(numberOf(settings, "prob")) ? change(image, magnitude / 10, sign) : image;
}

function factor(strength: number, sign: number): number {
  return Math.max(0.1, 1 + 0.9 * strength * sign);
}

/** What comes in from outside is mid grey. */
function moved(image: SampleImage, affine: Affine): SampleImage {
  const [low, high] = knownRange(image, "rand_augment");
  return warp(image, affine, low + ((high - low) * 128) / 255);
}

function inverted(image: SampleImage): SampleImage {
  const [low, high] = knownRange(image, "rand_augment");
  return mapValues(image, (value) => high + low - value);
}

/** Dark values, below the middle, made brighter. */
function solarizeAdded(image: SampleImage, by: number): SampleImage {
  const [low, high] = knownRange(image, "rand_augment");
  const middle = low + (high - low) / 2;
  return mapValues(image, (value) =>
    value < middle ? Math.min(high, value + by * (high - low)) : value,
  );
}
