// Text -> library: parses the entry file and all that it imports, collects names, resolves each `use`.
// The compiler reads no files: they come from `read`, the standard library and the shipped specs from `shipped`.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import { parse } from "../../grammar/parse.ts";
import type { SyntaxFile, UseDeclaration, VariantsDeclaration } from "../../grammar/syntax.ts";
import { findCycles } from "./cycles.ts";
import * as errors from "./errors.ts";
import {
  keyOf,
  type FileScope,
  type Found,
  type Library,
  type NamedDeclaration,
  type NameFiles,
} from "./library.ts";

export interface Files {
  /** Text of a file by its name (`examples/digits.vit`), or undefined where there is none. */
  read(name: string): string | undefined;
  /** What comes with Vitrail, by name: `specs/vit.vit`, and under `specs/std/` the standard library. */
  readonly shipped: ReadonlyMap<string, string>;
}

export interface LoadedLibrary {
  readonly library: Library;
  /** Of every file that is not the standard library's, and of that too where it is broken. */
  readonly diagnostics: readonly Diagnostic[];
}

const standardFolder = "specs/std/";

/** Everything that `entry` needs. A library exists even for broken text. */
export function loadLibrary(files: Files, entry: string): LoadedLibrary {
  const loader = new Loader(files);
  for (const name of files.shipped.keys()) {
    if (name.startsWith(standardFolder)) loader.load(name);
  }
  loader.load(entry);
  const names = {
    entry,
    files: loader.loaded,
    standard: loader.standardNames(),
    sources: loader.sources,
    reported: new Set(loader.diagnostics.map(keyOf)),
  };
  const cycles = findCycles(names);
  let maps: NameFiles | undefined;
  const nameFiles = () => (maps ??= loadNameFiles(loader, files));
  const library = { ...names, cycles, nameFiles };
  return { library, diagnostics: [...loader.diagnostics, ...cycles] };
}

/** The files already there, and beside each `specs/vit.vit` the names of others for its blocks: `specs/names/vit.vit`. */
function loadNameFiles(before: Loader, files: Files): NameFiles {
  const loader = new Loader(files, before.loaded);
  for (const name of before.loaded.keys()) {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    if (!name.startsWith(standardFolder))
      loader.load(`${folder}names/${name.slice(folder.length)}`);
  }
  return {
    files: [...loader.loaded.values()],
    diagnostics: loader.diagnostics,
    sources: new Map([...before.sources, ...loader.sources]),
  };
}

type Parsed = Map<string, ReturnType<typeof parse>>;

/** Whoever loads several libraries from the same files, as `vit check specs` does, parses what they share once. */
const parsedOf = new WeakMap<Files, Parsed>();

/** The standard library, as a rule the same for all, is parsed once. */
const parsedStandard: Parsed = new Map();

function parseOnce(files: Files, name: string, text: string): ReturnType<typeof parse> {
  const parsed = parsedBefore(files, name);
  const known = parsed.get(name);
  if (known?.file.text === text) return known;
  const fresh = parse(text, name);
  parsed.set(name, fresh);
  return fresh;
}

function parsedBefore(files: Files, name: string): Parsed {
  if (name.startsWith(standardFolder)) return parsedStandard;
  const known = parsedOf.get(files) ?? new Map();
  parsedOf.set(files, known);
  return known;
}

interface OpenFile extends FileScope {
  readonly declarations: Map<string, NamedDeclaration>;
  readonly variants: Map<string, VariantsDeclaration>;
  readonly imports: Map<string, Found>;
}

class Loader {
  readonly loaded: Map<string, FileScope>;
  readonly sources = new Map<string, string>();
  readonly diagnostics: Diagnostic[] = [];
  private readonly files: Files;
  /** Files whose imports are being read, outermost first. */
  private readonly open: string[] = [];

  constructor(files: Files, known: ReadonlyMap<string, FileScope> = new Map()) {
    this.files = files;
    this.loaded = new Map(known);
  }

  /** The file of that name, or undefined where there is none. */
  load(name: string): FileScope | undefined {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    const text = this.files.read(name) ?? this.files.shipped.get(name);
    if (text === undefined) return undefined;
    this.sources.set(name, text);
    const parsed = parseOnce(this.files, name, text);
    this.diagnostics.push(...parsed.diagnostics);
    const file = collectNames(parsed.file, this.diagnostics);
    this.loaded.set(name, file);
    this.open.push(name);
    for (const declaration of file.syntax.declarations) {
      if (declaration.kind === "use") this.import(declaration, file);
    }
    this.open.pop();
    return file;
  }

  private import(use: UseDeclaration, file: OpenFile): void {
    const at = spanIn(file, use.source.span);
    const tried = candidates(use, file.name);
    const name = tried.find((each) => this.loaded.has(each) || this.load(each) !== undefined);
    const source = name === undefined ? undefined : this.loaded.get(name);
    if (name === undefined || source === undefined) {
      if (use.source.text !== "")
        this.diagnostics.push(errors.missingFile(use.source.text, tried, at));
      return;
    }
    if (this.open.includes(name)) {
      const cycle = [...this.open.slice(this.open.indexOf(name)), name];
      this.diagnostics.push(errors.importCycle(cycle, at));
    }
    for (const wanted of use.names) {
      if (wanted.text !== "") this.importName(wanted.text, spanIn(file, wanted.span), source, file);
    }
  }

  private importName(name: string, at: FileSpan, source: FileScope, file: OpenFile): void {
    const declaration = source.declarations.get(name);
    const earlier = file.imports.get(name);
    if (declaration === undefined) {
      const names = [...source.declarations.keys()];
      this.diagnostics.push(errors.missingExport(name, source.name, names, at));
    } else if (earlier !== undefined) {
      this.diagnostics.push(errors.importedTwice(name, at, placeOfImport(file, name)));
    } else {
      file.imports.set(name, { declaration, file: source });
    }
  }

  standardNames(): Map<string, Found> {
    const names = new Map<string, Found>();
    for (const file of this.loaded.values()) {
      if (!file.isStandard) continue;
      for (const [name, declaration] of file.declarations) {
        const earlier = names.get(name);
        if (earlier !== undefined) {
          const at = spanIn(file, declaration.span);
          this.diagnostics.push(
            errors.duplicateName(name, at, spanIn(earlier.file, earlier.declaration.span)),
          );
        }
        names.set(name, { declaration, file });
      }
    }
    return names;
  }
}

/** Where the file of a `use` may be: beside the file that asks, then, unless it is a path, among the shipped specs. */
function candidates(use: UseDeclaration, from: string): string[] {
  const folder = from.includes("/") ? from.slice(0, from.lastIndexOf("/") + 1) : "";
  const path = use.isQuoted ? use.source.text : use.source.text.replaceAll(".", "/");
  const withExtension = path.endsWith(".vit") ? path : `${path}.vit`;
  const beside = normalise(withExtension.startsWith("/") ? withExtension : folder + withExtension);
  const isPath = use.isQuoted && /^\.{0,2}\//.test(path);
  return isPath ? [beside] : [...new Set([beside, `specs/${withExtension}`])];
}

/** Takes `.` and `..` out of a path. */
export function normalise(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === ".") continue;
    if (part === ".." && kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else kept.push(part);
  }
  return kept.join("/");
}

function collectNames(syntax: SyntaxFile, diagnostics: Diagnostic[]): OpenFile {
  const file: OpenFile = {
    name: syntax.name,
    isStandard: syntax.name.startsWith(standardFolder),
    syntax,
    declarations: new Map(),
    variants: new Map(),
    imports: new Map(),
  };
  const places = new Map<string, FileSpan>();
  for (const declaration of syntax.declarations) {
    if (declaration.kind === "use" || declaration.kind === "expect") continue;
    if (declaration.kind === "variants" || declaration.kind === "names") continue;
    const names = declaration.kind === "let" ? declaration.binding.names : [declaration.name];
    for (const name of names) {
      if (name.text === "") continue;
      const at = spanIn(file, name.span);
      const first = places.get(name.text);
      if (first !== undefined) diagnostics.push(errors.duplicateName(name.text, at, first));
      else {
        places.set(name.text, at);
        file.declarations.set(name.text, declaration);
      }
    }
  }
  collectVariants(file, diagnostics);
  return file;
}

function collectVariants(file: OpenFile, diagnostics: Diagnostic[]): void {
  for (const declaration of file.syntax.declarations) {
    if (declaration.kind !== "variants" || declaration.of.text === "") continue;
    const name = declaration.of.text;
    const at = spanIn(file, declaration.of.span);
    const of = file.declarations.get(name);
    const earlier = file.variants.get(name);
    if (of === undefined) {
      diagnostics.push(errors.variantsOfNothing(name, [...file.declarations.keys()], at));
    } else if (earlier !== undefined) {
      diagnostics.push(errors.duplicateName(`variants ${name}`, at, spanIn(file, earlier.of.span)));
    } else file.variants.set(name, declaration);
    const rows = new Map<string, FileSpan>();
    for (const row of declaration.rows) {
      const place = spanIn(file, row.name.span);
      const first = rows.get(row.name.value);
      if (first !== undefined)
        diagnostics.push(errors.duplicateVariant(row.name.value, place, first));
      else rows.set(row.name.value, place);
    }
  }
}

function placeOfImport(file: FileScope, name: string): FileSpan {
  for (const declaration of file.syntax.declarations) {
    if (declaration.kind !== "use") continue;
    const found = declaration.names.find((each) => each.text === name);
    if (found !== undefined) return spanIn(file, found.span);
  }
  return spanIn(file, file.syntax.span);
}

function spanIn(
  file: { readonly name: string },
  span: { readonly start: number; readonly end: number },
): FileSpan {
  return { file: file.name, start: span.start, end: span.end };
}
