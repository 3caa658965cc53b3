// Runs two graphs of the same leaves on the same fixed values and expects equal results.
import { expect } from "vitest";
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import type { Values } from "../../../compiler/ops/op.ts";
import { sampleValues } from "../ops/sample-values.ts";

export function fixedInputs(graph: TensorGraph): Map<string, Values> {
  return new Map(
    graph.inputs.map((input, place) => {
      const isWhole = input.dtype === "i32" || input.dtype === "u32";
      const range = isWhole ? { integers: [0, 5] as const } : input.dtype === "bool" ? { integers: [0, 2] as const } : { range: [-2, 2] as const }; // prettier-ignore
      return [input.name, sampleValues({ ...input, ...range }, place + 1)];
    }),
  );
}

export function fixedArrays(graph: TensorGraph): Map<string, Values> {
  return new Map(
    [...graph.parameters, ...graph.states].map((array, place) => [
      array.path,
      sampleValues({ ...array, range: [-1, 1] }, 100 + place),
    ]),
  );
}

/** Every output equal to `digits` places behind the point. */
export function expectSameMeaning(changed: TensorGraph, original: TensorGraph, digits = 12): void {
  const [inputs, arrays] = [fixedInputs(original), fixedArrays(original)];
  const before = interpret(original, inputs, arrays);
  const after = interpret(changed, inputs, arrays);
  for (const [name, values] of before.outputs) {
    const other = after.outputs.get(name)!;
    expect(other.length).toBe(values.length);
    values.forEach((value, i) => expect(other[i], `${name}[${i}]`).toBeCloseTo(value, digits));
  }
}
