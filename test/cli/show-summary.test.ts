// What a spec is once it is resolved: `show` and `summary`.
import { describe, expect, test } from "vitest";
import { runVit, runVitJson } from "./run-vit.ts";

describe("show", () => {
  test("a model: settings, inputs, every path with where it stands", async () => {
    const { code, out } = await runVit("show", "specs/vit.vit:ViT@B/16", "--set", "size=384");
    expect(code).toBe(0);
    expect(out).toMatch(/^model ViT\("B\/16"\)$/m);
    expect(out).toMatch(/^ {2}size +=? ?384 +--set$/m);
    expect(out).toMatch(/^ {2}width += 768 +"B\/16", specs\/vit\.vit:\d+:3$/m);
    expect(out).toMatch(/^ {2}channels += 3 +default, specs\/vit\.vit:\d+:\d+$/m);
    expect(out).toMatch(/^layers\.11\.mlp\.fc2: Linear .*out = 768.*\.vit:\d+:\d+$/m);
    expect(out).toMatch(/^param position +\[577, 768\] ~ normal\(std = 0.02/m);
  });

  test("a recipe: flat, each clause with its origin, and what follows in numbers", async () => {
    const { out } = await runVit("show", "examples/digits.vit", "--set", "length=2 epochs");
    expect(out).toMatch(/^ {2}length = 2 epochs +\/\/ --set$/m);
    expect(out).toMatch(/^ {2}batch +=.*\/\/ examples\/digits\.vit:\d+:\d+$/m);
    expect(out).toMatch(/\/\/ \d+ steps of \d+/);
  });
});

describe("summary", () => {
  test("ViT-B/16 has 86,567,656 parameters and 17.6 G multiply-adds; equal layers are one row", async () => {
    const { out } = await runVit("summary", "specs/vit.vit:ViT@B/16");
    expect(out).toContain("86,567,656 parameters");
    expect(out).toContain("17.6G multiply-adds for one example");
    expect(out).toMatch(
      /^ {4}0\.\.11 {2}x 12 +EncoderLayer +\[batch, tokens = 197, width = 768\] +85,054,464 +17\.4G$/m,
    );
  });

  test("--json has the keys that tools read", async () => {
    const found = await runVitJson<Record<string, unknown>>("summary", "specs/vit.vit:ViT@S/16");
    expect(found).toMatchObject({ parameters: 22_050_664, trainable: 22_050_664 });
    expect(Object.keys(found)).toEqual([
      "parameters",
      "trainable",
      "macs",
      "inputs",
      "outputs",
      "modules",
    ]);
    expect((found["modules"] as object[])[1]).toEqual({
      path: "patch_embed",
      block: "Conv",
      parameters: 295_296,
      macs: 57_802_752,
      output: "[batch, rows = 14, cols = 14, channels = 384]",
    });
  });

  test("a recipe is summed up by its nets", async () => {
    const found = await runVitJson<{
      parameters: number;
      macs: number;
      modules: { path: string }[];
    }>("summary", "examples/digits.vit");
    expect(found.parameters).toBeGreaterThan(10_000);
    expect(found.macs).toBeGreaterThan(100_000);
    expect(found.modules[0]!.path).toBe("model");
  });

  test("a wrong setting is an error that shows it", async () => {
    const { code, err } = await runVit("summary", "specs/vit.vit:ViT@B/16", "--set", "patch=15");
    expect(code).toBe(1);
    expect(err).toContain("an image of 224 does not divide into patches of 15");
  });

  test("a setting without a value is wrong usage", async () => {
    expect((await runVit("summary", "specs/vit.vit", "--set", "patch")).code).toBe(2);
  });
});
