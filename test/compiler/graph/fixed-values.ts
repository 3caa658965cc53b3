// Fixed pseudo-random values for all leaves of a graph.
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import type { Values } from "../../../compiler/ops/op.ts";
import { sampleValues } from "../ops/sample-values.ts";

export function fixedInputs(graph: TensorGraph): Map<string, Values> {
  return new Map(
    graph.inputs.map((input, place) => {
      const isWhole = input.dtype === "i32" || input.dtype === "u32";
      const integers = isWhole ? ([0, 5] as const) : ([0, 2] as const);
      const range = input.dtype === "f32" ? { range: [-2, 2] as const } : { integers };
      return [input.name, sampleValues({ ...input, ...range }, place + 1)];
    }),
  );
}

export function fixedArrays(graph: TensorGraph, spread = 1): Map<string, Values> {
  return new Map(
    [...graph.parameters, ...graph.states].map((array, place) => [
      array.path,
      sampleValues({ ...array, range: [-spread, spread] }, 100 + place),
    ]),
  );
}
