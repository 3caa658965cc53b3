// What files hold: `vit list`, for people a table a file, for tools every model with every variant and what it counts.
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { runVit, runVitJson } from "./run-vit.ts";

interface Entry {
  readonly file: string;
  readonly name: string;
  readonly variant: string | null;
  readonly parameters: number;
  readonly macs: number;
}

test("a table a file: what it declares, every variant with its size", async () => {
  const { out } = await runVit("list", "specs/vit.vit", "examples/digits.vit");
  expect(out).toMatch(/^specs\/vit\.vit {2}An Image is Worth 16x16 Words/m);
  expect(out).toMatch(/^ {2}model +ViT +Ti\/16 +5\.72M +1\.25G {2}Patches, positions/m);
  expect(out).toMatch(/^ +B\/16 +86\.6M +17\.6G$/m);
  expect(out).toMatch(/^ {2}block +EncoderLayer /m);
  expect(out).toMatch(/^examples\/digits\.vit {2}.*\n {2}recipe {2}digits/m);
});

test("--json: models whole and their towers, an entry a variant", async () => {
  const found = await runVitJson<Entry[]>("list", "specs/flip.vit");
  expect(found[0]).toEqual({
    file: "specs/flip.vit",
    name: "FlipViT",
    variant: "B/16",
    parameters: expect.any(Number),
    macs: expect.any(Number),
  });
  expect(new Set(found.map(({ name }) => name))).toEqual(new Set(["FlipViT", "FlipText", "FLIP"]));
  const sizeOf = (name: string) =>
    found.find((each) => each.name === name && each.variant!.startsWith("B"))!.parameters;
  expect(sizeOf("FLIP")).toBe(sizeOf("FlipViT") + sizeOf("FlipText") + 1); // the temperature
});

test("the figures are those of `vit summary`", async () => {
  const found = await runVitJson<Entry[]>("list", "specs/pit.vit");
  const { parameters, macs } = await runVitJson<Entry>("summary", "specs/pit.vit:PiT@XS");
  expect(found.find(({ variant }) => variant === "XS")).toMatchObject({ parameters, macs });
});

test("without variants a model is listed once where nothing of it is open, else only named", async () => {
  const folder = temporaryFolder();
  const spec =
    "model Closed(out: int = 3)(x: [batch, width = 4]) -> [batch, width = _] { x |> fc: Linear(out) }\n" +
    "model Open(out: int)(x: [batch, width]) -> [batch, width = _] { x |> fc: Linear(out) }\n";
  writeFileSync(`${folder}/mine.vit`, spec);
  expect(await runVitJson<Entry[]>("list", folder)).toEqual([
    { file: `${folder}/mine.vit`, name: "Closed", variant: null, parameters: 15, macs: 12 },
  ]);
  const { out } = await runVit("list", folder);
  expect(out).toMatch(/^ {2}model {2}Open +not counted: give out, width$/m);
});

test("a variant that is wrong is said, the others are listed", async () => {
  const folder = temporaryFolder();
  const spec =
    "model Net(heads: int)(x: [batch, tokens = 2, width = 8]) -> [batch, tokens, width] { x |> attn: Attention(heads) }\n" +
    'variants Net (heads) { "two" (2) "three" (3) }\n';
  writeFileSync(`${folder}/mine.vit`, spec);
  const { code, out, err } = await runVit("list", `${folder}/mine.vit`, "--json");
  expect(code).toBe(1);
  expect((JSON.parse(out) as Entry[]).map(({ variant }) => variant)).toEqual(["two"]);
  expect(err).toContain("error[requirement]: a width of 8 does not divide into 3 heads");
});

test("the standard library and the data sets", async () => {
  const standard = await runVitJson<{ name: string }[]>("list", "--std");
  expect(standard.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["Linear", "AdamW", "cosine"]),
  );
  const { datasets } = await runVitJson<{ datasets: { name: string }[] }>("list", "--data");
  expect(datasets.map(({ name }) => name)).toContain("mnist");
});
