// The npm packages `webgpu` and `@sparticuz/chromium` -> a WebGPU implementation on the CPU, in this process.
// Dawn looks for the Vulkan loader first in the folder of its own `.node` file, so a copy of that file is put beside
// SwiftShader's Vulkan library, renamed to the loader's name, in a cache folder, and loaded from there.
// Needs no root, no driver and no network; safe when several processes ask for it at once.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { WorldError } from "../errors.ts";

/** What Dawn's native module exports. */
export interface DawnModule {
  create(options: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

const require = createRequire(import.meta.url);

/**
 * Loads Dawn bound to SwiftShader.
 * @throws WorldError where a package is not installed or has no binary for this machine.
 */
export function loadSoftwareDawn(folder = softwareAdapterFolder()): DawnModule {
  const module = { exports: {} as DawnModule };
  process.dlopen(module, path.join(folder, "dawn.node"));
  return module.exports;
}

/** The folder with `dawn.node` and the renamed Vulkan library, filled on first use. */
export function softwareAdapterFolder(cache = cacheFolder()): string {
  const dawn = dawnFile();
  const archive = swiftshaderArchive();
  const folder = path.join(cache, versionKey([dawn, archive]));
  if (!fs.existsSync(path.join(folder, "dawn.node"))) fill(folder, dawn, archive);
  return folder;
}

/** Fills a folder of its own, then renames it into place: a second process sees all of it or nothing. */
function fill(folder: string, dawn: string, archive: string): void {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const draft = fs.mkdtempSync(`${folder}.`);
  fs.chmodSync(draft, 0o755);
  const library = tarEntry(brotliDecompressSync(fs.readFileSync(archive)), "libvk_swiftshader.so");
  fs.writeFileSync(path.join(draft, "libvulkan.so.1"), library, { mode: 0o755 });
  fs.copyFileSync(dawn, path.join(draft, "dawn.node"));
  try {
    fs.renameSync(draft, folder);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    if (!fs.existsSync(path.join(folder, "dawn.node"))) throw error;
  }
}

function dawnFile(): string {
  const root = packageRoot("webgpu", "WebGPU in Node needs it");
  const file = path.join(root, "dist", `${process.platform}-${process.arch}`, "dawn.node");
  if (!fs.existsSync(file))
    throw unsupported(`the package webgpu has no binary for ${machine()} (${file})`);
  return file;
}

function swiftshaderArchive(): string {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw unsupported(`the software adapter is built for linux-x64, and this is ${machine()}`);
  const root = packageRoot("@sparticuz/chromium", "the software adapter is inside it");
  return path.join(root, "bin", "swiftshader.tar.br");
}

/** The folder of an installed package, found from its entry file (not every package exports its package.json). */
function packageRoot(name: string, why: string): string {
  const places = require.resolve.paths(name) ?? [];
  for (const place of places) {
    const root = path.join(place, name);
    if (fs.existsSync(path.join(root, "package.json"))) return fs.realpathSync(root);
  }
  throw new WorldError(
    "missing-package",
    `the package ${name} is not installed (${why})`,
    `npm install ${name}`,
  );
}

function machine(): string {
  return `${process.platform}-${process.arch}`;
}

function unsupported(message: string): WorldError {
  return new WorldError("unsupported", message, "use --device wasm");
}

function cacheFolder(): string {
  const modules = path.dirname(packageRoot("webgpu", "WebGPU in Node needs it"));
  return path.join(modules, ".cache", "vitrail-adapter");
}

/** Changes when a package is updated: sizes and times of the two source files. */
function versionKey(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    const { size, mtimeMs } = fs.statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The bytes of one file of a tar archive: 512-byte blocks, a header with name and octal size before each file. */
function tarEntry(archive: Buffer, name: string): Buffer {
  for (let at = 0; at + 512 <= archive.length;) {
    const entry = archive.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    if (entry === "") break;
    const size = parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    if (path.posix.basename(entry) === name) return archive.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${name} is not in the archive`);
}
