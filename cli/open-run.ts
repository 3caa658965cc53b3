// A run as a person names it -> its folder: `runs/digits`, or the recipe that was trained (`examples/digits.vit`).
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { locateSpec } from "../runtime/spec/open-spec.ts";
import { SpecError } from "../runtime/spec/spec-error.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { runFolder } from "../runtime/spec/train-spec.ts";
import { openRun as open } from "../runtime/training/run-folder.ts";
import type { Run } from "../runtime/training/run-folder.ts";

/** @throws WorldError where there is no run. */
export function openRun(text: string): Run {
  const folder = text.replace(/\/+$/, "");
  if (nodeHost.files.isFolder(folder) || !/\.vit\b/.test(text)) return open(nodeHost.files, folder);
  const located = locateSpec(parseTarget(text), { files: specFiles() });
  if (located.kind === "wrong") throw new SpecError(located);
  return open(nodeHost.files, runFolder(located.target));
}
