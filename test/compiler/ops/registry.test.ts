// The registry tests itself: every op, every sample. Shape rule against meaning, reads of a view against its meaning,
// expansion against meaning, gradient against central differences.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { axisIndices, evaluateIndex } from "../../../compiler/ops/index-arithmetic.ts";
import type { Op, Sample, Values, ViewOp } from "../../../compiler/ops/op.ts";
import { ops } from "../../../compiler/ops/registry.ts";
import { elementCount, rowMajorStrides, showShape } from "../../../compiler/ops/shape.ts";
import { expectGradient } from "../graph/finite-differences.ts";
import { sampleValues } from "./sample-values.ts";

function valuesOf(sample: Sample): Values[] {
  return sample.inputs.map((input, place) => sampleValues(input, place + 1));
}

function evaluate(op: Op, sample: Sample): Values {
  const output = op.infer(sample.inputs, sample.attributes);
  const { inputs, attributes } = sample;
  return op.evaluate(valuesOf(sample), { inputs, output, attributes });
}

function titleOf(sample: Sample): string {
  const shapes = sample.inputs.map((input) => `${input.dtype}${showShape(input.shape)}`).join(" ");
  return `${shapes} ${JSON.stringify(sample.attributes)}`;
}

/** What the view reads at each output element, by its index expressions. */
function readAll(op: ViewOp, sample: Sample): Values {
  const { inputs, attributes } = sample;
  const values = valuesOf(sample);
  const output = op.infer(inputs, attributes);
  const read = op.read(axisIndices(output.shape), inputs, output, attributes);
  const strides = rowMajorStrides(output.shape);
  return new Float64Array(elementCount(output.shape)).map((_, element) => {
    const position = output.shape.map(
      (extent, axis) => Math.floor(element / strides[axis]!) % extent,
    );
    const holding = read.pieces.filter((piece) =>
      piece.conditions.every(({ index, low, high }) => {
        const value = evaluateIndex(index, position);
        expect(value, "what a condition tests is never negative").toBeGreaterThanOrEqual(0);
        return value >= low && value < high;
      }),
    );
    expect(holding.length, "pieces exclude each other").toBeLessThanOrEqual(1);
    const piece = holding[0];
    if (piece === undefined) return read.filler;
    const shape = inputs[piece.input]!.shape;
    const place = piece.indices.map((index) => evaluateIndex(index, position));
    place.forEach((at, axis) => expect(at >= 0 && at < shape[axis]!).toBe(true));
    const from = rowMajorStrides(shape);
    return values[piece.input]![place.reduce((sum, at, axis) => sum + at * from[axis]!, 0)]!;
  });
}

for (const op of ops.filter((each) => each.kind !== "leaf"))
  describe(op.name, () => {
    test("has samples", () => expect(op.samples.length).toBeGreaterThan(0));

    test.each(op.samples.map((sample) => [titleOf(sample), sample] as const))(
      "fills its shape: %s",
      (_, sample) => {
        const output = op.infer(sample.inputs, sample.attributes);
        const values = evaluate(op, sample);
        expect(values.length).toBe(elementCount(output.shape));
        expect(values.every((value) => Number.isFinite(value))).toBe(true);
      },
    );

    if (op.kind === "view")
      test.each(op.samples.map((sample) => [titleOf(sample), sample] as const))(
        "reads what it means: %s",
        (_, sample) => expect(readAll(op, sample)).toEqual(evaluate(op, sample)),
      );

    if (op.kind === "structured")
      test.each(op.samples.map((sample) => [titleOf(sample), sample] as const))(
        "means its expansion: %s",
        (_, sample) => {
          const g = new Builder();
          const inputs = sample.inputs.map((type, place) => g.input(`x${place}`, type));
          const node = g.add(op.name, inputs, sample.attributes);
          const graph = g.finish({ outputs: [{ name: "y", value: op.expand(g, node) }] });
          const handed = valuesOf(sample).map((value, place) => [`x${place}`, value] as const);
          const expanded = interpret(graph, new Map(handed)).outputs.get("y")!;
          evaluate(op, sample).forEach((value, i) => expect(expanded[i]).toBeCloseTo(value, 12));
        },
      );

    const smooth = op.samples.filter((sample) => sample.differentiable !== false);
    if (smooth.length > 0)
      test.each(smooth.map((sample) => [titleOf(sample), sample] as const))(
        "has the gradient of finite differences: %s",
        (_, sample) =>
          expectGradient(sample.inputs, valuesOf(sample), (g, inputs) =>
            g.add(op.name, inputs, sample.attributes),
          ),
      );
  });
