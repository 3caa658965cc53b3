// random_bits {stream, shape}: u32 bits of a named stream, for the integer scalars `seed` and `step`.
// Uniform and normal numbers, masks and permutations are formulas over it (`Notation.uniform`, `.normal`).
import { shapeOf, text } from "./attributes.ts";
import type { RandomOp } from "./op.ts";
import { OpError } from "./op.ts";
import { elementCount } from "./shape.ts";
import { randomBits as bitsOf, streamHash } from "./threefry.ts";

const scalar = { shape: [], dtype: "u32", integers: [0, 1000] } as const;

export const randomBits: RandomOp = {
  kind: "random",
  name: "random_bits",
  infer(inputs, attributes) {
    text(attributes, "stream");
    const isInteger = inputs.every(
      ({ shape, dtype }) => shape.length === 0 && (dtype === "u32" || dtype === "i32"),
    );
    if (inputs.length !== 2 || !isInteger)
      throw new OpError("`random_bits` needs a seed and a step, both integer scalars");
    return { shape: shapeOf(attributes), dtype: "u32" };
  },
  evaluate([seed, step], { output, attributes }) {
    const stream = streamHash(text(attributes, "stream"));
    const out = new Float64Array(elementCount(output.shape));
    for (let i = 0; i < out.length; i++) out[i] = bitsOf(stream, seed![0]!, step![0]!, i);
    return out;
  },
  samples: [
    { inputs: [scalar, scalar], attributes: { stream: "a", shape: [3, 5] }, differentiable: false },
    { inputs: [scalar, scalar], attributes: { stream: "b", shape: [] }, differentiable: false },
    {
      inputs: [scalar, scalar],
      attributes: { stream: "layers.0.drop", shape: [65] },
      differentiable: false,
    },
  ],
};
