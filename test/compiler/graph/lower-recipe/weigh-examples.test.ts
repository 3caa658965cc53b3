// In the last batch of an evaluation only some examples are real; their mean must come out as if they were alone.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../../compiler/graph/builder.ts";
import type { Node, TensorGraph } from "../../../../compiler/graph/graph.ts";
import { interpret } from "../../../../compiler/graph/interpret.ts";
import { weighExamples } from "../../../../compiler/graph/lower-recipe/weigh-examples.ts";

const batch = 4;
const width = 3;
const values = Float64Array.from({ length: batch * width }, (_, i) => (i * i) % 7);

function evaluation(make: (g: Builder, x: Node) => Node): TensorGraph {
  const g = new Builder();
  return g.finish({
    outputs: [
      { name: "figure", value: make(g, g.input("x", { shape: [batch, width], dtype: "f32" })) },
    ],
  });
}

/** The figure of the first `real` examples, the rest of the batch being filler. */
function figure(graph: TensorGraph, real: number): number {
  const weighed = weighExamples(graph, new Set(["x"]), batch);
  if (weighed.kind === "mixed") throw new Error(`mixed at ${weighed.at.op}`);
  const weights = Float64Array.from({ length: batch }, (_, i) => (i < real ? 1 : 0));
  const x = values.map((value, i) => (i < real * width ? value : 1e6));
  return interpret(weighed.graph, new Map([["x", x], ["weights", weights]])).outputs.get("figure")![0]!; // prettier-ignore
}

function meanOf(real: number, of: (row: readonly number[]) => number): number {
  const rows = Array.from({ length: real }, (_, i) =>
    Array.from(values.subarray(i * width, (i + 1) * width)),
  );
  return rows.reduce((sum, row) => sum + of(row), 0) / real;
}

const sumOfRow = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0);

describe("a filled-up batch", () => {
  test.each([1, 2, 3, 4])("counts its %i real examples and no other", (real) => {
    const graph = evaluation((g, x) => g.mean(g.sum(x, [1])));
    expect(figure(graph, real)).toBeCloseTo(meanOf(real, sumOfRow), 10);
  });

  test("through a mean over several axes at once", () => {
    const graph = evaluation((g, x) => g.mean(g.multiply(x, x)));
    expect(figure(graph, 3)).toBeCloseTo(
      meanOf(3, (row) => sumOfRow(row.map((v) => v * v)) / width),
      10,
    );
  });

  test("where the batch lies inside of another axis", () => {
    const graph = evaluation((g, x) => g.mean(g.reshape(g.permute(x, [1, 0]), [width * batch])));
    expect(figure(graph, 2)).toBeCloseTo(
      meanOf(2, (row) => sumOfRow(row) / width),
      10,
    );
  });

  test("as the difference of two means", () => {
    const graph = evaluation((g, x) =>
      g.subtract(g.mean(x), g.multiply(g.mean(g.exp(g.multiply(x, -1))), 2)),
    );
    const each = (row: readonly number[]): number =>
      sumOfRow(row.map((v) => v - 2 * Math.exp(-v))) / width;
    expect(figure(graph, 3)).toBeCloseTo(meanOf(3, each), 10);
  });

  test.each([
    ["a maximum over the batch", (g: Builder, x: Node) => g.sum(g.max(x, [0]))],
    ["the square of a mean", (g: Builder, x: Node) => g.multiply(g.mean(x), g.mean(x))],
    [
      "each example against each other",
      (g: Builder, x: Node) => g.mean(g.dot(x, x, { contract: [[1], [1]] })),
    ],
    [
      "a difference from the mean of the batch",
      (g: Builder, x: Node) =>
        g.mean(g.absolute(g.subtract(x, g.spread(g.mean(x, [0]), x.shape, [0])))),
    ],
    ["a part of the batch", (g: Builder, x: Node) => g.mean(g.sliceAxis(x, 0, 0, 2))],
  ])("cannot be put right for %s", (_, make) => {
    expect(weighExamples(evaluation(make), new Set(["x"]), batch).kind).toBe("mixed");
  });
});
