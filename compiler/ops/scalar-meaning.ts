// What each scalar instruction means: a function of numbers, exact for integers (i32 and u32 wrap around),
// float64 for every float type. The one definition that the interpreters and constant folding share,
// and that code generators are tested against.
import type { DType } from "../graph/graph.ts";
import { erf } from "./erf.ts";
import { roundHalfToEven, roundToBf16, roundToF16 } from "./half.ts";
import type { ScalarInstruction } from "./op.ts";

export type ScalarFunction = (a: number, b: number, c: number) => number;

const truth = (claim: boolean): number => (claim ? 1 : 0);

const meanings: { readonly [I in Exclude<ScalarInstruction, "cast">]: ScalarFunction } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  power: (a, b) => a ** b,
  // The divisor's sign, as in PyTorch's `%`.
  modulo: (a, b) => a - b * Math.floor(a / b),
  atan2: (a, b) => Math.atan2(a, b),
  negate: (a) => -a,
  absolute: (a) => Math.abs(a),
  sign: (a) => Math.sign(a),
  floor: (a) => Math.floor(a),
  ceil: (a) => Math.ceil(a),
  round: (a) => roundHalfToEven(a),
  sqrt: (a) => Math.sqrt(a),
  rsqrt: (a) => 1 / Math.sqrt(a),
  reciprocal: (a) => 1 / a,
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  log1p: (a) => Math.log1p(a),
  expm1: (a) => Math.expm1(a),
  sin: (a) => Math.sin(a),
  cos: (a) => Math.cos(a),
  tanh: (a) => Math.tanh(a),
  erf: (a) => erf(a),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  less: (a, b) => truth(a < b),
  less_equal: (a, b) => truth(a <= b),
  greater: (a, b) => truth(a > b),
  greater_equal: (a, b) => truth(a >= b),
  equal: (a, b) => truth(a === b),
  not_equal: (a, b) => truth(a !== b),
  and: (a, b) => truth(a !== 0 && b !== 0),
  or: (a, b) => truth(a !== 0 || b !== 0),
  not: (a) => truth(a === 0),
  select: (a, b, c) => (a !== 0 ? b : c),
  is_finite: (a) => truth(Number.isFinite(a)),
  bit_and: (a, b) => (a & b) >>> 0,
  bit_or: (a, b) => (a | b) >>> 0,
  bit_xor: (a, b) => (a ^ b) >>> 0,
  // Shifts take the lower five bits of the distance, as both targets do.
  shift_left: (a, b) => (a << b) >>> 0,
  shift_right: (a, b) => (a >>> b) >>> 0,
};

/** Instructions whose result on integers may leave the type's range, or is another function there. */
const wrapping: readonly ScalarInstruction[] = ["add", "subtract", "negate", "absolute"];

/** The meaning of an instruction whose result has `dtype` and whose first argument has `from`. */
export function scalarMeaning(
  instruction: ScalarInstruction,
  dtype: DType,
  from: DType = dtype,
): ScalarFunction {
  if (instruction === "cast") return castTo(dtype, from);
  if (dtype !== "i32" && dtype !== "u32") return meanings[instruction];
  const wrap = dtype === "i32" ? (value: number) => value | 0 : (value: number) => value >>> 0;
  if (instruction === "multiply") return (a, b) => wrap(Math.imul(a, b));
  // Towards zero; by zero: zero.
  if (instruction === "divide") return (a, b) => (b === 0 ? 0 : wrap(Math.trunc(a / b)));
  if (instruction === "modulo") return (a, b) => (b === 0 ? 0 : wrap(meanings.modulo(a, b, 0)));
  const meaning = meanings[instruction];
  return wrapping.includes(instruction) ? (a, b, c) => wrap(meaning(a, b, c)) : meaning;
}

/**
 * Float to integer cuts off the fraction and saturates (NaN gives 0); between i32 and u32 the bits stay;
 * anything to bool is "not zero"; to f16 and bf16 it rounds as storing does.
 */
function castTo(dtype: DType, from: DType): ScalarFunction {
  const isFloat = from === "f32" || from === "f16" || from === "bf16";
  switch (dtype) {
    case "f32":
      return (a) => a;
    case "f16":
      return (a) => roundToF16(a);
    case "bf16":
      return (a) => roundToBf16(a);
    case "i32":
      return isFloat ? (a) => saturate(a, -(2 ** 31), 2 ** 31 - 1) : (a) => a | 0;
    case "u32":
      return isFloat ? (a) => saturate(a, 0, 2 ** 32 - 1) : (a) => a >>> 0;
    case "bool":
      return (a) => truth(a !== 0);
  }
}

function saturate(value: number, low: number, high: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.min(Math.max(Math.trunc(value), low), high) + 0;
}
