// Images with what was written beside them, as sets from the web have them: a folder, and in it for each split a file
// of lines, `{"image": "0/17.jpg", "text": "a dog on a beach"}`; `text` may be a list of captions.
import type { CatalogField, DatasetFacts, Settings } from "../../../compiler/model/catalog.ts";
import { parseSplit } from "../../../compiler/model/split.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, stringSetting } from "../dataset.ts";

interface Pair {
  readonly image: string;
  readonly texts: readonly string[];
}

const fields: readonly CatalogField[] = [
  {
    name: "image",
    kind: "image",
    axes: [
      { name: "rows", extent: null },
      { name: "cols", extent: null },
      { name: "channels", extent: 3 },
    ],
    dtype: "f32",
  },
  { name: "text", kind: "text", axes: [{ name: "sentences", extent: null }], dtype: "i32" },
];

export const captions = defineDataset<readonly Pair[]>({
  name: "captions",
  about: "images and their captions: SPLIT.jsonl has a line {image, text} for each",
  settings: [
    {
      name: "split",
      type: { kind: "string" },
      default: "train",
      about: "the name of a .jsonl file, perhaps a slice of it",
    },
    {
      name: "path",
      type: { kind: "string" },
      default: "captions",
      about: "the folder of these files; images are named from there",
    },
  ],
  fields,
  classes: [],
  splits: null,
  look: (settings, host): DatasetFacts => ({
    fields,
    classes: [],
    size: pairs(settings, host).length,
  }),
  open: async (settings, host) => {
    const source = pairs(settings, host);
    return { source, size: source.length, classes: [], notes: {} };
  },
  read: async (source, index, host) => {
    const { image: path, texts } = source[index]!;
    const { notes, ...image } = await host.images.decode(path, 3);
    const sentences = texts.map((text) => ({ text, from: 0, to: 0 }));
    return { fields: { image, text: { sentences } }, notes };
  },
});

function pairs(settings: Settings, host: Host): readonly Pair[] {
  const folder = stringSetting(settings, "path");
  const split = stringSetting(settings, "split");
  const name = parseSplit(split)?.name ?? split;
  const path = `${folder}/${name}.jsonl`;
  if (!host.files.exists(path)) {
    throw new WorldError(
      "missing-dataset",
      `the captions are not here: there is no file ${path}`,
      `write one, with a line {"image": "one.jpg", "text": "what it shows"} for each image`,
    );
  }
  const lines = new TextDecoder().decode(host.files.read(path)).split("\n");
  const all = lines.flatMap((line, i) => (line.trim() === "" ? [] : [pairOf(line, i + 1, folder, path)])); // prettier-ignore
  const { from, to } = chosenRange("captions", split, { [name]: all.length });
  return all.slice(from, to);
}

function pairOf(line: string, number: number, folder: string, path: string): Pair {
  const found = parsed(line) as { readonly image?: unknown; readonly text?: unknown } | null;
  const texts = typeof found?.text === "string" ? [found.text] : found?.text;
  const isList = Array.isArray(texts) && texts.length > 0 && texts.every((one) => typeof one === "string"); // prettier-ignore
  if (typeof found?.image === "string" && isList)
    return { image: `${folder}/${found.image}`, texts: texts as string[] };
  throw new WorldError(
    "broken-file",
    `line ${number} of ${path} is no image with its text`,
    `a line reads {"image": "one.jpg", "text": "what it shows"}`,
  );
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
