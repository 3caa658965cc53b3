// `vit fmt`: files in canonical form, written as one; what does not parse is left alone.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit } from "./run-vit.ts";

const crooked = "block   Twice(x: [batch,width])->[batch,width] {\nx+x }\n";

function fileWith(text: string): string {
  const file = `${temporaryFolder()}/a.vit`;
  writeFileSync(file, text);
  return file;
}

test("a crooked file is straightened, a second time nothing changes", async () => {
  const file = fileWith(crooked);
  expect(await runVit("fmt", file)).toMatchObject({ code: 0, out: `${file} formatted\n` });
  const formatted = readFileSync(file, "utf8");
  expect(formatted).toContain("block Twice(x: [batch, width]) -> [batch, width]");
  expect(await runVit("fmt", file)).toMatchObject({ code: 0, out: "" });
  expect(readFileSync(file, "utf8")).toBe(formatted);
});

test("--check writes nothing and ends with 1", async () => {
  const file = fileWith(crooked);
  const { code, out, err } = await runVit("fmt", "--check", file);
  expect([code, out]).toEqual([1, `${file} would change\n`]);
  expect(err).toContain("1 file would change");
  expect(readFileSync(file, "utf8")).toBe(crooked);
});

test("what does not parse is left as it is", async () => {
  const file = fileWith("block (");
  expect((await runVit("fmt", file)).code).toBe(1);
  expect(readFileSync(file, "utf8")).toBe("block (");
});
