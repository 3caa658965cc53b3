// `vit check`: what is fine is praised, what is wrong is said in full, all of it at once.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit, runVitJson } from "./run-vit.ts";

test("a file that is fine is counted", async () => {
  const { code, out, err } = await runVit("check", "specs/vit.vit");
  expect(code).toBe(0);
  expect(out).toMatch(
    /^specs\/vit.vit is fine: (\d+ recipes?, )?1 model, \d+ blocks?, \d+ variants, \d+ expectations\n$/,
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

test("of a folder a line a file: expectations, time, mistakes; then all of them together", async () => {
  const folder = folderOfTwo();
  const { code, out, err } = await runVit("check", folder);
  expect(code).toBe(1);
  const [fine, wrong, total] = out.trimEnd().split("\n");
  expect(fine).toMatch(/\/fine\.vit +fine +2 expectations +\d+\.\d s$/);
  expect(wrong).toMatch(/\/wrong\.vit +wrong +1 expectation +\d+\.\d s {2}1 error$/);
  expect(total).toMatch(/^2 files, 3 expectations: 1 wrong, in \d+\.\d s$/);
  expect(err).toContain("error[unexpected-figure]");
});

test("of a folder --json has an entry a file", async () => {
  const found = await runVitJson<Record<string, unknown>[]>("check", folderOfTwo());
  expect(found).toMatchObject([
    { fine: true, expectations: 2, diagnostics: [] },
    { fine: false, expectations: 1, diagnostics: [{ code: "unexpected-figure" }] },
  ]);
  expect(Object.keys(found[0]!)).toEqual([
    "file",
    "fine",
    "expectations",
    "seconds",
    "diagnostics",
  ]);
});

function folderOfTwo(): string {
  const folder = temporaryFolder();
  const model = "model Net(x: [batch, width = 4]) -> [batch, width = _] { x |> fc: Linear(8) }\n";
  const [right, wrong] = [40, 41].map((count) => `expect Net() { parameters = ${count} }\n`);
  writeFileSync(`${folder}/fine.vit`, `${model}\n${right}${right}`);
  writeFileSync(`${folder}/wrong.vit`, `${model}\n${wrong}`);
  return folder;
}

test("a file that is not there is the world's failure, a missing word wrong usage", async () => {
  expect((await runVit("check", "nowhere.vit")).code).toBe(3);
  const { code, err } = await runVit("check");
  expect(code).toBe(2);
  expect(err).toContain("missing required argument 'file'");
});
