// Short forms for the samples of ops that only move elements: one f32 input of a shape, some attributes.
import type { Attributes } from "../graph/graph.ts";
import type { Sample } from "./op.ts";

export function real(shape: readonly number[]): Sample["inputs"][number] {
  return { shape, dtype: "f32", range: [-2, 2] };
}

export function sample(shapes: readonly (readonly number[])[], attributes: Attributes): Sample {
  return { inputs: shapes.map(real), attributes };
}
