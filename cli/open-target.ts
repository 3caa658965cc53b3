// What every verb does with its FILE:NAME@VARIANT: open it, or say what is wrong with it.
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles, specFilesAt } from "../runtime/host/node-specs.ts";
import { openSpec } from "../runtime/spec/open-spec.ts";
import type { OpenOptions, ResolvedSpec } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { remarkDiagnostics } from "./explain-failure.ts";

export interface TargetOptions {
  /** From `--set name=value`. */
  readonly set?: Readonly<Record<string, string>>;
  readonly revision?: string;
}

/** The model or recipe; undefined where it is wrong, which has then been said. Warnings are said too. */
export function openTarget(
  text: string,
  { set = {}, revision }: TargetOptions,
  more: Partial<OpenOptions> = {},
): ResolvedSpec | undefined {
  const files = revision === undefined ? specFiles() : specFilesAt(revision);
  const options = { files, catalog: catalog(nodeHost), settings: set, ...more };
  const result = openSpec(parseTarget(text), options);
  if (result.kind === "wrong") {
    remarkDiagnostics(result.diagnostics, result.sources);
    return undefined;
  }
  remarkDiagnostics(result.warnings, result.sources);
  return result;
}
