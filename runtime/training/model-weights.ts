// The parameters and statistics of one model, from tensors by name: with our names, or with those of another library. A
// recipe's checkpoint has the name of the net before each path; a file that has no such names is taken as it is.
import type { ResidentPart } from "../../compiler/compiled.ts";
import type { NameTable } from "../../compiler/names/name-table.ts";
import { planImport } from "../checkpoint/import-weights.ts";
import type { Source } from "../checkpoint/import-weights.ts";
import { asNumbers } from "../checkpoint/stored-values.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";

export interface WeightNames {
  /** Whose weights to take of a checkpoint with several nets that fit. */
  readonly net?: string;
  /** What the file calls them; our names unless given. */
  readonly table?: NameTable;
}

/**
 * Writes every part of the model; all are checked before the first is written.
 * @throws WorldError that says what is missing or of another shape
 */
export function writeWeights(
  loaded: LoadedCompilation,
  source: Source,
  { net, table }: WeightNames,
): void {
  const { parts } = loaded.compiled.layout;
  if (table !== undefined) return writeNamed(loaded, source, table);
  const prefix = parts.length === 0 ? "" : prefixOf(parts, source, net);
  checkShapes(parts, source, prefix);
  for (const part of parts)
    loaded.writePart(part.path, Float64Array.from(asNumbers(source.read(prefix + part.path))));
}

function writeNamed(loaded: LoadedCompilation, source: Source, table: NameTable): void {
  const { parts } = loaded.compiled.layout;
  const { report, read } = planImport(source, { wanted: parts, table, changes: [] });
  if (report.fresh.length > 0)
    throw new WorldError(
      "unlike-checkpoint",
      `${source.path} cannot give all of the model: its format has no name for ${few(report.fresh)}`,
      "convert the weights with `vit import`, which can start them anew",
    );
  for (const { path } of parts) loaded.writePart(path, Float64Array.from(read(path)!));
}

function prefixOf(parts: readonly ResidentPart[], source: Source, net?: string): string {
  const { path, shapes } = source;
  const has = (prefix: string) => parts.filter((part) => shapes.has(prefix + part.path)).length;
  if (net !== undefined) return `${net}.`;
  const [first] = parts;
  const prefixes = [...shapes.keys()].flatMap((name) =>
    name.endsWith(`.${first!.path}`) ? [name.slice(0, -first!.path.length)] : [],
  );
  const whole = ["", ...prefixes].filter((prefix) => has(prefix) === parts.length);
  if (whole.length > 1 && whole[0] !== "")
    throw new WorldError(
      "unlike-checkpoint",
      `${path} holds this model more than once: ${whole.map((one) => one.slice(0, -1)).join(", ")}`,
      "say which one with --net",
    );
  return whole[0] ?? ["", ...prefixes].sort((one, other) => has(other) - has(one))[0]!;
}

function checkShapes(parts: readonly ResidentPart[], source: Source, prefix: string): void {
  const { path, shapes } = source;
  const missing = parts.filter((part) => !shapes.has(prefix + part.path));
  if (missing.length > 0)
    throw new WorldError(
      "unlike-checkpoint",
      missing.length === parts.length
        ? `${path} has none of the ${parts.length} tensors of the model, such as ${prefix}${missing[0]!.path}; it has ${few([...shapes.keys()])}`
        : `${path} lacks ${missing.length} of the ${parts.length} tensors of the model: ${few(missing.map((part) => prefix + part.path))}`,
      "use the spec, variant and settings that the weights were made with; `vit summary --all` lists the names",
    );
  const others = parts.flatMap((part) => {
    const found = shapes.get(prefix + part.path)!;
    if (found.join() === part.shape.join()) return [];
    return [`${part.path} is [${found.join(", ")}], not [${part.shape.join(", ")}]`];
  });
  if (others.length > 0)
    throw new WorldError(
      "unlike-checkpoint",
      `${path} does not fit the model: ${few(others, "; ")}`,
      "use the variant and settings that the weights were made with",
    );
}

function few(names: readonly string[], joint = ", "): string {
  const shown = names.slice(0, 4).join(joint);
  return names.length > 4 ? `${shown}${joint}and ${names.length - 4} more` : shown;
}
