// Each text in `test/cases/bad/syntax` that is no `.vit` is told what is wrong, in full: the text beside it.
// After a change of wording, `npx vitest run test/grammar/bad-cases.test.ts -u` writes those texts anew.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderDiagnostics } from "../../grammar/diagnostic.ts";
import { parse } from "../../grammar/parse.ts";

const folder = "test/cases/bad/syntax/";
const names = readdirSync(folder);
const cases = names.filter((name) => name.endsWith(".vit"));

describe("a text that is no .vit is told what is wrong, where, and how to mend it", () => {
  test.each(cases)("%s", async (name) => {
    const text = readFileSync(folder + name, "utf8");
    const { diagnostics } = parse(text, `syntax/${name}`);
    expect(diagnostics).not.toEqual([]);
    const said = renderDiagnostics(diagnostics, new Map([[`syntax/${name}`, text]]));
    await expect(`${said}\n`).toMatchFileSnapshot(
      `../cases/bad/syntax/${name.replace(".vit", ".txt")}`,
    );
  });

  test("each of them has its message beside it", () => {
    const missing = cases.filter((name) => !names.includes(name.replace(".vit", ".txt")));
    expect(missing).toEqual([]);
  });
});
