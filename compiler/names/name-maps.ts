// A library -> its formats and, for each format and block, the lines that say what others call its parts.
// Maps stand in the file of the block or, for `specs/vit.vit`, in `specs/names/vit.vit` beside it; those of standard
// blocks in `specs/std/names.vit`. The block is the one that the name means in the map's own file.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import type {
  Expression,
  NameLayout,
  NameLine,
  NamesDeclaration,
  Span,
} from "../../grammar/syntax.ts";
import { findName, type FileScope, type Found, type Library } from "../model/library.ts";
import * as errors from "./errors.ts";
import { readPattern, type Pattern } from "./pattern.ts";

/** A line of a map, its names taken apart. No names: `none`. */
export interface MapLine {
  readonly ours: readonly Pattern[];
  readonly theirs: readonly Pattern[];
  readonly layout: NameLayout | undefined;
  readonly filling: Expression | undefined;
  readonly when: Expression | undefined;
  readonly at: FileSpan;
}

export interface Format {
  readonly name: string;
  /** What it does not say is as there. */
  readonly from: string | undefined;
  /** Between the parts of a name. */
  readonly separator: string;
}

export interface NameMaps {
  readonly formats: ReadonlyMap<string, Format>;
  /** The lines of a format for a block, by its declaring file and name. */
  linesOf(format: string, file: string, block: string): readonly MapLine[];
  /** The format and what it falls back on, nearest first. */
  chainOf(format: string): readonly Format[];
  /** Of the maps' files, and of what their declarations say. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

export interface PlacedNames {
  readonly declaration: NamesDeclaration;
  readonly file: FileScope;
  readonly block: Found | undefined;
}

export function nameMaps(library: Library): NameMaps {
  const { files, diagnostics, sources } = library.nameFiles();
  const found = [...diagnostics];
  const formats = formatsOf(files);
  const lines = new Map<string, readonly MapLine[]>();
  const first = new Map<string, FileSpan>();
  for (const placed of files.flatMap((file) => namesIn(library, file))) {
    const { declaration, file, block } = placed;
    if (declaration.of === undefined || block === undefined) continue;
    const key = keyOf(declaration.format.text, block.file.name, declaration.of.text);
    const at = spanIn(file, declaration.of.span);
    const earlier = first.get(key);
    if (earlier !== undefined) {
      found.push(errors.mapTwice(declaration.format.text, declaration.of.text, at, earlier));
      continue;
    }
    first.set(key, at);
    lines.set(
      key,
      declaration.lines.map((line) => readLine(line, file)),
    );
  }
  return {
    formats,
    linesOf: (format, file, block) => lines.get(keyOf(format, file, block)) ?? [],
    chainOf: (format) => chainOf(format, formats),
    diagnostics: found,
    sources: new Map([...library.sources, ...sources]),
  };
}

/** Every `names … of …` of a file with the block that it is about. */
export function namesIn(library: Library, file: FileScope): readonly PlacedNames[] {
  return file.syntax.declarations.flatMap((declaration) => {
    if (declaration.kind !== "names") return [];
    const found =
      declaration.of === undefined ? undefined : findName(library, file, declaration.of.text);
    const isBlock = found?.declaration.kind === "block" || found?.declaration.kind === "model";
    return [{ declaration, file, block: isBlock ? found : undefined }];
  });
}

/** Formats, by name: those that a `names` without `of` declares. */
export function formatsOf(files: readonly FileScope[]): ReadonlyMap<string, Format> {
  const declared = files.flatMap(({ syntax }) =>
    syntax.declarations.filter((each) => each.kind === "names" && each.of === undefined),
  ) as readonly NamesDeclaration[];
  const byName = new Map(declared.map((each) => [each.format.text, each]));
  return new Map(
    [...byName].map(([name, { from }]) => [
      name,
      { name, from: from?.text, separator: separatorOf(name, byName) },
    ]),
  );
}

/** Its own, or that of what it falls back on, or a dot. */
function separatorOf(name: string, declared: ReadonlyMap<string, NamesDeclaration>): string {
  const seen = new Set<string>();
  for (let at: string | undefined = name; at !== undefined && !seen.has(at);) {
    seen.add(at);
    const declaration = declared.get(at);
    if (declaration?.separator) return declaration.separator.value;
    at = declaration?.from?.text;
  }
  return ".";
}

function chainOf(name: string, formats: ReadonlyMap<string, Format>): readonly Format[] {
  const chain: Format[] = [];
  for (let at = formats.get(name); at !== undefined && !chain.includes(at);) {
    chain.push(at);
    at = at.from === undefined ? undefined : formats.get(at.from);
  }
  return chain;
}

function readLine(line: NameLine, file: FileScope): MapLine {
  return {
    ours: line.ours.names.map(({ value }) => readPattern(value)),
    theirs: line.theirs.names.map(({ value }) => readPattern(value)),
    layout: line.layout,
    filling: line.filling,
    when: line.when,
    at: spanIn(file, line.span),
  };
}

function keyOf(format: string, file: string, block: string): string {
  return `${format} ${file} ${block}`;
}

export function spanIn(file: { readonly name: string }, span: Span): FileSpan {
  return { file: file.name, start: span.start, end: span.end };
}
