// `vit` as a command: help, versions, colours, exit codes, the package's own entry.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runVit } from "./run-vit.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

test("help of every verb has examples that begin with the verb", async () => {
  const { code, out } = await runVit("--help");
  expect(code).toBe(0);
  const [, commands = ""] = out.split("Commands:\n");
  const verbs = [...commands.matchAll(/^ {2}(?!help)(\w+)/gm)].map(([, verb]) => verb!);
  expect(verbs).toEqual(
    expect.arrayContaining([
      "check",
      "fmt",
      "show",
      "list",
      "summary",
      "diff",
      "compile",
      "train",
      "eval",
      "predict",
      "run",
      "doctor",
    ]),
  );
  for (const verb of verbs) {
    const help = await runVit(verb, "--help");
    expect(help.out).toContain(`Examples:\n  $ vit ${verb}`);
  }
});

test("a misspelt verb is wrong usage, with the verb that was meant", async () => {
  const { code, err } = await runVit("summry");
  expect(code).toBe(2);
  expect(err).toContain("Did you mean summary?");
});

test("doctor says what is chosen and why", async () => {
  const { code, out } = await runVit("doctor");
  expect(code).toBe(0);
  expect(out).toMatch(/^wasm +\d+ threads?, SIMD/m);
  expect(out).toMatch(/^chosen +(wasm|webgpu): .+$/m);
});

test("an unclear target lists what can be said", async () => {
  const { code, err } = await runVit("show", "specs/std/norms.vit");
  expect(code).toBe(2);
  expect(err).toContain("specs/std/norms.vit:LayerNorm");
});

test("where a file has recipes and models, both are offered, blocks are not", async () => {
  const { code, err } = await runVit("summary", "specs/clip.vit");
  expect(code).toBe(2);
  expect(err).toContain("specs/clip.vit:CLIP\n");
  expect(err).toContain("specs/clip.vit:clip\n");
  expect(err).not.toContain("AttentionPool");
});

test("the command runs from its entry, in colour where it is asked for", () => {
  const { FORCE_COLOR: _, NO_COLOR: __, ...environment } = process.env;
  const run = (words: readonly string[], more: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ["bin/vit.js", ...words], {
      encoding: "utf8",
      env: { ...environment, ...more },
    });
  expect(run(["--version"], {}).stdout).toBe(`${version}\n`);
  const wrong = ["check", "test/cases/bad/names/misspelt-block.vit"];
  const plain = run(wrong, {});
  expect([plain.status, plain.stdout]).toEqual([1, ""]);
  expect(plain.stderr).toMatch(/^error\[unknown-name\]/);
  expect(run(wrong, { FORCE_COLOR: "1" }).stderr.startsWith("\u001b[31merror")).toBe(true);
  expect(run(wrong, { FORCE_COLOR: "1", NO_COLOR: "1" }).stderr).toBe(plain.stderr);
});
