// NumPy's `.npz`: a zip file of `.npy` files, each a header in Python's notation and then the numbers
// (numpy.lib.format, versions 1 to 3). Nothing in them is run; arrays of objects, which would need that, are refused.
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import { dtypeBytes } from "./safetensors.ts";
import type { StoredDtype, StoredTensor } from "./safetensors.ts";
import type { TensorEntry, TensorFile } from "./tensor-file.ts";
import { openZip } from "./zip.ts";
import type { ZipFile, ZipMember } from "./zip.ts";

interface StoredArray extends TensorEntry {
  readonly member: ZipMember;
  /** Where the numbers begin. */
  readonly start: number;
  /** The first axis is the densest, not the last. */
  readonly isFortran: boolean;
}

/** @throws WorldError `broken-file`; `unsupported` where an array is not of numbers */
export function openNpz(
  files: Files,
  path: string,
  zip: ZipFile = openZip(files, path),
): TensorFile {
  const arrays = new Map<string, StoredArray>();
  for (const member of zip.members.values()) {
    if (member.name.endsWith(".npy"))
      arrays.set(member.name.slice(0, -".npy".length), readHeader(zip, member));
  }
  return {
    path,
    kind: "an npz file",
    metadata: {},
    tensors: arrays,
    read: (name) => {
      const array = arrays.get(name);
      if (array === undefined)
        throw new WorldError("unlike-checkpoint", `${path} has no ${name}`, "see which it has");
      return readArray(zip, array);
    },
  };
}

const magic = "\x93NUMPY";

function readHeader(zip: ZipFile, member: ZipMember): StoredArray {
  const first = zip.read(member, 0, Math.min(12, member.size));
  const text = String.fromCharCode(...first.subarray(0, 6));
  if (first.length < 10 || text !== magic)
    throw broken(zip, `has ${member.name}, which is no array`);
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const isShort = first[6] === 1;
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (isShort ? 10 : 12) + length;
  if (start > member.size) throw broken(zip, `has ${member.name}, which is cut short`);
  const header = new TextDecoder().decode(zip.read(member, start - length, length));
  const descriptor = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (order === undefined || shape === undefined)
    throw broken(zip, `has ${member.name}, whose header is damaged`);
  const dtype = dtypeOf(descriptor);
  if (dtype === undefined)
    throw new WorldError(
      "unsupported",
      `${zip.path} has ${member.name}, whose elements are no plain numbers (${descriptor ?? "a structure"})`,
      "save it again without that array",
    );
  const extents = shape.split(",").map((each) => each.trim()).filter((each) => each !== "").map(Number); // prettier-ignore
  const bytes = extents.reduce((product, extent) => product * extent, dtypeBytes[dtype]);
  if (start + bytes !== member.size)
    throw broken(
      zip,
      `has ${member.name} with ${member.size - start} bytes of numbers, not ${bytes}`,
    );
  return { dtype, shape: extents, member, start, isFortran: order === "True" };
}

/** `<f4`, `|u1`; what big_vision saves as raw pairs of bytes (`|V2`) is bfloat16. */
function dtypeOf(descriptor: string | undefined): StoredDtype | undefined {
  const types: Readonly<Record<string, StoredDtype>> = {
    "<f2": "F16", "<f4": "F32", "<f8": "F64", "|V2": "BF16", "<V2": "BF16",
    "|b1": "BOOL", "|u1": "U8", "|i1": "I8", "<i2": "I16", "<u2": "U16",
    "<i4": "I32", "<u4": "U32", "<i8": "I64", "<u8": "U64",
  }; // prettier-ignore
  return descriptor === undefined ? undefined : types[descriptor];
}

function readArray(
  zip: ZipFile,
  { dtype, shape, member, start, isFortran }: StoredArray,
): StoredTensor {
  const bytes = zip.read(member, start);
  return {
    dtype,
    shape,
    bytes: isFortran ? lastAxisDensest(bytes, shape, dtypeBytes[dtype]) : bytes,
  };
}

function lastAxisDensest(bytes: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const place = shape.map(() => 0);
  for (let to = 0; to < bytes.length; to += width) {
    const from = width * place.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
    result.set(bytes.subarray(from, from + width), to);
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis]! === shape[axis]; axis--)
      place[axis] = 0;
  }
  return result;
}

function broken(zip: ZipFile, what: string): WorldError {
  return new WorldError("broken-file", `${zip.path} ${what}`, "copy or download it again");
}
