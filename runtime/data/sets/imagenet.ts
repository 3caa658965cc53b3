// ImageNet in the layout of its usual copies: one folder a split, in it one folder a class. What a recipe needs to know
// to be checked and planned is written here, so that this works on a machine without the images.
import type { Settings } from "../../../compiler/model/catalog.ts";
import { defineDataset, stringSetting } from "../dataset.ts";
import type { AnyDataset } from "../dataset.ts";
import { brokenSetting, lookAtFolder, openFolder, readImageFile } from "./folder.ts";
import type { FolderSource } from "./folder.ts";
import { imageFields } from "./idx.ts";

/** ILSVRC 2012 (Russakovsky et al., 2015): 1,000 classes. */
export const imagenet = imageNet("imagenet", "ImageNet-1k (ILSVRC 2012)", "train", {
  train: 1_281_167,
  validation: 50_000,
});

/** All of ImageNet, as released in fall 2011: 21,843 classes. */
export const imagenet21k = imageNet("imagenet21k", "ImageNet-21k (fall 2011)", "full", {
  full: 14_197_122,
});

function imageNet(
  name: string,
  about: string,
  split: string,
  splits: Readonly<Record<string, number>>,
): AnyDataset {
  const folderOf = (settings: Settings): string => stringSetting(settings, "path");
  return defineDataset<FolderSource>({
    name,
    about,
    settings: [
      {
        name: "split",
        type: { kind: "string" },
        default: split,
        about: `${Object.keys(splits).join(" or ")}, or a slice such as ${split}[:99%]`,
      },
      {
        name: "path",
        type: { kind: "string" },
        default: name,
        about: "the folder that holds the folders of the splits",
      },
      brokenSetting,
    ],
    fields: imageFields(null, null, 3),
    classes: null,
    splits,
    look: (settings, host) => lookAtFolder(folderOf(settings), settings, host),
    open: (settings, host) => openFolder(folderOf(settings), settings, host),
    read: readImageFile,
  });
}
