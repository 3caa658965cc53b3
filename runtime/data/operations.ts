// Every sample operation. A new one is a file in operations/ and a line here.
import type { AnyOperation } from "./operation.ts";
import { blockMask } from "./operations/block-mask.ts";
import { centerCrop } from "./operations/center-crop.ts";
import { colorJitter } from "./operations/color-jitter.ts";
import { cut } from "./operations/cut.ts";
import { erase } from "./operations/erase.ts";
import { flip } from "./operations/flip.ts";
import { gaussianBlur } from "./operations/gaussian-blur.ts";
import { grayscale } from "./operations/grayscale.ts";
import { normalize } from "./operations/normalize.ts";
import { randAugment } from "./operations/rand-augment.ts";
import { randomCrop } from "./operations/random-crop.ts";
import { randomResizedCrop } from "./operations/random-resized-crop.ts";
import { resize } from "./operations/resize.ts";
import { scale } from "./operations/scale.ts";
import { shuffleBy } from "./operations/shuffle-by.ts";
import { solarizeAbove } from "./operations/solarize-above.ts";
import { threeAugment } from "./operations/three-augment.ts";
import { toLab } from "./operations/to-lab.ts";

export const operations: readonly AnyOperation[] = [
  randomCrop,
  centerCrop,
  resize,
  randomResizedCrop,
  flip,
  scale,
  normalize,
  grayscale,
  solarizeAbove,
  gaussianBlur,
  colorJitter,
  threeAugment,
  randAugment,
  erase,
  toLab,
  cut,
  shuffleBy,
  blockMask,
];
