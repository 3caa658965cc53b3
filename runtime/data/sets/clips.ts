// Data sets of clips from the web, with picture, sound and perhaps words. What a recipe needs to know to be checked is
// here; the videos themselves are nobody's to pass on, and there is no decoder of them yet, so opening says so.
import type { CatalogField, Settings } from "../../../compiler/model/catalog.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { defineDataset, stringSetting } from "../dataset.ts";
import type { AnyDataset } from "../dataset.ts";

const fields: readonly CatalogField[] = [
  {
    name: "video",
    kind: "video",
    axes: [
      { name: "time", extent: null },
      { name: "rows", extent: null },
      { name: "cols", extent: null },
      { name: "channels", extent: 3 },
    ],
    dtype: "f32",
  },
  {
    name: "audio",
    kind: "audio",
    axes: [
      { name: "samples", extent: null },
      { name: "channels", extent: 1 },
    ],
    dtype: "f32",
  },
  { name: "text", kind: "text", axes: [{ name: "sentences", extent: null }], dtype: "i32" },
];

/** Instructional videos with their narration as text (Miech et al., 2019). */
export const howto100m = clips("howto100m", "HowTo100M: narrated videos of how things are done");

/** Ten seconds of sound with its picture, no words (Gemmeke et al., 2017). */
export const audioset = clips("audioset", "AudioSet: clips of ten seconds, without words");

/** Splits are not listed: how many videos are still to be had changes with the days. */
function clips(name: string, about: string): AnyDataset {
  const absent = (settings: Settings, host: Host): never => {
    const folder = stringSetting(settings, "path");
    if (!host.files.exists(folder))
      throw new WorldError(
        "missing-file",
        `the videos of ${name} are not here: there is no folder ${folder}`,
        `put them into ${folder}/${stringSetting(settings, "split")}, or give ${name} another path`,
      );
    throw new WorldError(
      "unsupported",
      `the videos in ${folder} cannot be read: there is no decoder of videos yet`,
      "train on images for now",
    );
  };
  return defineDataset<null>({
    name,
    about,
    settings: [
      { name: "split", type: { kind: "string" }, default: "train", about: "the folder of a split" },
      {
        name: "path",
        type: { kind: "string" },
        default: name,
        about: "the folder that holds the folders of the splits",
      },
    ],
    fields,
    classes: [],
    splits: null,
    look: absent,
    open: async (settings, host) => absent(settings, host),
    read: () => {
      throw new Error(`${name} was read without being open`);
    },
  });
}
