// A net of ours on a device, filled from the reference's weights and given back under the reference's names, in its
// layout: both by the name map of the format.
import type { Compiled, ResidentPart } from "../../compiler/compiled.ts";
import { toOurNames, toTheirNames } from "../../compiler/names/apply-names.ts";
import type { NameTable } from "../../compiler/names/name-table.ts";
import { resolveNames } from "../../compiler/names/resolve-names.ts";
import type { NamesSubject } from "../../compiler/names/resolve-names.ts";
import type { Library } from "../../compiler/model/library.ts";
import type { LoadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { SpecError } from "../../runtime/spec/spec-error.ts";
import { countOf, generatedWeights } from "./fixture.ts";
import type { Fixture, FixtureNet } from "./fixture.ts";

/** Numbers by the reference's names. */
export type TheirValues = ReadonlyMap<string, Float64Array>;

/** One net of a case in what was compiled. */
export interface PlacedNet {
  /** The fixture's name for it. */
  readonly net: string;
  readonly fixture: FixtureNet;
  readonly table: NameTable;
}

/** `root` is where the nets of a recipe stand; a model that is compiled by itself has one net, at no path. */
export function placeNets(
  fixture: Fixture,
  library: Library,
  compiled: Compiled & { readonly modules: NamesSubject["modules"] },
  rootOf: (net: string) => string,
): readonly PlacedNet[] {
  const { parts } = compiled.layout;
  const ofRole = (role: ResidentPart["role"]) => parts.filter((part) => part.role === role);
  const subject = {
    parameters: ofRole("parameter"),
    states: ofRole("state"),
    modules: compiled.modules,
  };
  return Object.entries(fixture.nets).flatMap(([net, of]) => {
    const root = rootOf(net);
    // a recipe's own parameters and states stand beside its nets
    const isOwn = net === "" && root === "";
    const beside = (all: readonly ResidentPart[]) => all.filter(({ path }) => !path.includes("."));
    const own = isOwn ? { ...subject, parameters: beside(subject.parameters), states: beside(subject.states) } : subject; // prettier-ignore
    const request = root === "" ? { format: of.as } : { format: of.as, root };
    const { table, diagnostics, sources } = resolveNames(library, own, request);
    if (table === undefined) throw new SpecError({ diagnostics, sources });
    return [{ net, fixture: of, table }];
  });
}

/**
 * Writes the net's weights, and copies of them to the twins that follow it.
 * @throws Error where the two do not have the same tensors
 */
export function bringIn(
  loaded: LoadedCompilation,
  { net, fixture, table }: PlacedNet,
  twins: readonly string[] = [],
): void {
  const found = toOurNames(table, generatedWeights(net, fixture));
  const unlike = found.unlike.map(({ name, shape, wanted }) => `${name} is [${shape.join()}], not [${wanted.join()}]`); // prettier-ignore
  const trouble = [
    ...found.missing.map((name) => `the reference has no ${name}`),
    ...found.unused.map((name) => `ours has no ${name}`),
    ...table.alone.map((path) => `the reference has nothing for ${path}`),
    ...unlike,
  ];
  if (trouble.length > 0) throw new Error(trouble.join("\n"));
  const paths = new Set(loaded.compiled.layout.parts.map(({ path }) => path));
  for (const [path, { values }] of found.values) {
    loaded.writePart(path, values);
    for (const twin of twins) {
      const followed = twinPath(twin, net, path);
      if (paths.has(followed)) loaded.writePart(followed, values);
    }
  }
}

/** Where a twin has what its net has at `path`. */
export function twinPath(twin: string, net: string, path: string): string {
  return `${twin}.${path.slice(net.length + 1)}`;
}

/** What stands at `at(path)` for each part of the net; zeros where there is no such part. */
export async function giveBack(
  loaded: LoadedCompilation,
  { table }: PlacedNet,
  at: (path: string) => string = (path) => path,
): Promise<TheirValues> {
  const known = new Set(loaded.compiled.layout.parts.map(({ path }) => path));
  const ours = new Map<string, Float64Array>();
  for (const { path, shape } of table.ours) {
    const there = at(path);
    ours.set(
      path,
      known.has(there)
        ? Float64Array.from(await loaded.readPart(there))
        : new Float64Array(countOf(shape)),
    );
  }
  const theirs = toTheirNames(table, ours);
  return new Map([...theirs].map(([name, { values }]) => [name, Float64Array.from(values)]));
}
