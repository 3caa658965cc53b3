// `load image from "vit.safetensors" as timm { head = fresh }` -> parameters and statistics that start from a file of
// tensors instead of their initializers. Of all loads everything is checked before anything is written; twins of what
// was loaded start as it, too.
import type { ResidentPart } from "../../compiler/compiled.ts";
import type { Load } from "../../compiler/graph/lowered.ts";
import { planImport } from "../checkpoint/import-weights.ts";
import type { Source } from "../checkpoint/import-weights.ts";
import { openSource } from "../checkpoint/weight-source.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { isWorldError, WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import type { LoadedFile } from "./events.ts";

/** @throws WorldError where a file is missing, damaged or unlike the net; nothing is loaded then */
export function loadWeights(
  loaded: LoadedCompilation,
  loads: readonly Load[],
  files: Files,
): readonly LoadedFile[] {
  const { parts } = loaded.compiled.layout;
  const planned = loads.map((load) => ({ load, ...planLoad(load, parts, files) }));
  const written = new Map<string, Float64Array>();
  for (const { wanted, read } of planned) {
    for (const { path } of wanted) {
      const values = read(path);
      if (values === undefined) continue;
      const doubles = Float64Array.from(values);
      loaded.writePart(path, doubles);
      written.set(path, doubles);
    }
  }
  for (const { path, initializer } of parts) {
    const source = initializer.kind === "copy" ? written.get(String(initializer.settings["path"])) : undefined; // prettier-ignore
    if (source !== undefined && !written.has(path)) loaded.writePart(path, source);
  }
  return planned.map(
    ({ load: { net, file }, report: { loaded, reshaped, resized, fresh, unused } }) => ({
      net,
      file,
      loaded: loaded.length + reshaped.length,
      resized: resized.map(({ path }) => path),
      fresh,
      unused,
    }),
  );
}

function planLoad(load: Load, parts: readonly ResidentPart[], files: Files) {
  const wanted = parts.filter(
    ({ path, role }) =>
      isUnder(path, load.net) && (role === "parameter" || role === "state" || role === "twin"),
  );
  const { changes, table, net: root } = load;
  const source = sourceOfLoad(load, files);
  const request = { wanted, changes, root, ...(table === undefined ? {} : { table }) };
  return { wanted, ...planImport(source, request) };
}

function sourceOfLoad(load: Load, files: Files): Source {
  try {
    return openSource(files, load.file, load.within);
  } catch (error) {
    if (isWorldError(error) && error.code === "missing-file")
      throw new WorldError(
        "missing-file",
        `${load.net} is to be loaded from ${load.file}, which is not there`,
        "check the path; it counts from the folder where you are",
        error,
      );
    throw error;
  }
}

function isUnder(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}
