// Every wrong file in these folders of `test/cases/bad` says what is wrong, in full: the text beside it.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { checkFile } from "../../../compiler/graph/check-file.ts";
import { loadLibrary } from "../../../compiler/model/load-library.ts";
import { renderDiagnostics } from "../../../grammar/diagnostic.ts";

const root = new URL("../../../", import.meta.url);
const textOf = (name: string) => readFileSync(new URL(name, root), "utf8");
const vitIn = (folder: string) =>
  readdirSync(new URL(folder, root)).filter((name) => name.endsWith(".vit"));
const shipped = new Map(
  vitIn("specs/std/").map((name) => [`specs/std/${name}`, textOf(`specs/std/${name}`)] as const),
);

/** Names in messages are those of the cases: `shapes/axis-twice.vit`. */
const read = (name: string) => {
  try {
    return textOf(`test/cases/bad/${name}`);
  } catch {
    return undefined;
  }
};

// The machine that runs this may be shared.
vi.setConfig({ testTimeout: 60_000 });

describe.each(["names", "types", "ranges", "shapes", "paths", "imports", "cycles", "maps"])(
  "%s",
  (folder) => {
    test.each(vitIn(`test/cases/bad/${folder}/`))("%s", async (file) => {
      const name = `${folder}/${file}`;
      const { library, diagnostics } = loadLibrary({ read, shipped }, name);
      const found = [...diagnostics, ...checkFile(library, name)];
      expect(found).not.toEqual([]);
      await expect(`${renderDiagnostics(found, library.sources)}\n`).toMatchFileSnapshot(
        `../../cases/bad/${name.replace(".vit", ".txt")}`,
      );
    });
  },
);
