// Normal noise on every sample of a sound.
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const noise: SampleEntry = {
  name: "noise",
  about: "normal noise on every sample",
  input: "audio",
  settings: [{ name: "std", type: { kind: "real", least: 0 }, about: "its standard deviation" }],
  shape: { kind: "same" },
  values: "any",
  draws: true,
  transform: (sample, settings, draw) => {
    const sound = sampleOf(sample, "sound");
    const std = numberOf(settings, "std");
    return { ...sound, data: sound.data.map((value) => value + std * draw.normal()) };
  },
};
