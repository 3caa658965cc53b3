// `draw`: every application draws anew, a name and a step always draw the same.
import { describe, expect, test } from "vitest";
import { interpreted, lowered } from "./lower-text.ts";

const ones = (count: number) => Array.from({ length: count }, () => 1);

function drawn(text: string, count: number, step = 1): number[] {
  const { graph } = lowered(text, "M", { training: true, batch: count });
  return [...interpreted(graph, { x: ones(count), step: [step] }).outputs.get("output")!];
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[]) =>
  mean(values.map((value) => (value - mean(values)) ** 2));
const model = (distribution: string) =>
  `function noise(x: [batch]) -> [batch] { draw n [batch] ~ ${distribution}  x * 0 + n }
   model M(x: [batch]) -> [batch] { x |> noise }`;

describe("distributions have their mean and variance", () => {
  test.each([
    ["uniform(2 to 4)", 3, 1 / 3],
    ["normal(std = 2, mean = 1)", 1, 4],
    ["truncated(std = 1)", 0, 0.774],
    ["bernoulli(30%)", 0.3, 0.21],
    ["beta(2, 3)", 0.4, 0.04],
    ["beta(0.2, 0.2)", 0.5, 0.1786],
  ])("%s", (distribution, wantedMean, wantedVariance) => {
    const values = drawn(model(distribution), 4000);
    // Within four standard errors.
    expect(Math.abs(mean(values) - wantedMean)).toBeLessThan(4 * Math.sqrt(wantedVariance / 4000));
    expect(Math.abs(variance(values) / wantedVariance - 1)).toBeLessThan(0.12);
  });
});

test("a truncated normal stays within two standard deviations", () => {
  expect(Math.max(...drawn(model("truncated(std = 0.5)"), 2000).map(Math.abs))).toBeLessThanOrEqual(
    1,
  );
});

test("a permutation holds every place once", () => {
  const values = drawn(model("permutation"), 50);
  expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(values).not.toEqual(values.toSorted((a, b) => a - b));
});

describe("drop_path", () => {
  const text =
    "model M(x: [batch]) -> [batch] { (x |> drop_path(0.5)) + 10 * (x |> drop_path(0.5)) }";

  test("draws anew at each application", () => {
    const values = drawn(text, 400);
    expect(new Set(values)).toEqual(new Set([0, 2, 20, 22]));
  });

  test("draws the same at the same step, and otherwise at another", () => {
    expect(drawn(text, 100)).toEqual(drawn(text, 100));
    expect(drawn(text, 100)).not.toEqual(drawn(text, 100, 2));
  });

  test("does nothing in evaluation", () => {
    const { graph } = lowered(text, "M", { batch: 3 });
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  });
});

test("dropout scales up what it keeps", () => {
  const text = "model M(x: [batch]) -> [batch] { x |> dropout(0.75) }";
  const values = drawn(text, 2000);
  expect(new Set(values)).toEqual(new Set([0, 4]));
  expect(mean(values)).toBeCloseTo(1, 0);
});
