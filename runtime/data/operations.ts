// Every sample operation. A new one is a file in operations/ and a line here.
import type { AnyOperation } from "./operation.ts";
import { anySentence } from "./operations/any-sentence.ts";
import { blockMask } from "./operations/block-mask.ts";
import { bytePairs } from "./operations/byte-pairs.ts";
import { centerCrop } from "./operations/center-crop.ts";
import { colorJitter } from "./operations/color-jitter.ts";
import { cut } from "./operations/cut.ts";
import { erase } from "./operations/erase.ts";
import { flip } from "./operations/flip.ts";
import { gaussianBlur } from "./operations/gaussian-blur.ts";
import { grayscale } from "./operations/grayscale.ts";
import { has } from "./operations/has.ts";
import { nearest } from "./operations/nearest.ts";
import { noise } from "./operations/noise.ts";
import { normalize } from "./operations/normalize.ts";
import { padSquare } from "./operations/pad-square.ts";
import { pieces } from "./operations/pieces.ts";
import { randAugment } from "./operations/rand-augment.ts";
import { randomCrop } from "./operations/random-crop.ts";
import { randomResizedCrop } from "./operations/random-resized-crop.ts";
import { randomScale } from "./operations/random-scale.ts";
import { randomWindow } from "./operations/random-window.ts";
import { resample } from "./operations/resample.ts";
import { resize } from "./operations/resize.ts";
import { scale } from "./operations/scale.ts";
import { shuffleBy } from "./operations/shuffle-by.ts";
import { solarizeAbove } from "./operations/solarize-above.ts";
import { threeAugment } from "./operations/three-augment.ts";
import { toLab } from "./operations/to-lab.ts";
import { wordIds } from "./operations/word-ids.ts";

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
  randomScale,
  randomWindow,
  has,
  resample,
  noise,
  nearest,
  wordIds,
  anySentence,
  padSquare,
  bytePairs,
  pieces,
];
