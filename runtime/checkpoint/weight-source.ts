// What a person names as weights -> tensors by name: a file of another library or of ours, a checkpoint, or a run.
import type { Files } from "../host/host.ts";
import { latestCheckpoint } from "./checkpoint.ts";
import type { Source } from "./import-weights.ts";
import { openTensors } from "./open-tensors.ts";
import type { TensorFile } from "./tensor-file.ts";

/** A file of tensors, the folder of a checkpoint, or that of a run: its newest checkpoint, with its statistics. */
export function openSource(files: Files, path: string, within?: string): Source {
  if (!files.isFolder(path)) return sourceOf([openTensors(files, path, within)], path);
  const folder = latestCheckpoint(files, path)?.path ?? path;
  const names = ["parameters", "state"].map((name) => `${folder}/${name}.safetensors`);
  const there = names.filter((name, i) => i === 0 || files.exists(name));
  return sourceOf(
    there.map((name) => openTensors(files, name, within)),
    path,
  );
}

/** Several files as one. */
function sourceOf(opened: readonly TensorFile[], path: string): Source {
  const owner = new Map(
    opened.flatMap((file) => [...file.tensors].map(([name, { shape }]) => [name, { file, shape }])),
  );
  return {
    path,
    shapes: new Map([...owner].map(([name, { shape }]) => [name, shape])),
    read: (name) => owner.get(name)!.file.read(name),
    ...(opened[0]?.within === undefined ? {} : { within: opened[0].within }),
  };
}
