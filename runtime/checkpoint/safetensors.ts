// Named arrays <-> a `.safetensors` file: 8 bytes of header length, a JSON header, the bytes of all arrays one after
// another (https://github.com/huggingface/safetensors, format 1). What is read is checked first: a file that is cut
// short, overlaps itself or lies about a size is refused by name, never half read.
import { WorldError } from "../errors.ts";
import type { Files, FileWriter } from "../host/host.ts";

export type StoredDtype =
  | "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "I16" | "U16" | "F16" | "BF16"
  | "I32" | "U32" | "F32" | "F64" | "I64" | "U64"; // prettier-ignore

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<StoredDtype, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E5M2: 1, F8_E4M3: 1, I16: 2, U16: 2, F16: 2, BF16: 2,
  I32: 4, U32: 4, F32: 4, F64: 8, I64: 8, U64: 8,
}; // prettier-ignore

/** Elements in row-major order, little-endian. */
export interface StoredTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type StoredTensors = ReadonlyMap<string, StoredTensor>;
export type Metadata = Readonly<Record<string, string>>;

interface Entry {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const lengthBytes = 8;
const longestHeader = 100_000_000; // the reference implementation's own limit

/** Writes a whole file; the same tensors and metadata give the same bytes. Widest elements first, so that all are aligned. */
export function writeSafetensors(
  writer: FileWriter,
  tensors: StoredTensors,
  metadata: Metadata = {},
): void {
  for (const [name, tensor] of tensors) checkSize(name, tensor, tensor.bytes);
  const made = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    return [name, { dtype, shape, read: () => bytes }] as const;
  });
  writeTensors(writer, new Map(made), metadata);
}

/** A tensor whose bytes are made when they are written, so that a large file needs room for one at a time. */
export interface MadeTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly read: () => Uint8Array;
}

/** As `writeSafetensors`, one tensor after another. */
export function writeTensors(
  writer: FileWriter,
  tensors: ReadonlyMap<string, MadeTensor>,
  metadata: Metadata = {},
): void {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      dtypeBytes[b.dtype] - dtypeBytes[a.dtype] || (nameA < nameB ? -1 : nameA > nameB ? 1 : 0),
  );
  writer.write(headerBytes(sorted, metadata));
  for (const [name, tensor] of sorted) {
    const bytes = tensor.read();
    checkSize(name, tensor, bytes);
    writer.write(bytes);
  }
}

function checkSize(
  name: string,
  { dtype, shape }: Pick<StoredTensor, "dtype" | "shape">,
  bytes: Uint8Array,
): void {
  if (bytes.byteLength === elements(shape) * dtypeBytes[dtype]) return;
  throw new RangeError(
    `${name} has ${bytes.byteLength} bytes, but is ${dtype} [${shape.join(", ")}]`,
  );
}

function headerBytes(
  tensors: readonly (readonly [string, Pick<StoredTensor, "dtype" | "shape">])[],
  metadata: Metadata,
): Uint8Array {
  const header: Record<string, Entry | Metadata> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const end = offset + elements(shape) * dtypeBytes[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8; // the data begins on a multiple of 8
  const result = new Uint8Array(lengthBytes + padded).fill(0x20);
  new DataView(result.buffer).setBigUint64(0, BigInt(padded), true);
  result.set(json, lengthBytes);
  return result;
}

/** A checked file, whose tensors are read when asked for. */
export interface SafetensorsFile {
  readonly path: string;
  readonly metadata: Metadata;
  /** Shapes and types by name, in the order of the file's header. */
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: StoredDtype; readonly shape: readonly number[] }
  >;
  readonly read: (name: string) => StoredTensor;
}

/** Reads and checks the header. Throws WorldError `broken-file` saying what is wrong with it. */
export function openSafetensors(files: Files, path: string): SafetensorsFile {
  const size = files.size(path);
  const start = files.readPart(path, 0, lengthBytes);
  if (start.length < lengthBytes) throw broken(path, `has only ${size} bytes`);
  const headerLength = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (headerLength > longestHeader)
    throw broken(path, `says that its header has ${headerLength} bytes: it is no safetensors file`);
  if (lengthBytes + headerLength > size)
    throw broken(
      path,
      `is cut short: it has ${size} bytes, its header alone needs ${lengthBytes + headerLength}`,
    );
  const { metadata, entries } = parseHeader(path, files.readPart(path, lengthBytes, headerLength));
  const first = lengthBytes + headerLength;
  checkExtent(path, entries, size - first);
  return {
    path,
    metadata,
    tensors: entries,
    read: (name) => {
      const entry = entries.get(name);
      if (!entry)
        throw new WorldError(
          "unlike-checkpoint",
          `${path} has no ${name}`,
          "see which names it has",
        );
      const [from, to] = entry.data_offsets;
      return {
        dtype: entry.dtype,
        shape: entry.shape,
        bytes: files.readPart(path, first + from, to - from),
      };
    },
  };
}

/** All tensors of a file. */
export function readSafetensors(
  files: Files,
  path: string,
): { readonly metadata: Metadata; readonly tensors: StoredTensors } {
  const file = openSafetensors(files, path);
  return {
    metadata: file.metadata,
    tensors: new Map([...file.tensors.keys()].map((name) => [name, file.read(name)])),
  };
}

function parseHeader(
  path: string,
  bytes: Uint8Array,
): { metadata: Metadata; entries: Map<string, Entry> } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw broken(path, "has a header that is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw broken(path, "has a header that is not a JSON object");
  const { __metadata__: metadata = {}, ...rest } = header as Record<string, unknown>;
  if (!isMetadata(metadata)) throw broken(path, "has metadata that are not strings by name");
  const entries = new Map(
    Object.entries(rest).map(([name, entry]) => [name, checkEntry(path, name, entry)]),
  );
  return { metadata, entries };
}

function isMetadata(value: unknown): value is Metadata {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((one) => typeof one === "string")
  );
}

function checkEntry(path: string, name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(dtypeBytes, dtype))
    throw broken(path, `gives ${name} the unknown type ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw broken(path, `gives ${name} the shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw broken(path, `gives ${name} the place ${JSON.stringify(offsets)}`);
  const [from, to] = offsets as [number, number];
  const expected = elements(shape) * dtypeBytes[dtype as StoredDtype];
  if (to - from !== expected)
    throw broken(
      path,
      `gives ${name} ${to - from} bytes, but ${dtype} [${shape.join(", ")}] needs ${expected}`,
    );
  return { dtype: dtype as StoredDtype, shape, data_offsets: [from, to] };
}

/** The tensors cover the data exactly: no overlap, no hole, nothing left over. */
function checkExtent(path: string, entries: ReadonlyMap<string, Entry>, available: number): void {
  const sorted = [...entries].sort(
    ([, a], [, b]) =>
      a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let end = 0;
  for (const [name, { data_offsets }] of sorted) {
    if (data_offsets[0] !== end)
      throw broken(path, `has ${data_offsets[0] < end ? "an overlap" : "a hole"} before ${name}`);
    end = data_offsets[1];
  }
  if (end > available)
    throw broken(path, `is cut short: its tensors need ${end} bytes, ${available} are there`);
  if (end < available) throw broken(path, `has ${available - end} bytes after its last tensor`);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function broken(path: string, what: string): WorldError {
  return new WorldError(
    "broken-file",
    `${path} ${what}`,
    "copy or download it again, or use an earlier checkpoint",
  );
}
