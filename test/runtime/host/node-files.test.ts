import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeFiles, writeFileAtomically } from "../../../runtime/host/node.ts";
import type { Files } from "../../../runtime/host/host.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);

test("a whole file is written in place of the old one, and nothing else is left", () => {
  const folder = temporaryFolder();
  writeFileAtomically(nodeFiles, `${folder}/run.json`, "old");
  writeFileAtomically(nodeFiles, `${folder}/run.json`, "new");
  expect(readFileSync(`${folder}/run.json`, "utf8")).toBe("new");
  expect(readdirSync(folder)).toEqual(["run.json"]);
});

test("a write that fails leaves the old file as it was", () => {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/run.json`, "old");
  const failing: Files = {
    ...nodeFiles,
    create: (path) => ({
      ...nodeFiles.create(path),
      write: () => {
        throw new Error("stop");
      },
    }),
  };
  expect(() => writeFileAtomically(failing, `${folder}/run.json`, "new")).toThrow("stop");
  expect(readFileSync(`${folder}/run.json`, "utf8")).toBe("old");
});

test("a missing file is told as one", () => {
  expect(() => nodeFiles.read("no/such/file")).toThrow(
    "could not read no/such/file: there is no such file or folder",
  );
});

test("a part of a file ends where the file does", () => {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/a`, "hello");
  expect(nodeFiles.readPart(`${folder}/a`, 1, 3)).toEqual(text("ell"));
  expect(nodeFiles.readPart(`${folder}/a`, 3, 10)).toEqual(text("lo"));
});

test("names in a folder come in one order everywhere", () => {
  const folder = temporaryFolder();
  for (const name of ["b", "B", "a10", "a2", "ä"]) writeFileSync(`${folder}/${name}`, "");
  expect(nodeFiles.list(folder)).toEqual(["B", "a10", "a2", "b", "ä"]);
});
