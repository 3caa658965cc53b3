// The sentences said nearest to the middle of the clip's window, nearest first; empty ones where there are fewer.
import type { Sentence } from "../dataset.ts";
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const nearest: SampleEntry = {
  name: "nearest",
  about: "the sentences nearest in time, as candidates",
  input: "text",
  settings: [{ name: "count", type: { kind: "int", least: 1 }, about: "how many" }],
  shape: { kind: "first", axis: "candidates", setting: "count" },
  values: "any",
  draws: false,
  transform: (sample, settings) => {
    const text = sampleOf(sample, "text");
    const sorted = text.sentences.toSorted((a, b) => distance(a, text.at) - distance(b, text.at));
    const empty: Sentence = { text: "", from: text.at, to: text.at };
    const count = numberOf(settings, "count");
    const sentences = Array.from({ length: count }, (_, i) => sorted[i] ?? empty);
    return { ...text, sentences };
  },
};

/** From the middle of a sentence. */
function distance({ from, to }: Sentence, at: number): number {
  return Math.abs((from + to) / 2 - at);
}
