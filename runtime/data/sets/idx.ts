// IDX files, the form of MNIST, Fashion-MNIST, KMNIST and others; gzip too.
// A folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k` (or `test`).
// An IDX file is two zero bytes, a type (8: bytes), the number of axes, each extent as a big-endian word, the data.
import type { CatalogField, DatasetFacts, Settings } from "../../../compiler/model/catalog.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, stringSetting } from "../dataset.ts";
import { allocateImages, readMemoryImage } from "../memory-images.ts";
import type { MemoryImages } from "../memory-images.ts";

const prefixes: Readonly<Record<string, readonly string[]>> = {
  train: ["train"],
  test: ["t10k", "test"],
};

interface IdxFile {
  readonly path: string;
  readonly extents: readonly number[];
  readonly bytes: Uint8Array;
}

export const idx = defineDataset<MemoryImages>({
  name: "idx",
  about: "images and labels in IDX files, as MNIST and its relatives have them",
  settings: [
    { name: "path", type: { kind: "string" }, about: "the folder with the four files" },
    {
      name: "split",
      type: { kind: "string" },
      default: "train",
      about: "train or test, or a slice such as train[:90%]",
    },
  ],
  fields: null,
  classes: null,
  splits: null,
  look: (settings, host) => factsOf(chosen(settings, host)),
  open: async (settings, host) => {
    const found = chosen(settings, host);
    const { rows, cols, channels } = found;
    const source = allocateImages(found.to - found.from, rows, cols, channels);
    const length = rows * cols * channels;
    source.images.set(found.images.bytes.subarray(found.from * length, found.to * length));
    source.labels.set(found.labels.bytes.subarray(found.from, found.to));
    return { source, size: found.to - found.from, classes: found.classes, notes: {} };
  },
  read: readMemoryImage,
});

interface Chosen {
  readonly images: IdxFile;
  readonly labels: IdxFile;
  readonly rows: number;
  readonly cols: number;
  readonly channels: number;
  readonly classes: readonly string[];
  readonly from: number;
  readonly to: number;
}

function chosen(settings: Settings, host: Host): Chosen {
  const folder = stringSetting(settings, "path");
  const text = stringSetting(settings, "split");
  const name = chosenRange("idx", text.replace(/\[.*$/, ""), { train: 1, test: 1 }).split;
  const images = readIdx(find(folder, name, "images", host), host);
  const labels = readIdx(find(folder, name, "labels", host), host);
  const [count = 0, rows = 0, cols = 0, channels = 1] = images.extents;
  if (images.extents.length < 3 || images.extents.length > 4)
    throw broken(images.path, `has ${images.extents.length} axes, not 3 or 4`);
  if (labels.extents.length !== 1)
    throw broken(labels.path, `has ${labels.extents.length} axes, not 1`);
  if (labels.extents[0] !== count)
    throw broken(labels.path, `has ${labels.extents[0]} labels for ${count} images`);
  const classCount = labels.bytes.reduce((most, label) => Math.max(most, label), 0) + 1;
  const classes = Array.from({ length: classCount }, (_, label) => String(label));
  const { from, to } = chosenRange("idx", text, { [name]: count });
  return { images, labels, rows, cols, channels, classes, from, to };
}

function factsOf({ rows, cols, channels, classes, from, to }: Chosen): DatasetFacts {
  return { fields: imageFields(rows, cols, channels), classes, size: to - from };
}

/** The fields of labelled images of one size. */
export function imageFields(
  rows: number | null,
  cols: number | null,
  channels: number,
): readonly CatalogField[] {
  const axes = [
    { name: "rows", extent: rows },
    { name: "cols", extent: cols },
    { name: "channels", extent: channels },
  ];
  return [
    { name: "image", kind: "image", axes, dtype: "f32" },
    { name: "label", kind: "label", axes: [], dtype: "i32" },
  ];
}

function find(folder: string, split: string, content: "images" | "labels", host: Host): string {
  if (!host.files.isFolder(folder)) {
    throw new WorldError(
      "missing-dataset",
      `there is no folder ${folder} with IDX files`,
      "download the four files, or correct path",
    );
  }
  const starts = prefixes[split] ?? [split];
  const file = host.files
    .list(folder)
    .find(
      (name) =>
        starts.some((start) => name.startsWith(start)) &&
        name.includes(content) &&
        /idx\d|ubyte/.test(name),
    );
  if (file === undefined) {
    throw new WorldError(
      "missing-dataset",
      `no ${content} of the split ${split} in ${folder}`,
      `expected a file such as ${starts[0]}-${content}-idx${content === "images" ? 3 : 1}-ubyte, gzipped or not`,
    );
  }
  return `${folder}/${file}`;
}

function readIdx(path: string, host: Host): IdxFile {
  const stored = host.files.read(path);
  const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? unpack(path, stored, host) : stored;
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw broken(path, "does not begin as an IDX file");
  if (bytes[2] !== 8) throw broken(path, `holds values of type ${bytes[2]}, not bytes (8)`);
  const axes = bytes[3]!;
  const start = 4 + 4 * axes;
  const header = new DataView(bytes.buffer, bytes.byteOffset, Math.min(start, bytes.length));
  if (header.byteLength < start) throw broken(path, "ends within its header");
  const extents = Array.from({ length: axes }, (_, axis) => header.getUint32(4 + 4 * axis));
  const expected = extents.reduce((product, extent) => product * extent, 1);
  if (bytes.length - start !== expected)
    throw broken(
      path,
      `has ${bytes.length - start} bytes of data, but [${extents.join(", ")}] needs ${expected}`,
    );
  return { path, extents, bytes: bytes.subarray(start) };
}

function unpack(path: string, bytes: Uint8Array, host: Host): Uint8Array {
  try {
    return host.files.gunzip(bytes);
  } catch (cause) {
    throw new WorldError(
      "broken-file",
      `cannot unpack ${path}: it is cut short or damaged`,
      "download it again",
      cause,
    );
  }
}

function broken(path: string, what: string): WorldError {
  return new WorldError(
    "broken-file",
    `${path} ${what}`,
    "download it again, or check that it is an IDX file of bytes",
  );
}
