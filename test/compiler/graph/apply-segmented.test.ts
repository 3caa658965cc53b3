// An optimizer with norms, applied once to three parameters end to end, against one application to each.
import { describe, expect, test } from "vitest";
import { applySegmented, segmentsOf } from "../../../compiler/graph/apply-segmented.ts";
import { Builder } from "../../../compiler/graph/builder.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import type { OptimizerUse } from "../../../compiler/graph/lowered.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { optimizer } from "./lower-recipe/optimizer-use.ts";
import { sampleValues } from "../ops/sample-values.ts";

const lengths = [16, 48, 8];
const total = lengths.reduce((sum, each) => sum + each);
const segments = segmentsOf(lengths)!;

type Apply = (
  g: Builder,
  at: Parameters<OptimizerUse["apply"]>[1],
) => ReturnType<OptimizerUse["apply"]>;

function stepOf(apply: Apply, length: number) {
  const g = new Builder();
  const [p, gradient] = ["p", "g"].map((name) => g.input(name, { shape: [length], dtype: "f32" }));
  const [t, lr] = ["t", "lr"].map((name) => g.input(name, { shape: [], dtype: "f32" }));
  const applied = apply(g, { p: p!, g: gradient!, t: t!, lr: lr!, slotPath: (slot) => slot });
  return g.finish({
    outputs: [{ name: "p", value: applied.next }],
    updates: applied.slots.map(({ state, next }) => ({ path: state.path, value: next })),
  });
}

/** New parameters and slots, by name; the second parameter is all zeros, so it has no norm to go by. */
function run(apply: Apply, from: number, length: number): Map<string, number[]> {
  const graph = stepOf(apply, length);
  const all = (seed: number, low: number) =>
    sampleValues({ shape: [total], dtype: "f32", range: [low, 1] }, seed);
  const p = all(1, -1).map((value, i) => (i >= 16 && i < 64 ? 0 : value));
  const cut = (values: ArrayLike<number>) => Float64Array.from(values).slice(from, from + length);
  const inputs = new Map([["p", cut(p)], ["g", cut(all(2, -1))], ["t", Float64Array.of(3)], ["lr", Float64Array.of(0.1)]]); // prettier-ignore
  const slots = new Map(graph.states.map(({ path }, k) => [path, cut(all(3 + k, 0))]));
  const { outputs, updates } = interpret(graph, inputs, slots);
  return new Map([...outputs, ...updates].map(([name, values]) => [name, [...values]]));
}

describe.each(["Lars(decay = 0.1)", "Lamb(decay = 0.1)"])("%s", (text) => {
  const use = optimizer(text);
  const segmented: Apply = (g, at) => applySegmented(g, use, at, segments);

  test("gives each parameter its own norms", () => {
    const together = run(segmented, 0, total);
    let from = 0;
    for (const length of lengths) {
      for (const [name, values] of run(use.apply, from, length))
        values.forEach((value, i) =>
          expect(together.get(name)![from + i], `${name} ${from + i}`).toBeCloseTo(value, 12),
        );
      from += length;
    }
  });

  test("takes at most five kernels, however many parameters there are", () => {
    const { kernels } = fuse(simplify(stepOf(segmented, total), { isDifferentiated: true }));
    expect(kernels.length).toBeLessThanOrEqual(5);
  });
});

test("lengths without a common chunk go parameter by parameter", () => {
  expect(segmentsOf([16, 48, 9])).toBeUndefined();
  expect(segmentsOf([7])).toEqual({ chunk: 7, counts: [1] });
});
