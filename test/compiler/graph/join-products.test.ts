// Equal products of one value are made as one: counted in a training step, with the same numbers on every target.
import { afterAll, describe, expect, test } from "vitest";
import type { CompiledRecipe } from "../../../compiler/compiled.ts";
import { joiningOfProducts } from "../../../compiler/graph/join-products.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { openRecipeData } from "../../../runtime/data/recipe-data.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { initialize } from "../../../runtime/training/initialize.ts";
import { runTrainingStep } from "../../../runtime/training/training-step.ts";
import { closeDevices, deviceOf, targets } from "../../oracle/devices.ts";
import { compileText } from "../../runtime/training/trained-recipe.ts";

afterAll(closeDevices);

/** Rows of an image as tokens x; lines that make y of them; its mean, ten logits. */
function recipe(...lines: readonly string[]): string {
  return `
model Rows(image: [batch, rows, cols, channels]) -> [batch, classes = 10] {
  let x = image |> [batch, rows, cols, channels] -> [batch, rows as tokens, (cols channels) as features] |> embed: Linear(16)
  ${lines.join("\n  ")}
  y |> mean(tokens) |> head: Linear(10)
}

recipe apart {
  net  model = Rows()
  data train = mnist(split = "train[:64]")
  view image = train.image |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 4
  length     = 2 steps
  optimizer  = AdamW(decay = 0.05)
  lr         = 1e-3
  clip       = 1.0
}`;
}

const attention = [
  "let scores = dot(q, k[tokens as keys], over = features) / 4",
  "let y = dot(softmax(scores, keys), v[tokens as keys], over = keys)",
];

/** q, k and v, each by the `Linear` of its place. */
function attentionBy(...linears: readonly string[]): string {
  const products = linears.map((linear, i) => `let ${"qkv"[i]} = x |> ${"qkv"[i]}: ${linear}`);
  return recipe(...products, ...attention);
}

const biased = attentionBy("Linear(16)", "Linear(16)", "Linear(16)");
const unbiased = attentionBy(...Array<string>(3).fill("Linear(16, bias = false)"));

const without = [joiningOfProducts];
const compiled = (text: string, settings = {}) =>
  compileText(text, { name: "wasm", limits: WASM_LIMITS }, settings);

/** Products of a training step, and how many dispatches it takes. */
function counts({ graphs, program }: CompiledRecipe) {
  const dots = graphs[0]!.graph.nodes.filter(({ op }) => op === "dot");
  const backward = dots.filter(({ origin }) => origin.role?.startsWith("gradient")).length;
  const { steps } = program!.entries.find(({ name }) => name === "train")!;
  return { forward: dots.length - backward, backward, dispatches: steps.length };
}

describe("q, k and v of one value", () => {
  test.each([
    ["with biases", biased],
    ["without biases", unbiased],
  ])("%s are one product, and two in place of six backward", (_, text) => {
    const [one, three] = [counts(compiled(text)), counts(compiled(text, { without }))];
    expect(three.forward - one.forward).toBe(2);
    expect(three.backward - one.backward).toBe(4);
    expect(one.dispatches).toBeLessThan(three.dispatches - 4);
  });

  test("lie one behind the other in memory, weights and biases, by their own names", () => {
    const { parts } = compiled(biased).layout;
    for (const kind of ["weight", "bias"]) {
      const places = ["q", "k", "v"].map((name) =>
        parts.find(({ path }) => path === `model.${name}.${kind}`)!,
      );
      const [first] = places;
      const size = kind === "weight" ? 256 : 16;
      expect(places.map(({ offset }) => offset - first!.offset)).toEqual([0, size, 2 * size]);
    }
  });

  test("are copied nowhere: the step has no concat but that of the flat gradient", () => {
    const concats = compiled(unbiased).graphs[0]!.graph.nodes.filter(({ op }) => op === "concat");
    const extents = concats.map(({ shape }) => shape);
    expect(extents.filter((shape) => shape.length > 1 && shape.includes(48))).toEqual([]);
  });
});

describe("apart stay", () => {
  test.each([
    [
      "products of other widths",
      recipe(
        "let a = x |> a: Linear(8)",
        "let b = x |> b: Linear(12)",
        "let y = x * mean(a, features) * mean(b, features)",
      ),
    ],
    [
      "products that would lose what is done with each",
      recipe(
        "let a = x |> a: Linear(16) |> gelu",
        "let b = x |> b: Linear(16) |> tanh",
        "let y = a * b",
      ),
    ],
  ])("%s", (_, text) => {
    const [all, none] = [compiled(text), compiled(text, { without })];
    expect(counts(all)).toEqual(counts(none));
  });
});

/** Loss of two steps and then every part by its path. */
async function trained(text: string, target: (typeof targets)[number], rules: readonly string[]) {
  const device = await deviceOf(target);
  const recipe = compileText(text, device, { ...device.settings, without: rules });
  const loaded = await device.load(recipe);
  initialize(loaded, 0, nodeHost.files);
  const { plan } = recipe;
  const data = openRecipeData(plan.datasets, 0, nodeHost);
  const batches = await data.batches({ views: plan.views, batch: plan.batch, seed: 0, mode: "train" }); // prettier-ignore
  const losses: number[] = [];
  for (const step of [0, 1]) losses.push((await runTrainingStep(loaded, plan, batches, step)).loss);
  const parts = new Map<string, ArrayLike<number>>();
  for (const { path, role } of recipe.layout.parts)
    if (role === "parameter") parts.set(path, await loaded.readPart(path));
  await batches.close();
  await data.close();
  loaded.close();
  return { losses, parts };
}

describe.each(targets)("on %s", (target) => {
  test.each([
    ["with biases", biased],
    ["without biases", unbiased],
  ])("two steps give the same numbers %s", async (_, text) => {
    const [one, three] = [await trained(text, target, []), await trained(text, target, without)];
    const digits = target === "interpret" ? 6 : 4;
    one.losses.forEach((loss, i) => expect(loss).toBeCloseTo(three.losses[i]!, digits));
    expect([...one.parts.keys()].sort()).toEqual([...three.parts.keys()].sort());
    for (const [path, values] of one.parts)
      for (const [i, value] of Array.from(three.parts.get(path)!).entries())
        expect(values[i], `${path}[${i}]`).toBeCloseTo(value, digits);
  });
});
