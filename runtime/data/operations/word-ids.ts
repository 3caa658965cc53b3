// Sentences -> the numbers of their first words, 0 where there are fewer. A word's number is a hash of its small letters
// within the vocabulary: the same everywhere, without a list of words; two words may share one.
import { nameWord } from "../draws.ts";
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const wordIds: SampleEntry = {
  name: "word_ids",
  about: "the words of each sentence as numbers, hashed; 0 after its end",
  input: "text",
  settings: [
    { name: "words", type: { kind: "int", least: 1 }, about: "how many words of a sentence" },
    {
      name: "vocabulary",
      type: { kind: "int", least: 2 },
      default: 65_536,
      about: "numbers from 0 to below this",
    },
  ],
  shape: { kind: "words", axis: "words", setting: "words" },
  values: "any",
  draws: false,
  transform: (sample, settings) => {
    const { sentences } = sampleOf(sample, "text");
    const [count, vocabulary] = [numberOf(settings, "words"), numberOf(settings, "vocabulary")];
    const values = new Int32Array(sentences.length * count);
    sentences.forEach(({ text }, row) => {
      const words = text.toLowerCase().match(/[\p{Letter}\p{Number}']+/gu) ?? [];
      words.slice(0, count).forEach((word, place) => {
        values[row * count + place] = 1 + (nameWord(word) % (vocabulary - 1));
      });
    });
    return { kind: "numbers", values };
  },
};
