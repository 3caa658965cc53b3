// What a number becomes when it is stored in 16 bits: f16 (5 bits of exponent) or bf16 (8), rounded half to even.

/** The nearest f16 value; infinite beyond 65504. */
export function roundToF16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const rounded = roundHalfToEven(value / 2 ** (exponent - 10)) * 2 ** (exponent - 10);
  return Math.abs(rounded) > 65504 ? Math.sign(value) * Infinity : rounded;
}

/** The nearest bf16 value. */
export function roundToBf16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -126);
  const rounded = roundHalfToEven(value / 2 ** (exponent - 7)) * 2 ** (exponent - 7);
  return Math.abs(rounded) > 3.3895313892515355e38 ? Math.sign(value) * Infinity : rounded;
}

export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const isHalf = value - floor === 0.5;
  const rounded = isHalf ? floor + Math.abs(floor % 2) : Math.round(value);
  // -0.5 becomes -0, as in IEEE 754.
  return rounded === 0 && value < 0 ? -0 : rounded;
}
