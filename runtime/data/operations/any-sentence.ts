// One sentence of several, drawn anew at each visit: a picture with many captions.
import { sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const anySentence: SampleEntry = {
  name: "any_sentence",
  about: "one of the sentences, drawn at each visit",
  input: "text",
  settings: [],
  shape: { kind: "one" },
  values: "any",
  draws: true,
  transform: (sample, _settings, draw) => {
    const text = sampleOf(sample, "text");
    const place = draw.below(text.sentences.length);
    return { ...text, sentences: text.sentences.slice(place, place + 1) };
  },
};
