// Vitrail as functions.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as vitrail from "../index.ts";
import { temporaryFolder } from "./runtime/temporary-folder.ts";

const recipe = `
block Flat(image: [batch, rows, cols, channels]) -> [batch, features] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels] |> Linear(10)
}

recipe tiny() {
  net  model = Flat()
  data train = mnist(split = "train[:200]")
  data test  = mnist(split = "test[:40]")
  view image = train.image |> scale(0..1)
  view clean = test.image |> scale(0..1)
  loss      = cross_entropy(model(image), train.label)
  batch     = 40
  length    = 10 steps
  optimizer = Adam()
  lr        = constant(0.01)
  evaluate top1 = top1(model(clean), test.label) every 1 epochs
}
`;

test("check gives diagnostics, open throws them", () => {
  const file = "test/cases/bad/names/misspelt-block.vit";
  expect(vitrail.check("specs/vit.vit")).toEqual([]);
  expect(vitrail.check(file).map(({ code }) => code)).toEqual(["unknown-name"]);
  expect(() => vitrail.open(`${file}`)).toThrow(vitrail.SpecError);
});

test("format gives canonical text, and refuses what does not parse", () => {
  expect(vitrail.format("let   a=3")).toBe("let a = 3\n");
  expect(() => vitrail.format("let a = (")).toThrow(vitrail.SpecError);
});

test("the models of a file with their variants", () => {
  const models = vitrail.list("specs/pit.vit");
  expect(models.map(({ variant }) => variant)).toEqual(["Ti", "XS", "S", "B"]);
  const { parameters, macs } = vitrail.summary("specs/pit.vit:PiT@S");
  expect(models[2]).toEqual({ file: "specs/pit.vit", name: "PiT", variant: "S", parameters, macs });
});

test("summary and diff of published models", () => {
  expect(vitrail.summary("specs/vit.vit:ViT@B/16").parameters).toBe(86_567_656);
  const { level, macs } = vitrail.diff("specs/vit.vit:ViT@B/16", "specs/vit.vit:ViT@B/16", {
    settings: { size: "384" },
  });
  expect(level).toBe("weights");
  expect(macs.to).toBeGreaterThan(macs.from);
});

test("compile gives figures before anything runs", async () => {
  const { figures } = await vitrail.compile("specs/vit.vit:ViT@Ti/16", { device: "wasm" });
  expect(figures!.memory.parameters).toBe(4 * 5_717_416);
  expect(figures!.memory.total).toBeGreaterThanOrEqual(figures!.memory.lowerBound);
});

test("profile times every kernel, and equal layers together", { timeout: 60_000 }, async () => {
  const { steps, groups, sumMs } = await vitrail.profile("specs/vit.vit:ViT@Ti/16", {
    settings: { size: "32", depth: "3" },
    device: "wasm",
    batch: 2,
    repeats: 2,
  });
  const fc1 = groups.find(({ path }) => path === "layers.*.mlp.fc1")!;
  const each = steps.filter(({ path }) => /^layers\.\d\.mlp\.fc1$/.test(path));
  expect(fc1.count).toBe(3);
  expect(fc1.flops).toBe(each.reduce((sum, { flops }) => sum + flops, 0));
  expect(groups.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(sumMs, 6);
  expect(groups.map(({ ms }) => ms)).toEqual(groups.map(({ ms }) => ms).sort((a, b) => b - a));
});

test("train, open the run, evaluate it", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "tiny.vit");
  writeFileSync(file, recipe);
  const losses: number[] = [];
  const result = await vitrail.train(file, {
    device: "wasm",
    threads: 1,
    folder: join(folder, "run"),
    onEvent: (event) => {
      if (event.event === "step") losses.push(event.loss);
    },
  });
  expect(result).toMatchObject({ step: 10, why: "finished" });
  expect(losses).toHaveLength(10);
  expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  const again = await vitrail.evaluate(vitrail.openRun(join(folder, "run")), { device: "wasm" });
  expect(again.evaluations).toEqual(result.evaluations);
});

test("a file that is not there is a WorldError with a hint", () => {
  expect(() => vitrail.summary("nowhere.vit")).toThrow(vitrail.WorldError);
});
