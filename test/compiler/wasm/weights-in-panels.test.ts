// Weights that nobody writes lie in the order in which products read them: which do, that every product gives the bits
// that it gave, that the host sees them in their own order, and that it costs no memory.
import { describe, expect, test } from "vitest";
import type { Compiled, ResidentLayout, ResidentPart } from "../../../compiler/compiled.ts";
import type { EntryKernels } from "../../../compiler/program/entry-kernels.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { planProgram } from "../../../compiler/program/plan.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { wasmTarget } from "../../../compiler/wasm/generate.ts";
import { wasmMemoryBytes } from "../../../compiler/wasm/memory-layout.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { loadedCompilation } from "../../../runtime/device/loaded-compilation.ts";
import type {
  DeviceValues,
  LoadedCompilation,
} from "../../../runtime/device/loaded-compilation.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { specFiles } from "../../../runtime/host/node-specs.ts";
import { compileSpec } from "../../../runtime/spec/compile-spec.ts";
import { parseTarget } from "../../../runtime/spec/spec-target.ts";
import { deviceWith } from "./run-kernels.ts";

interface Planned {
  readonly compiled: Compiled;
  readonly layout: ResidentLayout;
  readonly entries: readonly EntryKernels[];
  readonly program: Program;
}

function compiledTarget(target: string, text = ""): Planned {
  const shipped = specFiles();
  const files = { ...shipped, read: (file: string) => (file === "case.vit" ? text : shipped.read(file)) }; // prettier-ignore
  const options = { files, catalog: catalog(nodeHost), settings: {} };
  const { compiled, entries } = compileSpec(parseTarget(target), options, { target: "wasm", limits: WASM_LIMITS, verify: true }); // prettier-ignore
  return { compiled, layout: compiled.layout, entries: entries!, program: compiled.program! };
}

const planned = (text: string) => compiledTarget("case.vit", text);

/** The same, every weight in its own order. */
function natural({ layout, entries }: Planned): Program {
  const parts = layout.parts.map((part): ResidentPart => {
    const { panels, ...own } = part;
    return panels === undefined ? part : own;
  });
  return planProgram(entries, { ...layout, parts }, wasmTarget, WASM_LIMITS);
}

const inPanels = ({ layout }: Planned): string[] =>
  layout.parts.filter(({ panels }) => panels !== undefined).map(({ path }) => path);

/** A model of tokens: 13 rows that no tile divides. */
const tokens = (width: number, ...lines: readonly string[]): string =>
  `model Case(x: [batch, tokens = 13, width = ${width}]) -> [..] {\n  ${lines.join("\n  ")}\n}`;

const cases: readonly {
  readonly what: string;
  readonly text: string;
  readonly panels: readonly string[];
}[] = [
  {
    what: "a linear layer of one block of k",
    text: tokens(20, "x |> fc: Linear(24)"),
    panels: ["fc.weight"],
  },
  {
    what: "a linear layer of several blocks of k, for more rows than are summed at once",
    text: "model Case(x: [batch, tokens = 270, width = 1100]) -> [..] { x |> fc: Linear(16) |> gelu }",
    panels: ["fc.weight"],
  },
  {
    what: "a convolution, with borders",
    text: "model Case(x: [batch, rows = 9, cols = 7, channels = 12]) -> [..] { x |> conv: Conv(16, kernel = 3, padding = 1) }", // prettier-ignore
    panels: ["conv.weight"],
  },
  {
    what: "weights that lie the other way round",
    text: tokens(20, "param weight [out = 16, width] ~ normal(std = 1)", "dot(x, weight, over = width)"), // prettier-ignore
    panels: ["weight"],
  },
  {
    what: "columns of two axes",
    text: tokens(20, "param weight [heads = 3, width, c = 8] ~ normal(std = 1)", "dot(x, weight, over = width)"), // prettier-ignore
    panels: ["weight"],
  },
  {
    what: "three linear layers that are made as one product, each in panels of its own",
    text: tokens(20, ...["q", "k", "v"].map((name) => `let ${name} = x |> ${name}: Linear(16)`), "q * k + v"), // prettier-ignore
    panels: ["q.weight", "k.weight", "v.weight"],
  },
  {
    what: "two products that read the same weights in the same order",
    text: tokens(16, "param weight [out = 16, width] ~ normal(std = 1)", "let y = dot(x, weight, over = width)", "dot(gelu(y)[out as width], weight, over = width)"), // prettier-ignore
    panels: ["weight"],
  },
  {
    what: "not: two products that read them in different orders",
    text: tokens(16, "param weight [out = 16, width] ~ normal(std = 1)", "let y = dot(x, weight, over = width)", "dot(gelu(y), weight, over = out)"), // prettier-ignore
    panels: [],
  },
  {
    what: "not: columns that fill no panel",
    text: tokens(20, "x |> fc: Linear(10)"),
    panels: [],
  },
  {
    what: "not: three layers of one product whose columns share panels",
    text: tokens(20, ...["q", "k", "v"].map((name) => `let ${name} = x |> ${name}: Linear(12)`), "q * k + v"), // prettier-ignore
    panels: [],
  },
  {
    what: "not: weights that are computed with before",
    text: tokens(16, "param weight [width, out = 16] ~ normal(std = 1)", "dot(x, weight * weight, over = width)"), // prettier-ignore
    panels: [],
  },
  {
    what: "not: a convolution channel by channel, which is no product",
    text: "model Case(x: [batch, rows = 9, cols = 7, channels = 16]) -> [..] { x |> conv: Conv(16, kernel = 3, padding = 1, groups = 16) }", // prettier-ignore
    panels: [],
  },
];

/** Numbers that differ from each other, the same for equal names. */
function numbers(name: string, length: number): Float32Array {
  const phase = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return Float32Array.from({ length }, (_, i) => Math.sin(phase + 0.7 * i + 1e-3 * i * i));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** Outputs of a model's forward pass, and its weights read back. */
async function run(program: Program, threads: number): Promise<Map<string, TypedArray>> {
  const device = await deviceWith({ threads });
  const codes = program.codes.map((code) => (code.target === "wasm" ? { ...code, parallel: true } : code)); // prettier-ignore
  const loaded = await device.load({ ...program, codes });
  for (const { name, shape } of program.residents)
    loaded.writeResident(name, numbers(name, sizeOf(shape)));
  const [{ inputs, outputs }] = program.entries as [Program["entries"][number]];
  loaded.run("forward", new Map(inputs.map(({ name, shape }) => [name, numbers(name, sizeOf(shape))]))); // prettier-ignore
  const found = new Map<string, TypedArray>();
  for (const { name } of outputs) found.set(name, await loaded.readOutput("forward", name));
  for (const { name } of program.residents) found.set(name, await loaded.readResident(name));
  loaded.close();
  return found;
}

describe("a model's weights lie in panels", () => {
  test.each(cases)("$what", async ({ text, panels }) => {
    const model = planned(text);
    expect(inPanels(model)).toEqual(panels);
    const own = natural(model);
    for (const threads of [1, 2]) {
      const [expected, found] = [await run(own, threads), await run(model.program, threads)];
      expect(found).toEqual(expected);
      for (const { name, shape } of own.residents)
        expect(found.get(name)).toEqual(numbers(name, sizeOf(shape)));
      expect(found.get("output")!.some((value) => value !== 0)).toBe(true);
    }
  });

  test("in their own places: threads need no scratch to pack them, and all else takes what it took", () => {
    const model = compiledTarget("specs/vit.vit:ViT@Ti/16");
    const own = natural(model);
    const { program } = model;
    expect(program.arenas).toEqual(own.arenas);
    expect(program.threadScratchBytes!).toBeLessThan(own.threadScratchBytes! / 2);
    expect(wasmMemoryBytes(program, 2)).toBeLessThan(wasmMemoryBytes(own, 2));
  });
});

/** A teacher that is not trained beside a model that is; digits of the evaluation go through both. */
const distilled = `
recipe case {
  net  model   = { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> fc1: Linear(16) |> gelu |> fc2: Linear(16) }
  net  teacher = { [batch, rows, cols, channels] -> [batch, (rows cols channels) as features] |> fc1: Linear(24) |> gelu |> fc2: Linear(16) }
  freeze teacher
  data train = mnist(split = "train[:64]")
  data test  = mnist(split = "test[:64]")
  view image = train.image |> scale(0..1)
  view clean = test.image |> scale(0..1)

  loss      = kl(teacher(image), model(image))
  batch     = 16
  length    = 4 steps
  optimizer = AdamW(decay = 0.05)
  lr        = 1e-2

  evaluate agreement = mean((teacher(clean) - model(clean)) ^ 2) every 1 epochs
}`;

async function loadedOn({ compiled }: Planned, program: Program): Promise<LoadedCompilation> {
  const device = await deviceWith({ threads: 1 });
  const loaded = loadedCompilation(compiled, await device.load(program));
  for (const { path, shape } of compiled.layout.parts)
    loaded.writePart(path, numbers(path, sizeOf(shape)).map((value) => 0.1 * value)); // prettier-ignore
  return loaded;
}

/** Images, and 1 for each number that a step is given. */
function inputsOf(loaded: LoadedCompilation, entry: string): Map<string, TypedArray> {
  return new Map(
    loaded.inputs(entry).map(({ name, shape, dtype }) => {
      const values = shape.length > 0 ? numbers(name, sizeOf(shape)) : [1];
      return [name, dtype === "f32" ? Float32Array.from(values) : Uint32Array.from(values)];
    }),
  );
}

async function evaluation(loaded: LoadedCompilation): Promise<DeviceValues> {
  const entry = "evaluate.agreement";
  loaded.run(entry, inputsOf(loaded, entry));
  return loaded.readOutput(entry, "agreement");
}

/** What the evaluation says before and after a step of training, and every part after it. */
async function evaluatedAndTrained(recipe: Planned, program: Program) {
  const loaded = await loadedOn(recipe, program);
  const before = await evaluation(loaded);
  loaded.run("train", inputsOf(loaded, "train"));
  const after = await evaluation(loaded);
  const parts = new Map<string, DeviceValues>();
  for (const { path } of recipe.layout.parts) parts.set(path, await loaded.readPart(path));
  loaded.close();
  return { before, after, parts };
}

describe("in a recipe", () => {
  const recipe = planned(distilled);

  test("those of a frozen network do, and none that a step writes", () => {
    expect(inPanels(recipe)).toEqual(["teacher.fc1.weight", "teacher.fc2.weight"]);
  });

  test("a step and the evaluations before and after it have the bits that they had", async () => {
    const [expected, found] = await Promise.all(
      [natural(recipe), recipe.program].map((program) => evaluatedAndTrained(recipe, program)),
    );
    expect(found!.before).not.toEqual(found!.after);
    expect(found).toEqual(expected);
  });

  test("an evaluation after a step is that of a program which begins with its weights", async () => {
    const { after, parts } = await evaluatedAndTrained(recipe, recipe.program);
    const loaded = await loadedOn(recipe, recipe.program);
    for (const [path, values] of parts) loaded.writePart(path, values);
    expect(await evaluation(loaded)).toEqual(after);
    loaded.close();
  });
});
