// Every rule of simplification and of fusion is worth its lines: without it, some figure of a guarded recipe gets worse,
// so that guard.test.ts would fail; and the numbers of a training step stay what they are.
import { describe, expect, test } from "vitest";
import { ruleNames } from "../compiler/compile-settings.ts";
import { assignPrecision } from "../compiler/graph/assign-precision.ts";
import { Builder } from "../compiler/graph/builder.ts";
import { elementCount, type TensorGraph } from "../compiler/graph/graph.ts";
import { interpret } from "../compiler/graph/interpret.ts";
import { joiningOfProducts } from "../compiler/graph/join-products.ts";
import { print } from "../compiler/graph/print.ts";
import { simplify } from "../compiler/graph/simplify.ts";
import { fuse } from "../compiler/kernels/fuse.ts";
import { fusionRules } from "../compiler/kernels/fuse/rules.ts";
import { halfRule } from "../compiler/kernels/fuse/rules/storing-rules.ts";
import { interpretKernels } from "../compiler/kernels/interpret.ts";
import { printKernels } from "../compiler/kernels/print.ts";
import type { KernelGraph } from "../compiler/kernels/kernel.ts";
import { verifyKernels } from "../compiler/kernels/verify.ts";
import type { Values } from "../compiler/ops/op.ts";
import type { CompiledSpec } from "../runtime/spec/compile-spec.ts";
import { fixedArrays, fixedInputs } from "./compiler/graph/fixed-values.ts";
import { randomGraph } from "./compiler/graph/random-graph.ts";
import { sampleValues } from "./compiler/ops/sample-values.ts";
import { tinySizes, trainingGraph } from "./compiler/kernels/training-graph.ts";
import {
  compileGuarded,
  figuresOf,
  type GuardedRecipe,
  type GuardFigures,
} from "./guard-figures.ts";

const most: GuardedRecipe = "test/guard.vit:distilled";

/** A guarded recipe whose figures show a rule; `most` does for the others. */
const witnesses: Readonly<Record<string, GuardedRecipe>> = {
  "a permute of a permute is one permute": "test/guard.vit:towers",
  "flipping axes of extent 1 changes nothing": "examples/resnet.vit",
  "a reduction over axes of extent 1 is a reshape": "test/guard.vit:towers",
  "an elementwise op of constants is a constant": "test/guard.vit:towers",
  "x + 0, x - 0, x * 1, x / 1 are x": "test/guard.vit:halves",
  "equal products of one value are one product": "test/guard.vit:apart",
  "a scatter of one value a row is a choice by position": "test/guard.vit:halves",
  "elementwise work joins the loop that it reads": "test/guard.vit:halves",
  "sums over what one kernel reads share its walk": "test/guard.vit:halves",
  "two loops that one value reads become one": "test/guard.vit:halves",
  "sums over columns are made in a walk over rows": "examples/digits.vit",
  "partial sums of equal shape are joined together": "examples/digits.vit",
  "who reads a widened half reads the half": "test/guard.vit:halves",
};

const compilations = new Map<string, CompiledSpec>();

function compiledWithout(recipe: GuardedRecipe, rules: readonly string[]): CompiledSpec {
  const key = `${recipe} ${rules.join()}`;
  const known = compilations.get(key);
  if (known !== undefined) return known;
  const made = compileGuarded(recipe, "wasm", { without: rules });
  compilations.set(key, made);
  return made;
}

/** Which figures of a recipe grow without a rule. */
function worse(recipe: GuardedRecipe, rule: string): string[] {
  const [all, without] = [[], [rule]].map((rules) => figuresOf(compiledWithout(recipe, rules)));
  const names = Object.keys(all!) as (keyof GuardFigures)[];
  return names.filter((name) => without![name] > all![name]);
}

describe("the guard fails without", () => {
  test.each(ruleNames.map((name) => [name]))("%s", (rule) => {
    expect(worse(witnesses[rule] ?? most, rule)).not.toEqual([]);
  });

  test("a rule that there is not, which is told", () => {
    expect(() => compileGuarded(most, "wasm", { without: ["magic"] })).toThrow(/no rule "magic"/);
  });
});

/** A training step of convolutions, attention, a frozen teacher and AdamW. */
const stepWithout = (rules: readonly string[]): TensorGraph =>
  compiledWithout(most, rules).compiled.graphs.find(({ name }) => name === "train")!.graph;
const vitWithout = (rules: readonly string[]) => trainingGraph(tinySizes, "sgd", rules).graph;
/** What neither has: labels, a view of a view, two reductions of one large array, long columns alone and across rows. */
const rest = (() => {
  const g = new Builder();
  const label = g.input("label", { shape: [2], dtype: "i32" });
  const x = g.input("x", { shape: [80, 64], dtype: "f32" });
  const long = g.input("long", { shape: [1100, 8], dtype: "f32" });
  const outputs = {
    longest: g.max(long, [1]),
    long: g.sum(long, [0]),
    scattered: g.scatterAdd(g.input("y", { shape: [2], dtype: "f32" }), label, {
      batch: 1,
      size: 3,
    }),
    turned: g.permute(g.permute(g.reshape(x, [8, 10, 64]), [1, 2, 0]), [1, 0, 2]),
    sum: g.sum(x, [1]),
    most: g.max(x, [1]),
    columns: g.concat(
      ["one", "other"].map((name) => g.sum(g.input(name, { shape: [4096, 8], dtype: "f32" }), [0])),
      0,
    ),
  };
  return g.finish({
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, value })),
  });
})();
const randoms = Array.from({ length: 20 }, (_, seed) => randomGraph(seed, 30));
const step = stepWithout([]);
const vit = vitWithout([]);
const graphs = [vit, simplify(rest), step, ...randoms];

// A graph in which leaving a rule out changes nothing would show nothing: the first that changes is looked at.
describe("the numbers stay without", () => {
  test.each(fusionRules.filter((rule) => rule !== halfRule).map(({ name }) => [name]))(
    "%s",
    (rule) => {
      const changed = graphs.find((graph) => isFusedOtherwise(graph, rule))!;
      expectSameStep(changed, fuse(changed, { without: [rule] }));
    },
  );

  test(halfRule.name, () => {
    // Halves are rounded where they are stored.
    const halves = assignPrecision(vit);
    expect(isFusedOtherwise(halves, halfRule.name)).toBe(true);
    expectSameStep(halves, fuse(halves, { without: [halfRule.name] }), 5e-3);
  });

  test(joiningOfProducts, () => {
    // Arrays lie elsewhere, so they are compared part by part.
    const recipe = "test/guard.vit:apart";
    const [without, all] = [[joiningOfProducts], []].map((rules) => compiledWithout(recipe, rules));
    expectSameValues(partsAfterStep(without!), partsAfterStep(all!));
  });

  const graphRules = ruleNames.filter(
    (rule) => rule !== joiningOfProducts && !fusionRules.some(({ name }) => name === rule),
  );
  test.each(graphRules.map((name) => [name]))("%s", (rule) => {
    const graphsWithout = [
      vitWithout,
      ...[rest, ...randoms].map((graph) => (without: string[]) => simplify(graph, { without })),
      stepWithout,
    ];
    for (const graph of graphsWithout) {
      const [without, all] = [graph([rule]), graph([])];
      if (print(without) !== print(all))
        return expectSameValues(interpreted(without), interpreted(all));
    }
    throw new Error("no graph changes");
  });
});

const fused = new Map<TensorGraph, string>();

function isFusedOtherwise(graph: TensorGraph, rule: string): boolean {
  let all = fused.get(graph);
  if (all === undefined) fused.set(graph, (all = printKernels(fuse(graph))));
  return printKernels(fuse(graph, { without: [rule] })) !== all;
}

interface Leaves {
  readonly inputs: ReadonlyMap<string, Values>;
  readonly arrays: ReadonlyMap<string, Values>;
}

/** Of the second moments and the variances of a graph over residents no value is negative. */
function leavesOf(graph: TensorGraph): Leaves {
  const [inputs, arrays] = [fixedInputs(graph), fixedArrays(graph)];
  for (const { op, attributes, shape, dtype } of graph.nodes) {
    if (op !== "resident") continue;
    const name = String(attributes["name"]);
    const low = /^(v\/|states)/.test(name) ? 0.1 : -1;
    arrays.set(name, sampleValues({ shape, dtype, range: [low, 1] }, arrays.size));
  }
  if (inputs.has("t")) inputs.set("t", Float64Array.of(3));
  return { inputs, arrays };
}

const meanings = new Map<TensorGraph, ReadonlyMap<string, Values>>();

function interpreted(graph: TensorGraph): ReadonlyMap<string, Values> {
  const known = meanings.get(graph);
  if (known !== undefined) return known;
  const { inputs, arrays } = leavesOf(graph);
  const { outputs, updates } = interpret(graph, inputs, arrays);
  const values = new Map([...outputs, ...updates]);
  meanings.set(graph, values);
  return values;
}

/** Metrics, and every part of every array after one step from values that its path says. */
function partsAfterStep({ compiled: { graphs, layout } }: CompiledSpec): Map<string, Values> {
  const { graph } = graphs.find(({ name }) => name === "train")!;
  const { inputs, arrays } = leavesOf(graph);
  const paths = layout.parts.map(({ path }) => path).sort();
  for (const { path, resident, offset, shape, dtype } of layout.parts) {
    const low = path.includes("v/") ? 0.1 : -1;
    const values = sampleValues({ shape, dtype, range: [low, 1] }, paths.indexOf(path));
    arrays.get(resident)?.set(values, offset);
  }
  const { outputs, updates } = interpret(graph, inputs, arrays);
  const parts = layout.parts.flatMap(({ path, resident, offset, shape }) => {
    const whole = updates.get(resident);
    return whole ? [[path, whole.subarray(offset, offset + elementCount(shape))] as const] : [];
  });
  return new Map([...outputs, ...parts]);
}

function expectSameStep(graph: TensorGraph, kernels: KernelGraph, tolerance?: number): void {
  verifyKernels(kernels);
  const { inputs, arrays } = leavesOf(graph);
  const { outputs, residents } = interpretKernels(kernels, inputs, arrays);
  expectSameValues(new Map([...residents, ...outputs]), interpreted(graph), tolerance);
}

/** Each value within `tolerance` of the largest of its array. */
function expectSameValues(
  found: ReadonlyMap<string, Values>,
  expected: ReadonlyMap<string, Values>,
  tolerance = 1e-8,
): void {
  for (const [name, values] of expected) {
    const others = found.get(name)!;
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);
    const wrong = values.findIndex(
      (value, i) =>
        !(Math.abs(value - others[i]!) <= tolerance * scale) && !Object.is(value, others[i]),
    );
    expect(wrong, `${name} is ${others[wrong]}, not ${values[wrong]}`).toBe(-1);
  }
}
