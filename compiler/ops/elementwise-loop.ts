// Applies a scalar instruction to whole arrays in float64. The few instructions that most of a training step
// consists of have loops of their own, which V8 compiles well; the others call their meaning for each element.
import type { DType } from "../graph/graph.ts";
import type { ScalarInstruction, Values } from "./op.ts";
import { scalarMeaning } from "./scalar-meaning.ts";

type Loop = (out: Values, a: Values, b: Values, c: Values) => void;

const floatLoops: { readonly [I in ScalarInstruction]?: Loop } = {
  add(out, a, b) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! + b[i]!;
  },
  subtract(out, a, b) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! - b[i]!;
  },
  multiply(out, a, b) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! * b[i]!;
  },
  divide(out, a, b) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! / b[i]!;
  },
  negate(out, a) {
    for (let i = 0; i < out.length; i++) out[i] = -a[i]!;
  },
  exp(out, a) {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(a[i]!);
  },
  sqrt(out, a) {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(a[i]!);
  },
  select(out, a, b, c) {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! !== 0 ? b[i]! : c[i]!;
  },
};

/** All inputs have one length; `dtype` is the result's element type, `from` the first input's. */
export function applyElementwise(
  instruction: ScalarInstruction,
  inputs: readonly Values[],
  dtype: DType,
  from: DType,
): Values {
  const a = inputs[0]!;
  const b = inputs[1] ?? a;
  const c = inputs[2] ?? a;
  const out = new Float64Array(a.length);
  const loop = dtype === "f32" ? floatLoops[instruction] : undefined;
  if (loop !== undefined) {
    loop(out, a, b, c);
    return out;
  }
  const meaning = scalarMeaning(instruction, dtype, from);
  for (let i = 0; i < out.length; i++) out[i] = meaning(a[i]!, b[i]!, c[i]!);
  return out;
}
