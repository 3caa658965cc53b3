// Every data set. A new one is a file in sets/ and a line here.
import type { AnyDataset } from "./dataset.ts";
import { captions } from "./sets/captions.ts";
import { cifar } from "./sets/cifar.ts";
import { folder } from "./sets/folder.ts";
import { idx } from "./sets/idx.ts";
import { imagenet, imagenet21k } from "./sets/imagenet.ts";
import { lvis } from "./sets/lvis.ts";
import { audioset, howto100m } from "./sets/clips.ts";
import { mnist } from "./sets/mnist.ts";

export const datasets: readonly AnyDataset[] = [
  mnist,
  idx,
  cifar,
  folder,
  imagenet,
  imagenet21k,
  captions,
  lvis,
  howto100m,
  audioset,
];
