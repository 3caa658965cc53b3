// `load image from "vit.safetensors"` -> parameters that start from a file of tensors instead of their initializers.
// A file may be a safetensors file or the folder of a checkpoint; its names are those of the net, with or without the
// net's own name in front. What is to start anew is named `fresh`; anything else that is missing is an error.
import type { ResidentPart } from "../../compiler/compiled.ts";
import type { Load } from "../../compiler/graph/lowered.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import type { SafetensorsFile } from "../checkpoint/safetensors.ts";
import { asNumbers } from "../checkpoint/stored-values.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";

/** @throws WorldError where the file is missing, unlike the net, or needs an adaptation that is not there */
export function loadWeights(loaded: LoadedCompilation, loads: readonly Load[], files: Files): void {
  for (const load of loads) {
    checkSupported(load);
    const file = openFile(load, files);
    for (const part of loaded.compiled.layout.parts) {
      if (part.role !== "parameter" || !isUnder(part.path, load.net) || isFresh(part, load))
        continue;
      loaded.writePart(part.path, read(part, load, file));
    }
  }
}

function checkSupported(load: Load): void {
  if (load.names !== undefined)
    throw new WorldError(
      "unsupported",
      `names as in ${load.names} cannot be read yet (load ${load.net})`,
      "rename the file's tensors to the paths that `vit summary` lists, and leave out `as`",
    );
  const other = load.adaptations.find(({ how }) => how !== "fresh");
  if (other)
    throw new WorldError(
      "unsupported",
      `the adaptation \`${other.how}\` of ${other.path} is not there yet`,
      "use a checkpoint of the same shape, or `fresh`",
    );
}

function openFile(load: Load, files: Files): SafetensorsFile {
  const path = files.isFolder(load.file) ? `${load.file}/parameters.safetensors` : load.file;
  if (!files.exists(path))
    throw new WorldError(
      "missing-file",
      `${load.net} is to be loaded from ${path}, which is not there`,
      "check the path; it counts from the folder where you are",
    );
  return openSafetensors(files, path);
}

function read(part: ResidentPart, load: Load, file: SafetensorsFile): Float64Array {
  const within = part.path.slice(load.net.length + 1);
  const name = [part.path, within].find((candidate) => file.tensors.has(candidate));
  if (name === undefined)
    throw new WorldError(
      "unlike-checkpoint",
      `${file.path} has no \`${part.path}\``,
      `load \`${load.net}\` with { ${within} = fresh } to start it anew`,
    );
  const tensor = file.read(name);
  if (tensor.shape.join() !== part.shape.join())
    throw new WorldError(
      "unlike-checkpoint",
      `\`${part.path}\` is [${part.shape.join(", ")}], but in ${file.path} it is [${tensor.shape.join(", ")}]`,
      `load \`${load.net}\` with { ${within} = fresh } to start it anew`,
    );
  return Float64Array.from(asNumbers(tensor));
}

function isFresh(part: ResidentPart, load: Load): boolean {
  return load.adaptations.some(({ path, how }) => how === "fresh" && isUnder(part.path, path));
}

function isUnder(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}
