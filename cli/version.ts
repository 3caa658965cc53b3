// The version of this package.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../runtime/host/node-specs.ts";

export function versionOf(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
