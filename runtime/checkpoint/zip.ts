// The list of a zip file and its members, read where they lie: a checkpoint of several GB is never in memory whole.
// Written down by PKWARE (APPNOTE 6.3.10): the list stands at the end, and behind it where it begins; files beyond 4 GB
// have it in a wider form (zip64). Members are stored as they are or deflated; anything else is refused.
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";

export interface ZipMember {
  readonly name: string;
  /** Bytes once unpacked. */
  readonly size: number;
  readonly packedSize: number;
  readonly method: "stored" | "deflated";
  readonly crc: number;
  /** Of its local header. */
  readonly offset: number;
}

export interface ZipFile {
  readonly path: string;
  readonly members: ReadonlyMap<string, ZipMember>;
  /** `length` bytes of a member from `start`; all of it unless said. */
  readonly read: (member: ZipMember, start?: number, length?: number) => Uint8Array;
}

const endSignature = 0x06054b50;
const wideEndSignature = 0x06064b50;
const wideLocatorSignature = 0x07064b50;
const memberSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const longestComment = 0xffff;
const overflow = 0xffffffff;

/** @throws WorldError `broken-file` where the file is cut short or its list is damaged */
export function openZip(files: Files, path: string): ZipFile {
  const end = findEnd(files, path);
  const { start, size, count } = listOf(files, path, end);
  if (start + size > end.at) throw broken(path, "has a list of its parts that does not fit in it");
  const members = membersOf(files.readPart(path, start, size), count, path, start);
  return {
    path,
    members: new Map(members.map((member) => [member.name, member])),
    read: (member, from = 0, length = member.size - from) =>
      readMember(files, path, member, from, length),
  };
}

interface End {
  readonly at: number;
  readonly view: DataView;
}

/** The last record of the file, behind which only a comment may stand. */
function findEnd(files: Files, path: string): End {
  const size = files.size(path);
  const from = Math.max(0, size - endBytes - longestComment);
  const bytes = files.readPart(path, from, size - from);
  const view = viewOf(bytes);
  for (let at = bytes.length - endBytes; at >= 0; at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    return { at: from + at, view: viewOf(bytes.subarray(at)) };
  }
  throw broken(path, "is cut short: the list of its parts, which stands at its end, is missing");
}

function listOf(
  files: Files,
  path: string,
  { at, view }: End,
): { readonly start: number; readonly size: number; readonly count: number } {
  const count = view.getUint16(10, true);
  const size = view.getUint32(12, true);
  const start = view.getUint32(16, true);
  if (count !== 0xffff && size !== overflow && start !== overflow) return { start, size, count };
  const locator = viewOf(files.readPart(path, at - 20, 20));
  if (locator.byteLength < 20 || locator.getUint32(0, true) !== wideLocatorSignature)
    throw broken(path, "has no list of its parts in the form for large files");
  const wide = viewOf(files.readPart(path, wholeAt(locator, 8, path), 56));
  if (wide.byteLength < 56 || wide.getUint32(0, true) !== wideEndSignature)
    throw broken(path, "has a damaged list of its parts");
  return {
    count: wholeAt(wide, 32, path),
    size: wholeAt(wide, 40, path),
    start: wholeAt(wide, 48, path),
  };
}

function membersOf(bytes: Uint8Array, count: number, path: string, limit: number): ZipMember[] {
  const view = viewOf(bytes);
  const members: ZipMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== memberSignature)
      throw broken(path, "has a damaged list of its parts");
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) throw broken(path, "has a damaged list of its parts");
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const extra = viewOf(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
    const [size, packedSize, offset] = widened(extra, path, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    if ((flags & 1) !== 0) throw broken(path, `has ${name} under a password`);
    if (method !== 0 && method !== 8)
      throw broken(path, `has ${name} packed in the unknown way ${method}`);
    if (offset! + packedSize! > limit) throw broken(path, `is cut short: ${name} ends behind it`);
    members.push({
      name,
      size: size!,
      packedSize: packedSize!,
      method: method === 0 ? "stored" : "deflated",
      crc: view.getUint32(at + 16, true),
      offset: offset!,
    });
    at = next;
  }
  return members;
}

/** Those of the sizes and places that do not fit in 32 bits stand in an extra field, in this order. */
function widened(extra: DataView, path: string, values: readonly number[]): readonly number[] {
  if (!values.includes(overflow)) return values;
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      let next = at + 4;
      return values.map((value) => {
        if (value !== overflow) return value;
        if (next + 8 > at + 4 + length) throw broken(path, "has a damaged list of its parts");
        next += 8;
        return wholeAt(extra, next - 8, path);
      });
    }
    at += 4 + length;
  }
  throw broken(path, "has a damaged list of its parts");
}

function readMember(
  files: Files,
  path: string,
  member: ZipMember,
  from: number,
  length: number,
): Uint8Array {
  const local = viewOf(files.readPart(path, member.offset, 30));
  if (local.byteLength < 30 || local.getUint32(0, true) !== localSignature)
    throw broken(path, `has no ${member.name} where its list says`);
  const start = member.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  if (from < 0 || from + length > member.size)
    throw broken(
      path,
      `is cut short: ${member.name} has ${member.size} bytes, not ${from + length}`,
    );
  if (member.method === "stored") return files.readPart(path, start + from, length);
  const packed = files.readPart(path, start, member.packedSize);
  const whole = files.gunzip(asGzip(packed, member));
  return whole.subarray(from, from + length);
}

/** What zip deflates is a gzip file without its ends; with them its checksum is checked, too. */
function asGzip(packed: Uint8Array, { crc, size }: ZipMember): Uint8Array {
  const bytes = new Uint8Array(10 + packed.length + 8);
  bytes.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  bytes.set(packed, 10);
  const view = viewOf(bytes);
  view.setUint32(10 + packed.length, crc, true);
  view.setUint32(14 + packed.length, size % 2 ** 32, true);
  return bytes;
}

function wholeAt(view: DataView, at: number, path: string): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw broken(path, "has a damaged list of its parts");
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(path: string, what: string): WorldError {
  return new WorldError("broken-file", `${path} ${what}`, "copy or download it again");
}
