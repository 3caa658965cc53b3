// A path -> its tensors, whatever kind of file it is: told by its first bytes, never by its ending.
// Safetensors, PyTorch's zip files, NumPy's npz, or the folder of a checkpoint of ours.
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import { openNpz } from "./npz.ts";
import { openSafetensors } from "./safetensors.ts";
import type { TensorFile } from "./tensor-file.ts";
import { openTorch } from "./torch-file.ts";
import { openZip } from "./zip.ts";

/**
 * `within` is a dictionary of a PyTorch file that holds the weights, or else what stands before all of their names.
 * @throws WorldError `missing-file`, `broken-file`, `unsupported`, `unlike-checkpoint`
 */
export function openTensors(files: Files, path: string, within?: string): TensorFile {
  if (!files.exists(path))
    throw new WorldError("missing-file", `there is no ${path}`, "check the path");
  if (files.isFolder(path)) return openTensors(files, `${path}/parameters.safetensors`, within);
  const first = files.readPart(path, 0, 4);
  const isZip = first[0] === 0x50 && first[1] === 0x4b;
  if (!isZip && isPickle(first))
    throw new WorldError(
      "unsupported",
      `${path} is a file of PyTorch before 1.6, which is one pickle and no zip file`,
      "open it in PyTorch and save it again: torch.save(torch.load(path, weights_only=True), path)",
    );
  if (!isZip) {
    const file = openSafetensors(files, path);
    return below({ ...file, kind: "a safetensors file" }, within);
  }
  const zip = openZip(files, path);
  const isNpz = [...zip.members.keys()].some((name) => name.endsWith(".npy"));
  return isNpz ? below(openNpz(files, path, zip), within) : openTorch(files, path, within, zip);
}

function isPickle(first: Uint8Array): boolean {
  return first[0] === 0x80 && first[1]! >= 2 && first[1]! <= 5;
}

/** Names without what stands before all of them; names without it are left out. */
function below(file: TensorFile, within: string | undefined): TensorFile {
  if (within === undefined) return file;
  const starts = [`${within}.`, `${within}/`];
  const shortened = [...file.tensors].flatMap(([name, entry]) => {
    const start = starts.find((each) => name.startsWith(each));
    return start === undefined ? [] : [[name.slice(start.length), name, entry] as const];
  });
  if (shortened.length === 0)
    throw new WorldError(
      "unlike-checkpoint",
      `${file.path} has no names that begin with ${within}`,
      `its first is ${[...file.tensors.keys()][0] ?? "none"}`,
    );
  const whole = new Map(shortened.map(([short, name]) => [short, name]));
  return {
    ...file,
    tensors: new Map(shortened.map(([short, , entry]) => [short, entry])),
    read: (name) => file.read(whole.get(name) ?? name),
    within,
  };
}
