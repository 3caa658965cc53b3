// The parameters and statistics of one model, from what a person names: a safetensors file with our names, a
// checkpoint's folder, or the folder of a run (its newest checkpoint). A recipe's checkpoint has the name of the net before
// each path; a file that has no such names is taken as it is.
import type { ResidentPart } from "../../compiler/compiled.ts";
import { latestCheckpoint } from "../checkpoint/checkpoint.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import type { SafetensorsFile, StoredTensor } from "../checkpoint/safetensors.ts";
import { asNumbers } from "../checkpoint/stored-values.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";

/** Tensors by name, wherever they are stored. */
export interface Weights {
  readonly path: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly read: (name: string) => Pick<StoredTensor, "dtype" | "bytes">;
}

/** Checks the headers alone. @throws WorldError where there is no such file, or it is damaged */
export function openWeights(files: Files, path: string): Weights {
  const opened = weightFiles(files, path).map((file) => openSafetensors(files, file));
  const owner = new Map<string, SafetensorsFile>();
  for (const file of opened) for (const name of file.tensors.keys()) owner.set(name, file);
  return {
    path,
    shapes: new Map([...owner].map(([name, { tensors }]) => [name, tensors.get(name)!.shape])),
    read: (name) => owner.get(name)!.read(name),
  };
}

function weightFiles(files: Files, path: string): readonly string[] {
  if (!files.exists(path))
    throw new WorldError(
      "missing-file",
      `there are no weights at ${path}`,
      "name a safetensors file, a checkpoint's folder or the folder of a run",
    );
  if (!files.isFolder(path)) return [path];
  const folder = latestCheckpoint(files, path)?.path ?? path;
  const parts = ["parameters", "state"].map((name) => `${folder}/${name}.safetensors`);
  const found = parts.filter((file) => files.exists(file));
  if (found.length > 0) return found;
  throw new WorldError(
    "no-checkpoint",
    `${path} holds no checkpoint`,
    "name a folder such as runs/NAME or runs/NAME/checkpoints/step-00001000",
  );
}

/**
 * Writes every part of the model; all are checked before the first is written.
 * @param net whose weights to take of a checkpoint with several nets that fit
 * @throws WorldError that says what is missing or of another shape
 */
export function writeWeights(loaded: LoadedCompilation, weights: Weights, net?: string): void {
  const { parts } = loaded.compiled.layout;
  const prefix = parts.length === 0 ? "" : prefixOf(parts, weights, net);
  checkShapes(parts, weights, prefix);
  for (const part of parts)
    loaded.writePart(part.path, Float64Array.from(asNumbers(weights.read(prefix + part.path))));
}

function prefixOf(parts: readonly ResidentPart[], weights: Weights, net?: string): string {
  const { path, shapes } = weights;
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

function checkShapes(parts: readonly ResidentPart[], weights: Weights, prefix: string): void {
  const { path, shapes } = weights;
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
