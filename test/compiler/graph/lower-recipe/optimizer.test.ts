// The optimizers of the standard library, held against the update rules of their papers for a few steps in float64.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../../compiler/graph/builder.ts";
import type { State } from "../../../../compiler/graph/graph.ts";
import { interpret } from "../../../../compiler/graph/interpret.ts";
import type { OptimizerUse } from "../../../../compiler/graph/lowered.ts";
import { optimizer } from "./optimizer-use.ts";

const lr = 0.1;
const shape = [2, 2];
const start = [0.5, -1, 2, 0.25];
/** Gradients of three steps. */
const gradients = [
  [1, -2, 0.5, 0.1],
  [0.2, 0.3, -0.4, 1],
  [-1, 0, 2, 0.5],
];

/** The parameter after three steps. */
function run(use: OptimizerUse): number[] {
  let p = Float64Array.from(start);
  const slots = new Map<string, Float64Array>();
  gradients.forEach((gradient, i) => {
    const g = new Builder();
    const applied = use.apply(g, {
      p: g.input("p", { shape, dtype: "f32" }),
      g: g.input("g", { shape, dtype: "f32" }),
      t: g.input("t", { shape: [], dtype: "f32" }),
      lr: g.input("lr", { shape: [], dtype: "f32" }),
      slotPath: (slot) => slot,
    });
    const graph = g.finish({
      outputs: [{ name: "p", value: applied.next }],
      updates: applied.slots.map((slot) => ({ path: slot.state.path, value: slot.next })),
    });
    for (const { state } of applied.slots)
      if (!slots.has(state.path)) slots.set(state.path, initial(state));
    const inputs = new Map([
      ["p", p],
      ["g", Float64Array.from(gradient)],
      ["t", Float64Array.of(i + 1)],
      ["lr", Float64Array.of(lr)],
    ]);
    const result = interpret(graph, inputs, slots);
    p = Float64Array.from(result.outputs.get("p")!);
    for (const [path, value] of result.updates) slots.set(path, Float64Array.from(value));
  });
  return [...p];
}

function initial(state: State): Float64Array {
  return new Float64Array(state.shape.reduce((product, extent) => product * extent, 1));
}

/** The same by the paper's rule, one element at a time. */
function byHand(
  step: (p: number, g: number, slots: Record<string, number>, t: number) => number,
): number[] {
  return start.map((value, element) => {
    const slots: Record<string, number> = { m: 0, v: 0 };
    return gradients.reduce((p, gradient, i) => step(p, gradient[element]!, slots, i + 1), value);
  });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
}

describe("optimizers of the standard library", () => {
  test("Sgd without momentum has no slot", () => {
    const use = optimizer("Sgd()");
    expectClose(
      run(use),
      byHand((p, g) => p - lr * g),
    );
    const g = new Builder();
    const scalar = (name: string) => g.input(name, { shape: [], dtype: "f32" });
    const at = {
      p: scalar("p"),
      g: scalar("g"),
      t: scalar("t"),
      lr: scalar("lr"),
      slotPath: (slot: string) => slot,
    };
    expect(use.apply(g, at).slots).toEqual([]);
  });

  test.each([false, true])("Sgd with momentum, Nesterov %s", (nesterov) => {
    const use = optimizer(`Sgd(momentum = 0.9, nesterov = ${nesterov}, decay = 0.01)`);
    const rule = byHand((p, g, slots) => {
      const d = g + 0.01 * p;
      slots.m = 0.9 * slots.m! + d;
      return p - lr * (nesterov ? d + 0.9 * slots.m : slots.m);
    });
    expectClose(run(use), rule);
  });

  test("Adam", () => {
    const rule = byHand((p, g, slots, t) => {
      slots.m = 0.9 * slots.m! + 0.1 * g;
      slots.v = 0.99 * slots.v! + 0.01 * g * g;
      return p - (lr * (slots.m / (1 - 0.9 ** t))) / (Math.sqrt(slots.v / (1 - 0.99 ** t)) + 1e-8);
    });
    expectClose(run(optimizer("Adam(betas = (0.9, 0.99))")), rule);
  });

  test("AdamW decays beside the gradient", () => {
    const rule = byHand((p, g, slots, t) => {
      slots.m = 0.9 * slots.m! + 0.1 * g;
      slots.v = 0.999 * slots.v! + 0.001 * g * g;
      const step = slots.m / (1 - 0.9 ** t) / (Math.sqrt(slots.v / (1 - 0.999 ** t)) + 1e-8);
      return p - lr * (step + 0.05 * p);
    });
    expectClose(run(optimizer("AdamW(decay = 0.05)")), rule);
  });

  test("Lars scales by the ratio of the norms", () => {
    const norm = (values: readonly number[]) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    let p = start;
    let m = start.map(() => 0);
    for (const gradient of gradients) {
      const d = gradient.map((g, i) => g + 0.1 * p[i]!);
      const ratio = (0.02 * norm(p)) / norm(d);
      m = m.map((value, i) => 0.9 * value + ratio * d[i]!);
      p = p.map((value, i) => value - lr * m[i]!);
    }
    expectClose(run(optimizer("Lars(momentum = 0.9, trust = 0.02, decay = 0.1)")), p);
  });

  test.each([
    ["Sgd(momentum = 0.9)", "element"],
    ["AdamW(decay = 0.05)", "element"],
    ["Lars()", "sums"],
    ["Lars(adapt = false)", "element"],
    ["Lamb()", "sums"],
    ["Adafactor()", "shape"],
  ])("%s reads of a parameter: %s", (text, reach) => {
    expect(optimizer(text).reach).toBe(reach);
  });

  test("settings are kept in declared order, defaults included", () => {
    expect(optimizer("AdamW(decay = 5%)").settings).toEqual([
      { name: "betas", value: "(0.9, 0.999)" },
      { name: "eps", value: "1e-8" },
      { name: "decay", value: "0.05" },
      { name: "half", value: "false" },
    ]);
  });
});
