// Tensors -> a safetensors file that takes its place in one step: what is stopped leaves no half of a file.
import type { Files } from "../host/host.ts";
import { writeTensors } from "./safetensors.ts";
import type { MadeTensor, Metadata } from "./safetensors.ts";

/** @throws WorldError (a full disk, say) with what was at `path` as it was */
export function writeWhole(
  files: Files,
  path: string,
  tensors: ReadonlyMap<string, MadeTensor>,
  metadata: Metadata,
): void {
  const temporary = `${path}.writing`;
  try {
    const writer = files.create(temporary);
    try {
      writeTensors(writer, tensors, metadata);
      writer.sync();
    } finally {
      writer.close();
    }
    files.rename(temporary, path);
  } catch (error) {
    files.remove(temporary);
    throw error;
  }
}
