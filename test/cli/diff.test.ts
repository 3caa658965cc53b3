// `vit diff`: the level, the lines, and the exit codes of diff(1).
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit, runVitJson } from "./run-vit.ts";

interface DiffJson {
  readonly level: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly Record<string, string>[];
  readonly parameters: { readonly from: number; readonly to: number };
  readonly macs: { readonly from: number; readonly to: number };
}

const vit = "specs/vit.vit:ViT";

/** specs/vit.vit with a change, in a folder of its own. */
function changed(change: (text: string) => string, of = "specs/vit.vit"): string {
  const file = `${temporaryFolder()}/changed.vit`;
  const text = readFileSync(of, "utf8");
  const after = change(text);
  expect(after).not.toBe(text);
  writeFileSync(file, after);
  return file;
}

describe("levels", () => {
  test("same: exit code 0", async () => {
    const { code, out } = await runVit("diff", `${vit}@B/16`, `${vit}@B/16`);
    expect([code, out]).toEqual([0, "same: no difference\n"]);
  });

  test("text: comments and layout", async () => {
    const file = changed((text) => `// a word before\n${text}`);
    const found = await runVitJson<DiffJson>("diff", `${vit}@S/16`, `${file}:ViT@S/16`);
    expect(found).toMatchObject({ level: "text", added: [], removed: [], changed: [] });
  });

  test("recipe: the same network, trained in another way", async () => {
    const file = "examples/digits.vit";
    const found = await runVitJson<DiffJson>("diff", file, file, "--set", "length=3 epochs");
    expect(found.level).toBe("recipe");
    expect(found.changed).toEqual([
      { path: "", setting: "length", from: expect.any(String), to: "3 epochs" },
    ]);
  });

  test("compute: the same parameters, another function", async () => {
    const found = await runVitJson<DiffJson>(
      "diff",
      `${vit}@B/16`,
      `${vit}@B/16`,
      "--set",
      "heads=16",
    );
    expect(found.level).toBe("compute");
    expect(found.parameters.from).toBe(found.parameters.to);
    expect(found.changed).toContainEqual({
      path: "layers.*.attn",
      setting: "heads",
      from: "12",
      to: "16",
    });
  });

  test("weights: a table of positions is resized on load", async () => {
    const found = await runVitJson<DiffJson>(
      "diff",
      `${vit}@B/16`,
      `${vit}@B/16`,
      "--set",
      "size=384",
    );
    expect(found.level).toBe("weights");
    expect(found.parameters).toEqual({ from: 86_567_656, to: 86_859_496 });
    expect(found.changed).toContainEqual({
      path: "position",
      setting: "shape",
      from: "[197, 768]",
      to: "[577, 768]",
      adaptation: "resized on load (14 x 14 to 24 x 24)",
    });
  });

  test("breaking: another width", async () => {
    const { code, out } = await runVit("diff", `${vit}@S/16`, `${vit}@B/16`);
    expect(code).toBe(1);
    expect(out).toContain("width 384 -> 768, heads 6 -> 12, hidden 1536 -> 3072");
    expect(out).toContain("22.1M -> 86.6M parameters    4.60G -> 17.6G multiply-adds");
    expect(out).toMatch(/^breaking: /m);
  });
});

/** The table that the language was introduced with: ViT-B/16 with more heads, a scale in each layer, larger images, no head. */
test("the whole table, as a person sees it", async () => {
  const before = "test/cases/good/language/vit.vit";
  const after = changed(
    (text) =>
      text
        .replace(
          "  x |> residual { norm1: LayerNorm |> attn: Attention(heads) |> drop_path(drop) }",
          "  param gamma1 [width] ~ ones\n  x |> residual { norm1: LayerNorm |> attn: Attention(heads) |> scaled(gamma1) |> drop_path(drop) }",
        )
        .concat("\nfunction scaled(x: [.., width], by: [width]) -> [.., width] { x * by }\n"),
    before,
  );
  const settings = ["heads=16", "size=384", "classes=none"].flatMap((each) => ["--set", each]);
  const { code, out } = await runVit(
    "diff",
    `${before}:ViT@B/16`,
    `${after}:ViT@B/16`,
    ...settings,
  );
  expect(code).toBe(1);
  await expect(out).toMatchFileSnapshot("../cases/good/language/diff-of-vit.txt");
});

describe("alignment", () => {
  test("two layers more are one line", async () => {
    const found = await runVitJson<DiffJson>(
      "diff",
      `${vit}@B/16`,
      `${vit}@B/16`,
      "--set",
      "depth=14",
    );
    expect(found.added).toEqual(["layers.12..13"]);
    expect(found.changed).toEqual([{ path: "", setting: "depth", from: "12", to: "14" }]);
    expect(found.level).toBe("weights");
  });

  test("a rename in every layer is one line", async () => {
    const file = changed((text) => text.replace(" attn: Attention", " attention: Attention"));
    const found = await runVitJson<DiffJson>("diff", `${vit}@B/16`, `${file}:ViT@B/16`);
    expect(found).toMatchObject({ level: "weights", added: [], removed: [] });
    expect(found.changed).toEqual([
      {
        path: "layers.*.attn",
        setting: "path",
        from: "layers.*.attn",
        to: "layers.*.attention",
        adaptation: "renamed on load",
      },
    ]);
  });

  test("what is dropped is said with its cost", async () => {
    const { out } = await runVit("diff", `${vit}@B/16`, `${vit}@B/16`, "--set", "classes=none");
    expect(out).toMatch(/^- head +Linear +- 769,000 parameters, dropped from the checkpoint$/m);
    expect(out).toMatch(/^weights: a checkpoint loads with 1 adaptation$/m);
  });
});

describe("trouble is 2", () => {
  test.each([
    ["a wrong spec", ["test/cases/bad/names/misspelt-block.vit", `${vit}@B/16`]],
    ["a missing file", ["nowhere.vit", `${vit}@B/16`]],
    ["a model and a recipe", [`${vit}@B/16`, "examples/digits.vit"]],
    ["one thing alone", [`${vit}@B/16`]],
    ["an unknown revision", [`${vit}@B/16`, "--rev", "no-such-revision"]],
  ])("%s", async (_, words) => {
    expect((await runVit("diff", ...words)).code).toBe(2);
  });
});

test("--rev compares with a git revision", async () => {
  const folder = temporaryFolder();
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...words]);
  const write = (width: number) =>
    writeFileSync(
      `${folder}/m.vit`,
      `model M(x: [batch, width = 4]) -> [batch, ..] {\n  x |> Linear(${width})\n}\n`,
    );
  write(3);
  git("init", "-q");
  git("add", "m.vit");
  git("commit", "-qm", "three");
  write(5);
  const { out, code } = await inFolder(folder, () => runVit("diff", "m.vit", "--rev", "HEAD"));
  expect(code).toBe(1);
  expect(out).toMatch(/^~ linear +out 3 -> 5$/m);
});

/** Vitest runs tests in processes of their own, which may change their folder. */
async function inFolder<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await act();
  } finally {
    process.chdir(before);
  }
}
