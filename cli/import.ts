// `vit import TARGET --weights FILE --as timm --out W.safetensors`: another library's weights under our names.
import { catalog } from "../runtime/data/catalog.ts";
import type { Loaded } from "../runtime/checkpoint/import-weights.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { importSpec } from "../runtime/spec/import-spec.ts";
import type { ImportOptions, ImportResult } from "../runtime/spec/import-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { few, plural } from "./figures.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface ImportWords extends Omit<ImportOptions, "settings" | "adapt"> {
  readonly set?: Readonly<Record<string, string>>;
  readonly adapt?: readonly string[];
  readonly json?: boolean;
}

export function importWeights(text: string, words: ImportWords): number {
  const { set = {}, adapt = [], json, ...options } = words;
  const context = { specs: specFiles(), catalog: catalog(nodeHost), files: nodeHost.files };
  const result = importSpec(
    parseTarget(text),
    { ...options, settings: set, adapt: adapt.join(", ") },
    context,
  );
  if (json) sayJson(result);
  else sayReport(result);
  return exit.fine;
}

function sayReport(result: ImportResult): void {
  const { loaded, reshaped, resized, fresh, missing, unused, out, within } = result;
  const paint = colors();
  const shape = (extents: readonly number[]) => `[${extents.join(", ")}]`;
  const detail = ({ path, from, to, how }: Loaded & { readonly how?: string }) =>
    `${path} ${shape(from)} -> ${shape(to)}${how === undefined ? "" : `, ${how}`}`;
  const rows: (readonly [string, number, readonly string[]])[] = [
    ["loaded", loaded.length, []],
    ["reshaped", reshaped.length, []],
    ["resized", resized.length, resized.map(detail)],
    ["started anew", fresh.length, fresh],
    ["missing there", missing.length, missing],
    ["unused", unused.length, unused],
  ];
  if (within !== undefined) say(paint.dim(`found in \`${within}\` of the file`));
  say(
    table(
      rows
        .filter(([, count]) => count > 0)
        .map(([what, count, which]) => [
          paint.bold(what),
          String(count),
          paint.dim(few(which, "; ")),
        ]),
    ).join("\n"),
  );
  const all = loaded.length + reshaped.length + resized.length + fresh.length;
  say(paint.dim(`${plural(all, "tensor")} written to ${out}`));
}
