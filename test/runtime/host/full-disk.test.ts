// A disk that takes nothing more, on any system: the system's own call fails as it does there.
import type * as NodeFiles from "node:fs";
import { expect, test, vi } from "vitest";
import { openLog } from "../../../runtime/checkpoint/log.ts";
import { nodeFiles, writeFileAtomically } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";

vi.mock("node:fs", async (original) => ({
  ...(await original<typeof NodeFiles>()),
  writeSync: () => {
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  },
}));

test("a file says that it is full, and which file was written", () => {
  const path = `${temporaryFolder()}/a`;
  const writer = nodeFiles.append(path);
  const write = () => writer.write(new TextEncoder().encode("x"));
  expect(write).toThrow(`could not write ${path}: the disk is full`);
  writer.close();
});

test("a file that is written as one is not there, nor is a part of it", () => {
  const folder = temporaryFolder();
  expect(() => writeFileAtomically(nodeFiles, `${folder}/run.json`, "new")).toThrow(
    "the disk is full",
  );
  expect(nodeFiles.list(folder)).toEqual([]);
});

test("the log of a run says so", () => {
  const path = `${temporaryFolder()}/metrics.jsonl`;
  const log = openLog(nodeFiles, path);
  expect(() => log.write({ step: 1 })).toThrow(`could not write ${path}: the disk is full`);
  log.close();
});
