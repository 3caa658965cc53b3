// `vit check`: what is fine is praised, what is wrong is said in full, all of it at once.
import { copyFileSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit, runVitJson } from "./run-vit.ts";

test("a file that is fine is counted", async () => {
  const { code, out, err } = await runVit("check", "specs/vit.vit");
  expect(code).toBe(0);
  expect(out).toMatch(
    /^specs\/vit.vit is fine: 1 model, \d+ blocks?, \d+ variants, \d+ expectations\n$/,
  );
  expect(err).toBe("");
});

test("all mistakes of a file are said at once, with exit code 1", async () => {
  const { code, err } = await runVit("check", "test/cases/bad/names/five-mistakes.vit");
  expect(code).toBe(1);
  const expected = readFileSync("test/cases/bad/names/five-mistakes.txt", "utf8").trimEnd();
  const codesOf = (text: string) => text.match(/^error\[.*?\]/gm);
  expect(codesOf(err)).toEqual(codesOf(expected));
  const found = codesOf(err)!.length;
  expect(found).toBeGreaterThanOrEqual(5);
  expect(err).toContain(`${found} errors`);
});

test("--json gives editors code, place and message", async () => {
  const found = await runVitJson<Record<string, unknown>[]>(
    "check",
    "test/cases/bad/names/misspelt-block.vit",
  );
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    severity: "error",
    code: "unknown-name",
    file: "test/cases/bad/names/misspelt-block.vit",
    start: { line: 2 },
  });
});

test("a recipe's mistakes are found too, and neighbours are read beside the file", async () => {
  const folder = temporaryFolder();
  copyFileSync("examples/digits.vit", `${folder}/mine.vit`);
  const { code, err } = await runVit("check", `${folder}/mine.vit`);
  expect(code).toBe(1); // "../specs/vit" lies elsewhere from here
  expect(err).toContain("error[missing-file]: there is no file for `../specs/vit`");
});

test("a file that is not there is the world's failure, a missing word wrong usage", async () => {
  expect((await runVit("check", "nowhere.vit")).code).toBe(3);
  const { code, err } = await runVit("check");
  expect(code).toBe(2);
  expect(err).toContain("missing required argument 'file'");
});
