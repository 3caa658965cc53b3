// Grey, solarise or blur, one of the three at random, then colour jitter (Touvron et al., 2022, "DeiT III", section 3.2).
import { numberOf } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";
import { colorJitter } from "./color-jitter.ts";
import { blurred } from "./gaussian-blur.ts";
import { withoutColour } from "./grayscale.ts";
import { solarized } from "./solarize-above.ts";

export const threeAugment: OperationEntry = {
  name: "three_augment",
  about: "grey, solarised or blurred, one of them at random, then colour jitter",
  input: "image",
  settings: [
    {
      name: "jitter",
      type: { kind: "real", least: 0 },
      default: 0.3,
      about: "brightness, contrast and saturation",
    },
  ],
  shape: { kind: "same" },
  values: "needs",
  draws: true,
  apply: (image, settings, draw) => {
    const choice = draw.below(3);
    const changed =
      choice === 0
        ? withoutColour(image)
        : choice === 1
          ? solarized(image, 0.5)
          : blurred(image, draw.between(0.1, 2));
    const jitter = numberOf(settings, "jitter");
    return colorJitter.apply(
      changed,
      { chance: 1, brightness: jitter, contrast: jitter, saturation: jitter, hue: 0 },
      draw,
    );
  },
};
