// What a figure was measured on.
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import type { Machine } from "./figures.ts";

export function describeMachine(): Machine {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }; // prettier-ignore
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release().split("-")[0]}`,
    node: process.version,
    v8: process.versions.v8,
    vitrail: version,
    date: new Date().toISOString().slice(0, 10),
  };
}
