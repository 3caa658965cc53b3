// Two groups whose optimizers differ in settings alone, renewed as one array, against each by itself.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import type { OptimizerUse } from "../../../compiler/graph/lowered.ts";
import { canMerge, mergedOptimizer } from "../../../compiler/graph/merge-groups.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { sampleValues } from "../ops/sample-values.ts";
import { optimizer } from "./lower-recipe/optimizer-use.ts";

const lengths = [[16, 8], [6], [3]];
const sizes = lengths.map((each) => each.reduce((sum, length) => sum + length));
const total = sizes.reduce((sum, size) => sum + size);

function stepOf(use: OptimizerUse, length: number) {
  const g = new Builder();
  const [p, gradient] = ["p", "g"].map((name) => g.input(name, { shape: [length], dtype: "f32" }));
  const [t, lr] = ["t", "lr"].map((name) => g.input(name, { shape: [], dtype: "f32" }));
  const applied = use.apply(g, { p: p!, g: gradient!, t: t!, lr: lr!, slotPath: (slot) => slot });
  return g.finish({
    outputs: [{ name: "p", value: applied.next }],
    updates: applied.slots.map(({ state, next }) => ({ path: state.path, value: next })),
  });
}

function run(use: OptimizerUse, from: number, length: number): Map<string, number[]> {
  const graph = stepOf(use, length);
  const part = (seed: number, low: number) =>
    Float64Array.from(sampleValues({ shape: [total], dtype: "f32", range: [low, 1] }, seed)).slice(
      from,
      from + length,
    );
  const inputs = new Map([["p", part(1, -1)], ["g", part(2, -1)], ["t", Float64Array.of(3)], ["lr", Float64Array.of(0.1)]]); // prettier-ignore
  const slots = new Map(graph.states.map(({ path }, k) => [path, part(3 + k, 0)]));
  const { outputs, updates } = interpret(graph, inputs, slots);
  return new Map([...outputs, ...updates].map(([name, values]) => [name, [...values]]));
}

describe.each([
  [["AdamW(decay = 0.1)", "AdamW(decay = 0)", "AdamW(decay = 0.2, eps = 1e-3)"]],
  [["AdamW(betas = (0.9, 0.95))", "AdamW(betas = (0.8, 0.95))", "AdamW(betas = (0.8, 0.99))"]],
  [["Sgd(momentum = 0.9, decay = 0.1)", "Sgd(momentum = 0.9)", "Sgd(momentum = 0.8)"]],
])("%s", (texts) => {
  const uses = texts.map((text) => optimizer(text));
  const groups = uses.map((use, k) => ({ lengths: lengths[k]!, optimizer: use }));
  const merged = mergedOptimizer(groups);

  test("each element takes its own group's", () => {
    expect(canMerge(groups)).toBe(true);
    const together = run(merged, 0, total);
    let from = 0;
    uses.forEach((use, k) => {
      for (const [name, values] of run(use, from, sizes[k]!))
        expect(together.get(name)!.slice(from, from + sizes[k]!), name).toEqual(values);
      from += sizes[k]!;
    });
  });

  test("is one kernel", () => {
    const { kernels } = fuse(simplify(stepOf(merged, total), { isDifferentiated: true }));
    expect(kernels).toHaveLength(1);
  });
});

test.each([
  ["another optimizer", "AdamW()", "Sgd(momentum = 0.9)"],
  ["slots of another kind", "Sgd(momentum = 0.9)", "Sgd()"],
  ["sums over each parameter, whose lengths have no common chunk,", "Lars()", "Lars()"],
])("groups with %s stay apart", (_why, a, b) => {
  const groups = [a, b].map((text, k) => ({ lengths: lengths[k]!, optimizer: optimizer(text) }));
  expect(canMerge(groups)).toBe(false);
});
