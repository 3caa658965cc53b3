// The hard specs: every published number that they state is counted to the last digit.
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { checkFile } from "../../../compiler/graph/check-file.ts";
import { lowerModel } from "../../../compiler/graph/lower-model.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { loadLibrary } from "../../../compiler/model/load-library.ts";
import { renderDiagnostics } from "../../../grammar/diagnostic.ts";

const root = new URL("../../../", import.meta.url);
const textOf = (name: string) => readFileSync(new URL(name, root), "utf8");
const drafts = readdirSync(new URL("test/cases/good/drafts", root)).filter((name) =>
  name.endsWith(".vit"),
);
const shipped = new Map(
  ["specs/std/", "specs/"].flatMap((folder) =>
    readdirSync(new URL(folder, root))
      .filter((name) => name.endsWith(".vit"))
      .map((name) => [folder + name, textOf(folder + name)] as const),
  ),
);

/** The drafts call each other without the numbers of their files. */
const read = (name: string) => {
  const file = name.startsWith("specs/")
    ? undefined
    : drafts.find((draft) => draft === name || draft.endsWith(`-${name}`));
  return file === undefined ? undefined : textOf(`test/cases/good/drafts/${file}`);
};

const problemsIn = (name: string) => {
  const { library, diagnostics } = loadLibrary({ read, shipped }, name);
  return renderDiagnostics([...diagnostics, ...checkFile(library, name)], library.sources);
};

// The machine that runs this may be shared.
vi.setConfig({ testTimeout: 60_000 });

describe("each model, variant and expectation checks", () => {
  test.each([
    "specs/vit.vit", "01-swin.vit", "02-maskfeat.vit", "03-xcit.vit", "04-vatt.vit", "05-flexivit.vit",
    "06-clip-rn50.vit", "07-regnet.vit", "08a-deit.vit", "08c-cosub.vit", "08d-pretext.vit", "10-resnet.vit",
  ])("%s", (name) => {
    expect(problemsIn(name)).toBe("");
  }); // prettier-ignore
});

const language = readdirSync(new URL("test/cases/good/language", root)).filter((name) =>
  name.endsWith(".vit"),
);

test.each(language)("the language's own example: %s", (name) => {
  const path = `test/cases/good/language/${name}`;
  const own = (wanted: string) => (wanted === path ? textOf(path) : undefined);
  const { library, diagnostics } = loadLibrary({ read: own, shipped }, path);
  expect(renderDiagnostics([...diagnostics, ...checkFile(library, path)], library.sources)).toBe(
    "",
  );
});

test("a count that is off is shown with the count that is right", () => {
  const text = textOf("specs/vit.vit")
    .replace("86_567_656", "86_567_655")
    .replace("17.6G", "17.7G");
  const { library } = loadLibrary(
    { read: (name) => (name === "vit.vit" ? text : undefined), shipped },
    "vit.vit",
  );
  const found = checkFile(library, "vit.vit");
  expect(found.map(({ message }) => message)).toEqual([
    "expected 86_567_655 parameters, but there are 86_567_656",
    "expected 17.7G macs, but there are 17.6G",
  ]);
});

test("a ViT-H/14 of 632 million parameters is counted without allocating them", () => {
  const { library } = loadLibrary({ read, shipped }, "specs/vit.vit");
  const before = process.memoryUsage().arrayBuffers;
  const { model } = lowerModel(library, { file: "specs/vit.vit", model: "ViT", variant: "H/14" });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  verify(model!.graph);
  expect(model!.modules[0]).toMatchObject({ path: "", block: "ViT", parameters: 632_045_800 });
  expect(model!.modules.find(({ path }) => path === "layers.31.mlp.fc1")).toMatchObject({
    block: "Linear",
    parameters: 1280 * 5120 + 5120,
    macs: 257 * 1280 * 5120,
    output: "[batch, tokens = 257, width = 5120]",
  });
});
