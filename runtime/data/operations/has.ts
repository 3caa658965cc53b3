// Whether an example has a part: clips without words are to train nothing of the words. `has(text)` adds `has_text`.
import { sampleOf } from "../operation.ts";
import type { Sample, SampleEntry } from "../operation.ts";

export const has: SampleEntry = {
  name: "has",
  about: "whether a part is there, as one more part, has_NAME",
  input: "record",
  settings: [
    {
      name: "part",
      type: { kind: "choice", options: ["text", "audio", "video", "image"] },
      about: "which part",
    },
  ],
  shape: { kind: "has", setting: "part" },
  values: "any",
  draws: false,
  transform: (sample, settings) => {
    const { parts } = sampleOf(sample, "record");
    const part = String(settings.part);
    const values = Int32Array.of(isThere(parts[part]!) ? 1 : 0);
    return { kind: "record", parts: { ...parts, [`has_${part}`]: { kind: "numbers", values } } };
  },
};

function isThere(part: Sample): boolean {
  switch (part.kind) {
    case "text":
      return part.sentences.length > 0;
    case "stack":
      return part.images.length > 0;
    case "sound":
      return part.data.length > 0;
    default:
      return true;
  }
}
