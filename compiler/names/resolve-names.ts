// A lowered model (or what a recipe's net owns) and a format -> the table of names, block by block: each instance
// looks at the map of its own block, so that a map says nothing of where the block is used.
// Of the lines that match the beginning of a path the longest is taken; what no line says keeps its name.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import type { BlockUse } from "../graph/lowered.ts";
import type { Library } from "../model/library.ts";
import * as errors from "./errors.ts";
import { walkOf, type Walk } from "./link.ts";
import { nameMaps, type Format, type MapLine, type NameMaps } from "./name-maps.ts";
import type { NameLink, NameTable, TheirTensor } from "./name-table.ts";
import { fill, holesOf, matchPrefix, plainLength, type Match, type Pattern } from "./pattern.ts";
import { isTrue, plainValue, readSetting, type Lookup, type Plain } from "./plain-value.ts";

export interface OwnedTensor {
  readonly path: string;
  readonly shape: readonly number[];
}

/** What a model or recipe owns: `modelNames` and a lowered recipe have it. */
export interface NamesSubject {
  readonly parameters: readonly OwnedTensor[];
  readonly states: readonly OwnedTensor[];
  readonly modules: readonly { readonly path: string; readonly standing: readonly BlockUse[] }[];
}

export interface NamesResult {
  /** Absent where there are errors. */
  readonly table?: NameTable;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

export interface NamesRequest {
  readonly format: string;
  /** The net or part whose names are meant: theirs have nothing of its path. All, unless said. */
  readonly root?: string;
  /** Where the format is asked for. */
  readonly at?: FileSpan;
}

/** What a format calls each parameter and state, and how its numbers lie there. */
export function resolveNames(
  library: Library,
  subject: NamesSubject,
  { format, root = "", at = { file: library.entry, start: 0, end: 0 } }: NamesRequest,
): NamesResult {
  const maps = nameMaps(library);
  const { sources } = maps;
  const chain = maps.chainOf(format);
  if (chain.length === 0) {
    return { diagnostics: [errors.unknownFormat(format, maps.formats.keys(), at)], sources };
  }
  if (maps.diagnostics.some(({ severity }) => severity === "error"))
    return { diagnostics: maps.diagnostics, sources };
  const resolver = new Resolver(maps, chain, subject, root);
  if (!resolver.hasMap()) {
    const block = resolver.blockNames()[0] ?? root;
    return { diagnostics: [errors.noMap(format, block, at)], sources };
  }
  const table = resolver.table(format);
  return resolver.found.length > 0
    ? { diagnostics: resolver.found, sources }
    : { table, diagnostics: [], sources };
}

/** A line that was chosen, with what its holes and settings are. */
interface Choice {
  readonly line: MapLine;
  readonly match: Match;
  /** Which of several names of ours. */
  readonly index: number;
  readonly lookup: Lookup;
}

/** What a path of ours is in theirs. */
interface Located {
  readonly names: readonly string[];
  /** The line that says how axes lie. */
  readonly by: Choice | undefined;
  /** The outermost line that says anything. */
  readonly at: FileSpan | undefined;
}

class Resolver {
  readonly found: Diagnostic[] = [];
  private readonly maps: NameMaps;
  private readonly chain: readonly Format[];
  private readonly separator: string;
  private readonly subject: NamesSubject;
  private readonly root: string;
  private readonly blocks: ReadonlyMap<string, readonly BlockUse[]>;
  private readonly settings = new Map<BlockUse, ReadonlyMap<string, Plain>>();

  constructor(maps: NameMaps, chain: readonly Format[], subject: NamesSubject, root: string) {
    this.maps = maps;
    this.chain = chain;
    this.separator = chain[0]!.separator;
    this.subject = subject;
    this.root = root;
    this.blocks = new Map(subject.modules.map(({ path, standing }) => [path, standing]));
  }

  /** What all libraries of a kind share (`torch`) goes without saying; any other format needs a line about some block. */
  hasMap(): boolean {
    const own = this.chain.slice(0, -1);
    if (own.length === 0) return true;
    return this.subject.modules.some(
      ({ path, standing }) =>
        this.within(path) !== undefined &&
        standing.some(({ file, block }) =>
          own.some(({ name }) => this.maps.linesOf(name, file, block).length > 0),
        ),
    );
  }

  blockNames(): readonly string[] {
    return this.subject.modules.flatMap(({ path, standing }) =>
      this.within(path) === undefined ? [] : standing.map(({ block }) => block),
    );
  }

  table(format: string): NameTable {
    const ours: NameLink[] = [];
    const alone: string[] = [];
    for (const isState of [false, true]) {
      for (const tensor of isState ? this.subject.states : this.subject.parameters) {
        const within = this.within(tensor.path);
        if (within === undefined) continue;
        const located = this.locate(within);
        if (located === undefined) alone.push(tensor.path);
        else {
          const link = this.link(tensor, located, isState);
          if (link !== undefined) ours.push(link);
        }
      }
    }
    return { format, ours, alone, theirs: [...this.theirs(ours), ...this.theirsAlone()] };
  }

  /** The parts of a path below the root; undefined: it lies elsewhere. */
  private within(path: string): readonly string[] | undefined {
    if (this.root === "") return path === "" ? [] : path.split(".");
    if (path === this.root) return [];
    return path.startsWith(`${this.root}.`)
      ? path.slice(this.root.length + 1).split(".")
      : undefined;
  }

  private blocksAt(path: readonly string[]): readonly BlockUse[] {
    const whole = [...(this.root === "" ? [] : [this.root]), ...path].join(".");
    return this.blocks.get(whole) ?? [];
  }

  /** Undefined: theirs has nothing of it. */
  private locate(path: readonly string[], start = 0): Located | undefined {
    let prefix = "";
    let said: FileSpan | undefined;
    for (let at = start; at < path.length;) {
      const choice = this.choose(this.blocksAt(path.slice(0, at)), path.slice(at));
      if (choice === undefined) {
        prefix = this.joined(prefix, path[at]!);
        at += 1;
        continue;
      }
      const { line, match } = choice;
      said ??= line.at;
      if (line.theirs.length === 0) return undefined;
      const names = line.theirs.map((name) => this.joined(prefix, this.filled(name, choice)));
      const end = at + match.length;
      if (end === path.length) return { names, by: this.layoutBy(choice, path, at), at: said };
      if (names.length > 1) {
        this.report(errors.needsOneName(path.join("."), line.at));
        return undefined;
      }
      prefix = names[0]!;
      at = end;
    }
    return { names: [prefix], by: undefined, at: said };
  }

  /** A line without an arrow that names something of a part says its name only; axes lie as the part's own map has it. */
  private layoutBy(choice: Choice, path: readonly string[], at: number): Choice | undefined {
    const { line, match } = choice;
    if (line.layout !== undefined || line.theirs.length > 1 || line.ours.length > 1) return choice;
    for (let inner = at + match.length - 1; inner > at; inner--) {
      if (this.blocksAt(path.slice(0, inner)).length === 0) continue;
      const located = this.locate(path, inner);
      return located?.by ?? choice;
    }
    return choice;
  }

  private joined(prefix: string, name: string): string {
    if (prefix === "" || name === "") return prefix + name;
    return prefix + this.separator + name;
  }

  /** The nearest format that says anything says it; in it, the longest line. */
  private choose(uses: readonly BlockUse[], path: readonly string[]): Choice | undefined {
    for (const { name } of this.chain) {
      for (const use of uses) {
        const choices = this.maps
          .linesOf(name, use.file, use.block)
          .flatMap((line) => this.matches(line, use, path));
        const [best] = choices.sort(
          (a, b) => b.match.length - a.match.length || plain(b) - plain(a),
        );
        if (best !== undefined) return best;
      }
    }
    return undefined;
  }

  private matches(line: MapLine, use: BlockUse, path: readonly string[]): readonly Choice[] {
    return line.ours.flatMap((pattern, index): readonly Choice[] => {
      const match = matchPrefix(pattern, path);
      if (match === undefined) return [];
      const settings = this.settingsOf(use);
      const lookup: Lookup = (name) => match.bound.get(name) ?? settings.get(name);
      const holds = line.when === undefined || isTrue(plainValue(line.when, lookup));
      return holds ? [{ line, match, index, lookup }] : [];
    });
  }

  private settingsOf(use: BlockUse): ReadonlyMap<string, Plain> {
    const known = this.settings.get(use);
    if (known !== undefined) return known;
    const read = new Map(use.settings.map(({ name, value }) => [name, readSetting(value)]));
    this.settings.set(use, read);
    return read;
  }

  private filled(name: Pattern, { line, lookup }: Choice): string {
    const text = fill(name, lookup);
    if (text !== undefined) return text;
    const hole = holesOf(name).map((each) => each.text)[0] ?? "";
    const known = line.ours.flatMap((each) => holesOf(each).map((bound) => bound.text));
    this.report(errors.badHole(hole, known, line.at));
    return "";
  }

  private link(tensor: OwnedTensor, located: Located, isState: boolean): NameLink | undefined {
    const { by, at } = located;
    const result = walkOf(by?.line.layout, {
      shape: tensor.shape,
      index: by?.index ?? 0,
      ours: by?.line.ours.length ?? 1,
      theirs: by?.line.theirs.length ?? 1,
      lookup: by?.lookup ?? (() => undefined),
    });
    if ("fault" in result) {
      this.report(errors.badArrow(result.fault, by!.line.at, tensor.path));
      return undefined;
    }
    const { path, shape } = tensor;
    const { names } = located;
    return { path, shape, names, isState, ...result.walk, ...(at ? { at } : {}) };
  }

  // ---------------------------------------------------------------------------------------- theirs

  private theirs(links: readonly NameLink[]): readonly TheirTensor[] {
    const byName = new Map<string, { link: NameLink; part: number }[]>();
    for (const link of links) {
      link.names.forEach((name, part) => {
        byName.set(name, [...(byName.get(name) ?? []), { link, part }]);
      });
    }
    return [...byName].map(([name, from]) => {
      this.checkShared(
        name,
        from.map(({ link }) => link),
      );
      return { name, shape: from[0]!.link.theirShape, isInteger: false, from };
    });
  }

  /** Several of ours may lie in one of theirs, each in a slice of its own, and together they are all of it. */
  private checkShared(name: string, links: readonly NameLink[]): void {
    const shape = links[0]!.theirShape;
    const nowhere = { file: "", start: 0, end: 0 };
    const at = links.at(-1)!.at ?? links[0]!.at ?? nowhere;
    const other = links.find((link) => link.theirShape.join() !== shape.join());
    if (other !== undefined) {
      this.report(errors.unlikeShapes(name, [shape, other.theirShape], other.at ?? at));
      return;
    }
    const taken = links.reduce((sum, link) => sum + entries(link), 0);
    const whole = shape.reduce((product, size) => product * size, 1);
    if (taken > whole || (links.length > 1 && overlap(links)))
      this.report(
        errors.sameTensor(
          name,
          links.map(({ path }) => path),
          at,
          links[0]!.at,
        ),
      );
    else if (taken < whole) this.report(errors.notWhole(name, shape, at));
  }

  /** What only theirs has: `none = "num_batches_tracked" int[] ~ zeros`. */
  private theirsAlone(): readonly TheirTensor[] {
    return this.subject.modules.flatMap(({ path }) => {
      const within = this.within(path);
      if (within === undefined) return [];
      return this.blocksAt(within).flatMap((use) => this.aloneIn(use, within));
    });
  }

  private aloneIn(use: BlockUse, path: readonly string[]): readonly TheirTensor[] {
    const settings = this.settingsOf(use);
    const lookup: Lookup = (name) => settings.get(name);
    const lines = this.chain
      .flatMap(({ name }) => this.maps.linesOf(name, use.file, use.block))
      .filter(
        ({ ours, when }) =>
          ours.length === 0 && (when === undefined || isTrue(plainValue(when, lookup))),
      );
    if (lines.length === 0) return [];
    const located = this.locate(path);
    if (located?.names.length !== 1) return [];
    return lines.flatMap((line) =>
      line.theirs.map((name): TheirTensor => {
        const choice = { line, match: { length: 0, bound: new Map() }, index: 0, lookup };
        const filling = line.filling === undefined ? undefined : fillingOf(line, lookup);
        return {
          name: this.joined(located.names[0]!, this.filled(name, choice)),
          shape: shapeOf(line, lookup),
          isInteger: line.layout?.element?.text === "int",
          from: [],
          ...(filling === undefined ? {} : { filling }),
        };
      }),
    );
  }

  private report(diagnostic: Diagnostic): void {
    const key = (each: Diagnostic) => `${each.span.file} ${each.span.start} ${each.message}`;
    if (!this.found.some((each) => key(each) === key(diagnostic))) this.found.push(diagnostic);
  }
}

function plain({ line, index }: Choice): number {
  return plainLength(line.ours[index]!);
}

/** Entries of one tensor of theirs that a link holds. */
function entries(walk: Walk): number {
  return walk.strides.reduce((product, { size }) => product * size, 1);
}

/** Two of ours begin at the same entry of theirs. */
function overlap(links: readonly NameLink[]): boolean {
  const starts = links.map(({ offset }) => offset);
  return new Set(starts).size < starts.length;
}

/** `~ zeros`, `~ ones`, `~ constant(2)`. */
function fillingOf({ filling }: MapLine, lookup: Lookup): number | undefined {
  if (filling?.kind === "name") return { zeros: 0, ones: 1 }[filling.name];
  if (filling?.kind !== "call") return undefined;
  const [first] = filling.arguments;
  const value = first?.kind === "argument" ? plainValue(first.value, lookup) : undefined;
  return typeof value === "number" ? value : undefined;
}

function shapeOf({ layout }: MapLine, lookup: Lookup): readonly number[] {
  return (layout?.from.shape.axes ?? []).map((axis) => {
    const size =
      axis.kind === "axis-size"
        ? plainValue(axis.size, lookup)
        : axis.kind === "axis-name"
          ? axis.size
            ? plainValue(axis.size, lookup)
            : lookup(axis.name.text)
          : undefined;
    return typeof size === "number" ? size : 1;
  });
}
