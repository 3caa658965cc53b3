// What is wrong with the `names` of a file, whatever model they are for: formats and blocks that are not there, parts
// that a block does not have, arrows that lose something, holes that nothing fills, lines that say one thing twice.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import type { NameLine, StringExpression } from "../../grammar/syntax.ts";
import { namesInReach, type FileScope, type Found, type Library } from "../model/library.ts";
import { blockParts } from "./block-parts.ts";
import * as errors from "./errors.ts";
import { faultOfArrow } from "./link.ts";
import { formatsOf, namesIn, spanIn, type Format, type PlacedNames } from "./name-maps.ts";
import { holesOf, readPattern } from "./pattern.ts";
import { plainValue } from "./plain-value.ts";

export function checkNameMaps(library: Library, file: FileScope): Diagnostic[] {
  const placed = namesIn(library, file);
  if (placed.length === 0) return [];
  const found: Diagnostic[] = [];
  const formats = formatsOf(library.nameFiles().files);
  checkFormats(file, placed, formats, found);
  for (const each of placed) {
    if (each.declaration.of !== undefined) checkMap(library, each, found);
  }
  return found;
}

function checkFormats(
  file: FileScope,
  placed: readonly PlacedNames[],
  formats: ReadonlyMap<string, Format>,
  found: Diagnostic[],
): void {
  const declared = new Map<string, FileSpan>();
  const maps = new Map<string, FileSpan>();
  for (const { declaration, block } of placed) {
    const { format, from, of } = declaration;
    const at = spanIn(file, format.span);
    if (of === undefined) {
      const first = declared.get(format.text);
      if (first !== undefined) found.push(errors.formatTwice(format.text, at, first));
      declared.set(format.text, at);
    } else if (!formats.has(format.text)) {
      found.push(errors.unknownFormat(format.text, formats.keys(), at));
    }
    if (from !== undefined && !formats.has(from.text))
      found.push(errors.unknownFormat(from.text, formats.keys(), spanIn(file, from.span)));
    if (of === undefined || block === undefined) continue;
    const key = `${format.text} ${of.text}`;
    const first = maps.get(key);
    const here = spanIn(file, of.span);
    if (first !== undefined) found.push(errors.mapTwice(format.text, of.text, here, first));
    maps.set(key, here);
  }
}

function checkMap(
  library: Library,
  { declaration, file, block }: PlacedNames,
  found: Diagnostic[],
): void {
  const { of, lines } = declaration;
  if (of === undefined || of.text === "") return;
  if (block === undefined) {
    found.push(errors.unknownBlock(of.text, namesInReach(library, file), spanIn(file, of.span)));
    return;
  }
  for (const line of lines) checkLine(library, line, block, file, found);
  checkTwice(lines, file, found);
}

function checkLine(
  library: Library,
  line: NameLine,
  block: Found,
  file: FileScope,
  found: Diagnostic[],
): void {
  for (const name of line.ours.names) {
    const missing = partNotThere(library, name.value.split("."), block);
    if (missing === undefined) continue;
    const { part, of, names } = missing;
    found.push(errors.notInBlock(part, of, names, spanIn(file, name.span)));
  }
  for (const name of line.theirs.names) checkHoles(line, name, block, file, found);
  const counts = [line.ours.names.length, line.theirs.names.length] as const;
  if (counts[0] === 0 || counts[1] === 0) return;
  const fault =
    line.layout === undefined ? faultWithoutArrow(...counts) : faultOfArrow(line.layout, ...counts);
  if (fault !== undefined) found.push(errors.badArrow(fault, spanIn(file, line.span)));
}

function faultWithoutArrow(ours: number, theirs: number): string | undefined {
  if (ours === 1 && theirs === 1) return undefined;
  return "several tensors need one that says where each lies, as in 3 * [out, width] -> [width, (3 out)]";
}

interface NotThere {
  readonly part: string;
  readonly of: string;
  readonly names: readonly string[];
}

/** Follows a path as far as the text says which block stands there. */
function partNotThere(
  library: Library,
  path: readonly string[],
  block: Found,
): NotThere | undefined {
  const [part, ...below] = path;
  if (part === undefined || part.includes("{")) return undefined;
  const { names, blocks } = blockParts(library, block);
  const of = block.declaration.kind === "let" ? "" : block.declaration.name.text;
  if (!names.has(part)) return { part, of, names: [...names] };
  const inner = blocks.get(part);
  return inner && below.length > 0 ? partNotThere(library, below, inner) : undefined;
}

/** A hole of theirs is counted from those of ours and from settings. */
function checkHoles(
  line: NameLine,
  name: StringExpression,
  block: Found,
  file: FileScope,
  found: Diagnostic[],
): void {
  const bound = line.ours.names.flatMap(({ value }) =>
    holesOf(readPattern(value)).map(({ text }) => text),
  );
  const { declaration } = block;
  const settings = "settings" in declaration ? declaration.settings : [];
  const known = new Set([...bound, ...settings.map((field) => field.name.text)]);
  for (const { text, expression } of holesOf(readPattern(name.value))) {
    let isKnown = expression !== undefined;
    // What the value is does not matter here, only whether every name in it means something.
    if (expression)
      plainValue(expression, (word) => {
        isKnown &&= known.has(word);
        return 0;
      });
    if (!isKnown) found.push(errors.badHole(text, bound, spanIn(file, name.span)));
  }
}

/** Two lines about one thing of ours, or two of ours that are one of theirs. */
function checkTwice(lines: readonly NameLine[], file: FileScope, found: Diagnostic[]): void {
  const seen = new Map<string, FileSpan>();
  for (const line of lines) {
    // What is conditional or a slice may well stand twice.
    if (line.when !== undefined || line.layout?.slice !== undefined) continue;
    const sides = [
      ...line.ours.names.map((name) => ["ours", name] as const),
      ...line.theirs.names.map((name) => ["theirs", name] as const),
    ];
    for (const [whose, name] of sides) {
      if (name.value === "") continue;
      const key = `${whose} ${name.value}`;
      const at = spanIn(file, name.span);
      const first = seen.get(key);
      if (first !== undefined) found.push(errors.sameTensor(name.value, [], at, first));
      seen.set(key, at);
    }
  }
}
