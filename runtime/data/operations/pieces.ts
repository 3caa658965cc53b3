// Sentences -> pieces of words by a vocabulary that the author names: a `tokenizer.json`, in which WordPiece (BERT),
// SentencePiece's unigrams (T5) and byte pairs all come. The library is Hugging Face's.
import { Tokenizer } from "@huggingface/tokenizers";
import type { Settings } from "../../../compiler/model/catalog.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { stringSetting } from "../dataset.ts";
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

/** Each thread reads a vocabulary once. */
const vocabularies = new Map<string, Tokenizer>();

export const pieces: SampleEntry = {
  name: "pieces",
  about: "the sentences in pieces of words, by the vocabulary in a tokenizer.json",
  input: "text",
  settings: [
    {
      name: "tokens",
      type: { kind: "int", least: 1 },
      about: "how many numbers; longer sentences are cut",
    },
    { name: "vocabulary", type: { kind: "string" }, about: "a file such as tokenizer.json" },
    {
      name: "start",
      type: { kind: "int", least: -1 },
      default: -1,
      about: "a number that goes before; -1 for none",
    },
    {
      name: "end",
      type: { kind: "int", least: -1 },
      default: -1,
      about: "a number that goes after; -1 for none",
    },
    {
      name: "fill",
      type: { kind: "int", least: 0 },
      default: 0,
      about: "what stands after the end",
    },
  ],
  shape: { kind: "words", axis: "tokens", setting: "tokens" },
  values: "any",
  draws: false,
  prepare: readVocabulary,
  transform: (sample, settings) => {
    const { sentences } = sampleOf(sample, "text");
    const [count, start, end] = ["tokens", "start", "end"].map((name) => numberOf(settings, name)) as [number, number, number]; // prettier-ignore
    const vocabulary = vocabularies.get(stringSetting(settings, "vocabulary"))!;
    const values = new Int32Array(sentences.length * count).fill(numberOf(settings, "fill"));
    sentences.forEach(({ text }, row) => {
      const { ids } = vocabulary.encode(text, { add_special_tokens: false });
      const before = start < 0 ? [] : [start];
      const after = end < 0 ? [] : [end];
      const kept = ids.slice(0, count - before.length - after.length);
      values.set([...before, ...kept, ...after].slice(0, count), row * count);
    });
    return { kind: "numbers", values };
  },
};

/** @throws WorldError where the file is missing, or is no vocabulary. */
function readVocabulary(settings: Settings, host: Host): void {
  const path = stringSetting(settings, "vocabulary");
  if (vocabularies.has(path)) return;
  if (!host.files.exists(path)) {
    throw new WorldError(
      "missing-file",
      `the vocabulary ${path} is not here`,
      "vocabularies are not part of Vitrail: put the tokenizer.json of the model that you mean there",
    );
  }
  try {
    const text = new TextDecoder().decode(host.files.read(path));
    vocabularies.set(path, new Tokenizer(JSON.parse(text) as object, {}));
  } catch (error) {
    throw new WorldError(
      "broken-file",
      `${path} is no vocabulary that can be read: ${error instanceof Error ? error.message : String(error)}`,
      "a tokenizer.json of Hugging Face's tokenizers is expected",
      error,
    );
  }
}
