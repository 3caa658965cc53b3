// Runs two graphs of the same leaves on the same fixed values and expects equal results.
import { expect } from "vitest";
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { fixedArrays, fixedInputs } from "./fixed-values.ts";

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
