// Files of Node, synchronous: they are read when a data set opens and written between training steps.
// Every failure leaves as a WorldError that says what was being done to which path.
import * as fs from "node:fs";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { fileError } from "../errors.ts";
import type { FileWriter, Files } from "./host.ts";

export const nodeFiles: Files = {
  exists: (path) => fs.existsSync(path),
  isFolder: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  list: (path) => attempt(`list ${path}`, () => fs.readdirSync(path).sort(byCodeUnit)),
  size: (path) => attempt(`look at ${path}`, () => fs.statSync(path).size),
  read: (path) => attempt(`read ${path}`, () => fs.readFileSync(path)),
  readPart: (path, offset, length) => attempt(`read ${path}`, () => readPart(path, offset, length)),
  gunzip: (bytes) => attempt("unpack gzip", () => gunzipSync(bytes)),
  makeFolder: (path) =>
    void attempt(`make the folder ${path}`, () => fs.mkdirSync(path, { recursive: true })),
  create: (path) => openWriter(path, "w"),
  append: (path) => openWriter(path, "a"),
  claim: (path, text) => attempt(`make ${path}`, () => claim(path, text)),
  truncate: (path, size) => attempt(`shorten ${path}`, () => fs.truncateSync(path, size)),
  rename: (from, to) => attempt(`rename ${from} to ${to}`, () => fs.renameSync(from, to)),
  syncFolder: (path) => attempt(`sync the folder ${path}`, () => syncFolder(path)),
  remove: (path) =>
    attempt(`remove ${path}`, () => fs.rmSync(path, { recursive: true, force: true })),
};

function attempt<T>(doing: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw fileError(cause, doing);
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readPart(path: string, offset: number, length: number): Uint8Array {
  const file = fs.openSync(path, "r");
  try {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = fs.readSync(file, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    fs.closeSync(file);
  }
}

function openWriter(path: string, flags: "w" | "a"): FileWriter {
  const file = attempt(`open ${path} for writing`, () => fs.openSync(path, flags));
  return {
    write: (bytes) => attempt(`write ${path}`, () => writeAll(file, bytes)),
    sync: () => attempt(`put ${path} on the disk`, () => syncFile(file)),
    close: () => attempt(`close ${path}`, () => fs.closeSync(file)),
  };
}

function writeAll(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) done += fs.writeSync(file, bytes, done, bytes.byteLength - done);
}

/** A link is made in one step, and fails where the name is taken; where a file system has none, a new file must do. */
function claim(path: string, text: string): boolean {
  const written = `${path}.${process.pid}`;
  try {
    fs.writeFileSync(written, text);
    fs.linkSync(written, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code ?? "")) throw error;
    return claimWithoutLinks(path, text);
  } finally {
    fs.rmSync(written, { force: true });
  }
}

function claimWithoutLinks(path: string, text: string): boolean {
  try {
    fs.writeFileSync(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Devices and pipes cannot be synced and need not be. */
function syncFile(file: number): void {
  if (fs.fstatSync(file).isFile()) fs.fsyncSync(file);
}

function syncFolder(path: string): void {
  if (process.platform === "win32") return; // folders cannot be opened there; NTFS journals renames itself
  const folder = fs.openSync(path, "r");
  try {
    fs.fsyncSync(folder);
  } finally {
    fs.closeSync(folder);
  }
}

/** Writes a whole file so that a reader, or a crash at any moment, sees the old one or the new one, never a part. */
export function writeFileAtomically(files: Files, path: string, bytes: Uint8Array | string): void {
  const temporary = `${path}.part`;
  const writer = files.create(temporary);
  try {
    writer.write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    writer.sync();
  } catch (error) {
    writer.close();
    files.remove(temporary); // on a full disk, what was begun takes room that others need
    throw error;
  }
  writer.close();
  files.rename(temporary, path);
  files.syncFolder(dirname(path));
}
