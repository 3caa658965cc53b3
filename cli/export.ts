// `vit export TARGET-or-RUN --as timm --out W.safetensors`: our weights under another library's names.
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { exportRun, exportSpec } from "../runtime/spec/import-spec.ts";
import type { ExportOptions, ExportResult } from "../runtime/spec/import-spec.ts";
import { locateSpec } from "../runtime/spec/open-spec.ts";
import { SpecError } from "../runtime/spec/spec-error.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit, UsageError } from "./exit-codes.ts";
import { plural } from "./figures.ts";
import { openRun } from "./open-run.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface ExportWords extends Omit<ExportOptions, "settings"> {
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

export function exportWeights(text: string, words: ExportWords): number {
  const { set = {}, json, ...options } = words;
  const context = { specs: specFiles(), catalog: catalog(nodeHost), files: nodeHost.files };
  const result = isRun(text, options)
    ? exportRun(openRun(text), withoutSettings(options, set), context)
    : exportSpec(parseTarget(text), { ...options, settings: set }, context);
  if (json) sayJson(result);
  else sayResult(result, options.weights === undefined && !isRun(text, options));
  return exit.fine;
}

/** A folder is a run; a recipe without weights of its own is the run that it was trained in. */
function isRun(text: string, { weights }: ExportOptions): boolean {
  if (!/\.vit\b/.test(text)) return true;
  if (weights !== undefined) return false;
  const located = locateSpec(parseTarget(text), { files: specFiles() });
  if (located.kind === "wrong") throw new SpecError(located);
  return located.declaration.kind === "recipe";
}

function withoutSettings(options: ExportOptions, set: Readonly<Record<string, string>>) {
  if (Object.keys(set).length > 0)
    throw new UsageError("a run has its settings already", ["leave out --set"]);
  return options;
}

function sayResult(result: ExportResult, areFirstValues: boolean): void {
  const { format, tensors, leftOut, filled, out } = result;
  const paint = colors();
  say(`${paint.bold(plural(tensors.length, "tensor"))} under the names of ${format}`);
  if (filled.length > 0)
    say(paint.dim(`${filled.length} of them are only theirs, such as ${filled[0]}`));
  if (leftOut.length > 0) say(paint.dim(`left out, as ${format} has none: ${leftOut.join(", ")}`));
  if (areFirstValues) say(paint.dim("first values: name --weights for trained ones"));
  say(paint.dim(`written to ${out}`));
}
