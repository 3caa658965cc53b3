// Captions as numbers: CLIP's byte pairs against the ids that its own tokenizer gives, and vocabularies from a file.
import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { bytePairsOf, loadMerges } from "../../../../runtime/data/operations/byte-pairs.ts";
import { applyViews, prepareViews } from "../../../../runtime/data/view.ts";
import { nodeHost } from "../../../../runtime/host/node.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { view } from "../example-view.ts";

async function idsOf(texts: readonly string[], operations: Parameters<typeof view>[1], index = 0) {
  const sentences = texts.map((text) => ({ text, from: 0, to: 0 }));
  const asked = view("ids", operations, { field: "text" });
  await prepareViews([asked], nodeHost);
  const example = { epoch: 0, index, repeat: 0 };
  const [ids] = applyViews([asked], { fields: { text: { sentences } }, notes: [] }, 0, example);
  return [...ids!];
}

beforeAll(loadMerges);

describe("byte pairs", () => {
  test.each([
    ["a diagram", [320, 22697]],
    ["a photo of a cat.", [320, 1125, 539, 320, 2368, 269]],
    ["It's 2021, isn't it?", [585, 568, 273, 271, 273, 272, 267, 2923, 713, 585, 286]],
    ["hello   WORLD!!", [3306, 1002, 748]],
    ["naïve café", [1097, 35689, 563, 15304]],
    ["日本 &amp;amp; <b>", [39121, 19277, 361, 261, 283, 321, 285]],
    ["emoji 😀 ok", [16327, 7334, 2481]],
    ["", []],
  ])("of %j are those of CLIP's tokenizer", (text, ids) => {
    expect(bytePairsOf(text)).toEqual(ids);
  });

  test("stand between two marks, zeros after them; what is too long is cut before the last mark", async () => {
    const operation = (tokens: number) => [["byte_pairs", { tokens }]] as const;
    expect(await idsOf(["a diagram"], operation(6))).toEqual([49406, 320, 22697, 49407, 0, 0]);
    expect(await idsOf([""], operation(3))).toEqual([49406, 49407, 0]);
    expect(await idsOf([""], [["byte_pairs", { tokens: 3, blank: true }]])).toEqual([0, 0, 0]);
    expect(await idsOf(["a photo of a cat."], operation(4))).toEqual([49406, 320, 1125, 49407]);
  });
});

test("any sentence of several is drawn, each as likely as the others", async () => {
  const texts = ["cat", "dog", "sun"];
  const operations = [["any_sentence", {}], ["byte_pairs", { tokens: 3 }]] as const; // prettier-ignore
  const counts = new Map<number, number>();
  for (let index = 0; index < 600; index++) {
    const [, id] = await idsOf(texts, operations, index);
    counts.set(id!, (counts.get(id!) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(texts.flatMap(bytePairsOf).sort());
  for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(50);
});

/** A vocabulary of a few words, in BERT's way: what continues a word begins with ##. */
function wordPieces(): string {
  const words = ["[PAD]", "[UNK]", "[CLS]", "a", "photo", "##graph", "of", "dog", "##s", "."];
  const path = `${temporaryFolder()}/tokenizer.json`;
  const vocab = Object.fromEntries(words.map((word, i) => [word, i]));
  const model = { type: "WordPiece", vocab, unk_token: "[UNK]", continuing_subword_prefix: "##" };
  const normalizer = { type: "BertNormalizer", lowercase: true, clean_text: true, handle_chinese_chars: true, strip_accents: null }; // prettier-ignore
  const pretokenizer = { type: "BertPreTokenizer" };
  writeFileSync(path, JSON.stringify({ version: "1.0", added_tokens: [], normalizer, pre_tokenizer: pretokenizer, post_processor: null, decoder: null, model })); // prettier-ignore
  return path;
}

/** Unigrams with their logarithms, in SentencePiece's way: a word begins with a low line. */
function sentencePieces(): string {
  const path = `${temporaryFolder()}/tokenizer.json`;
  const vocab = [["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁a", -1], ["▁dog", -3], ["▁do", -1], ["g", -1.5], ["s", -2]]; // prettier-ignore
  const pretokenizer = { type: "Metaspace", replacement: "▁", add_prefix_space: true, prepend_scheme: "always" }; // prettier-ignore
  const model = { type: "Unigram", unk_id: 2, vocab };
  writeFileSync(path, JSON.stringify({ version: "1.0", added_tokens: [], normalizer: null, pre_tokenizer: pretokenizer, post_processor: null, decoder: null, model })); // prettier-ignore
  return path;
}

describe("pieces by a vocabulary from a file", () => {
  const whole = { start: -1, end: -1, fill: 0 };

  test("word pieces, with a mark before", async () => {
    const settings = { ...whole, tokens: 8, vocabulary: wordPieces(), start: 2 };
    expect(await idsOf(["A photograph of Dogs, dog."], [["pieces", settings]])).toEqual([2, 3, 4, 5, 6, 7, 8, 1]); // prettier-ignore
    expect(await idsOf(["a dog"], [["pieces", settings]])).toEqual([2, 3, 7, 0, 0, 0, 0, 0]);
  });

  test("sentence pieces, the likeliest cut, filled up with the mark of the end", async () => {
    const settings = { ...whole, tokens: 6, vocabulary: sentencePieces(), end: 1, fill: 1 };
    expect(await idsOf(["a dogs"], [["pieces", settings]])).toEqual([3, 5, 6, 7, 1, 1]);
  });

  test("a vocabulary that is missing or broken is named", async () => {
    const asked = (vocabulary: string) => () => idsOf(["a"], [["pieces", { ...whole, tokens: 3, vocabulary }]]); // prettier-ignore
    await expect(asked("nowhere/tokenizer.json")()).rejects.toThrow(
      "the vocabulary nowhere/tokenizer.json is not here",
    );
    const broken = `${temporaryFolder()}/broken.json`;
    writeFileSync(broken, "{");
    await expect(asked(broken)()).rejects.toThrow(`${broken} is no vocabulary that can be read`);
  });
});
