// CIFAR-10 and CIFAR-100 in their binary versions (Krizhevsky, 2009), 32 by 32 pixels in colour.
// A record is one label byte (CIFAR-100: coarse, then fine), then 1,024 red, 1,024 green and 1,024 blue bytes.
import type { Settings } from "../../../compiler/model/catalog.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, stringSetting } from "../dataset.ts";
import { allocateImages, readMemoryImage } from "../memory-images.ts";
import type { MemoryImages } from "../memory-images.ts";
import { imageFields } from "./idx.ts";

const side = 32;
const plane = side * side;
const pixels = 3 * plane;

/** The two layouts, told apart by their files. */
const layouts = [
  {
    labelBytes: 1,
    classes: 10,
    names: "batches.meta.txt",
    train: /^data_batch_\d+\.bin$/,
    test: /^test_batch\.bin$/,
  },
  {
    labelBytes: 2,
    classes: 100,
    names: "fine_label_names.txt",
    train: /^train\.bin$/,
    test: /^test\.bin$/,
  },
] as const;

interface Chosen {
  readonly files: readonly { readonly path: string; readonly count: number }[];
  readonly labelBytes: number;
  readonly classes: readonly string[];
  readonly from: number;
  readonly to: number;
}

export const cifar = defineDataset<MemoryImages>({
  name: "cifar",
  about: "CIFAR-10 or CIFAR-100 in binary files, told apart by their names",
  settings: [
    {
      name: "path",
      type: { kind: "string" },
      about: "the folder with data_batch_1.bin and so on, or train.bin and test.bin",
    },
    {
      name: "split",
      type: { kind: "string" },
      default: "train",
      about: "train or test, or a slice such as train[:90%]",
    },
  ],
  fields: imageFields(side, side, 3),
  classes: null,
  splits: null,
  look: (settings, host) => {
    const { classes, from, to } = chosen(settings, host);
    return { fields: imageFields(side, side, 3), classes, size: to - from };
  },
  open: async (settings, host) => {
    const found = chosen(settings, host);
    return {
      source: load(found, host),
      size: found.to - found.from,
      classes: found.classes,
      notes: {},
    };
  },
  read: readMemoryImage,
});

function chosen(settings: Settings, host: Host): Chosen {
  const folder = stringSetting(settings, "path");
  const text = stringSetting(settings, "split");
  const name =
    chosenRange("cifar", text.replace(/\[.*$/, ""), { train: 1, test: 1 }).split === "test"
      ? "test"
      : "train";
  const listed = host.files.isFolder(folder) ? host.files.list(folder) : [];
  const layout = layouts.find((candidate) => listed.some((file) => candidate[name].test(file)));
  if (!layout) {
    throw new WorldError(
      "missing-dataset",
      `no CIFAR files of the split ${name} in ${folder}`,
      "download the binary version of CIFAR-10 or CIFAR-100 and unpack it there, or correct path",
    );
  }
  const files = listed
    .filter((file) => layout[name].test(file))
    .map((file) => counted(`${folder}/${file}`, layout.labelBytes, host));
  const total = files.reduce((sum, file) => sum + file.count, 0);
  const { from, to } = chosenRange("cifar", text, { [name]: total });
  return {
    files,
    labelBytes: layout.labelBytes,
    classes: classNames(`${folder}/${layout.names}`, layout.classes, host),
    from,
    to,
  };
}

function counted(path: string, labelBytes: number, host: Host): { path: string; count: number } {
  const count = host.files.size(path) / (labelBytes + pixels);
  if (Number.isInteger(count) && count > 0) return { path, count };
  throw new WorldError(
    "broken-file",
    `${path} does not hold whole records of ${labelBytes + pixels} bytes`,
    "it may be cut short: download it again",
  );
}

function classNames(path: string, count: number, host: Host): readonly string[] {
  const numbers = Array.from({ length: count }, (_, label) => String(label));
  if (!host.files.exists(path)) return numbers;
  const names = new TextDecoder()
    .decode(host.files.read(path))
    .split("\n")
    .map((line) => line.trim());
  return numbers.map((number, label) => names[label] || number);
}

function load({ files, labelBytes, classes, from, to }: Chosen, host: Host): MemoryImages {
  const source = allocateImages(to - from, side, side, 3);
  let first = 0; // number of the file's first record in the split
  for (const { path, count } of files) {
    const low = Math.max(from, first);
    const high = Math.min(to, first + count);
    if (low < high) {
      const records = host.files.readPart(
        path,
        (low - first) * (labelBytes + pixels),
        (high - low) * (labelBytes + pixels),
      );
      for (let i = 0; i < high - low; i++)
        copyRecord(records, i, labelBytes, source, low - from + i);
    }
    first += count;
  }
  const wrong = source.labels.findIndex((label) => label >= classes.length);
  if (wrong >= 0)
    throw new WorldError(
      "broken-file",
      `record ${from + wrong} has the label ${source.labels[wrong]}, but there are ${classes.length} classes`,
      "download the files again",
    );
  return source;
}

/** Planes of red, green and blue become pixels of three channels. */
function copyRecord(
  records: Uint8Array,
  from: number,
  labelBytes: number,
  source: MemoryImages,
  to: number,
): void {
  const start = from * (labelBytes + pixels);
  source.labels[to] = records[start + labelBytes - 1]!; // the fine label of CIFAR-100 is its second byte
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      source.images[to * pixels + pixel * 3 + channel] =
        records[start + labelBytes + channel * plane + pixel]!;
    }
  }
}
