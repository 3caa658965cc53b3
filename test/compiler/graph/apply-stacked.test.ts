// An optimizer that looks at shapes, applied once to three parameters of one shape, against one application to each.
import { describe, expect, test } from "vitest";
import { applyStacked, isStackable } from "../../../compiler/graph/apply-stacked.ts";
import { Builder } from "../../../compiler/graph/builder.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { bodyFor } from "../../../compiler/graph/optimizer-body.ts";
import type { Apply } from "../../../compiler/graph/optimizer-body.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { sampleValues } from "../ops/sample-values.ts";
import { optimizer } from "./lower-recipe/optimizer-use.ts";

const count = 3;

function stepOf(apply: Apply, shape: readonly number[]) {
  const g = new Builder();
  const [p, gradient] = ["p", "g"].map((name) => g.input(name, { shape, dtype: "f32" }));
  const [t, lr] = ["t", "lr"].map((name) => g.input(name, { shape: [], dtype: "f32" }));
  const at = { p: p!, g: gradient!, t: t!, lr: lr!, slotPath: (slot: string) => slot };
  const applied = apply(g, at)!;
  return g.finish({
    outputs: [{ name: "p", value: applied.next }],
    updates: applied.slots.map(({ state, next }) => ({ path: state.path, value: next })),
  });
}

/** New parameters and slots by name, of the parameters from one on: all arrays are cut of those for all. */
function run(apply: Apply, shape: readonly number[], from: number): Map<string, number[]> {
  const graph = stepOf(apply, shape);
  const isAll = shape.length > 2;
  const values = (of: readonly number[], seed: number, low: number) => {
    const length = (isAll ? of.slice(1) : of).reduce((product, extent) => product * extent, 1);
    const all = sampleValues({ shape: [count * length], dtype: "f32", range: [low, 1] }, seed);
    return Float64Array.from(all).slice(from * length, isAll ? undefined : (from + 1) * length);
  };
  const inputs = new Map([["p", values(shape, 1, -1)], ["g", values(shape, 2, -1)], ["t", Float64Array.of(3)], ["lr", Float64Array.of(0.1)]]); // prettier-ignore
  const slots = new Map(graph.states.map((state, k) => [state.path, values(state.shape, 3 + k, 0)])); // prettier-ignore
  const { outputs, updates } = interpret(graph, inputs, slots);
  return new Map([...outputs, ...updates].map(([name, array]) => [name, [...array]]));
}

describe.each([
  ["Adafactor(decay = 0.1, least = 4)", [4, 6], ["r", "c", "m"]],
  ["Adafactor(decay = 0.1, least = 4)", [7, 5], ["r", "c", "m"]],
  ["Adafactor(decay = 0.1)", [4, 6], ["v", "m"]],
  ["Lamb(decay = 0.1)", [3, 5], ["m", "v"]],
] as const)("%s of [count, %s]", (text, shape, slots) => {
  const use = optimizer(text);
  const stacked: Apply = (g, at) => applyStacked(g, use, at);

  test("gives each parameter what it would get alone", () => {
    const together = run(stacked, [count, ...shape], 0);
    expect([...together.keys()].sort()).toEqual(["p", ...slots].sort());
    for (let k = 0; k < count; k++)
      for (const [name, values] of run(use.apply, shape, k))
        values.forEach((value, i) =>
          expect(together.get(name)![k * values.length + i], `${name} ${k} ${i}`).toBeCloseTo(
            value,
            12,
          ),
        );
  });

  test("takes as many kernels as one parameter does", () => {
    const kernels = (graph: ReturnType<typeof stepOf>) =>
      fuse(simplify(graph, { isDifferentiated: true })).kernels.length;
    const alone = kernels(stepOf(use.apply, shape));
    expect(kernels(stepOf(stacked, [count, ...shape]))).toBeLessThanOrEqual(alone);
  });
});

test("a body that turns its parameter round cannot be stacked", () => {
  const turned: Apply = (g, { p }) => ({ next: g.flip(p, [0]), slots: [] });
  expect(isStackable(bodyFor(turned, [4, 6])!)).toBe(false);
  expect(isStackable(bodyFor(optimizer("Adafactor(least = 4)").apply, [4, 6])!)).toBe(true);
});
