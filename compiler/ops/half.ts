// What a number becomes when it is stored in 16 bits: f16 (5 bits of exponent) or bf16 (8), rounded half to even;
// and these bits themselves, as memory and files hold them.
import type { DType } from "../graph/graph.ts";

/** Types that are only stored: arithmetic on them is done in f32. */
export type HalfType = "f16" | "bf16";

export function isHalf(dtype: DType): dtype is HalfType {
  return dtype === "f16" || dtype === "bf16";
}

/** The type in which values of a type are computed. */
export function computedType(dtype: DType): Exclude<DType, HalfType> {
  return isHalf(dtype) ? "f32" : dtype;
}

export function roundTo(value: number, dtype: HalfType): number {
  return dtype === "f16" ? roundToF16(value) : roundToBf16(value);
}

/** The 16 bits of the nearest value. */
export function toHalfBits(value: number, dtype: HalfType): number {
  const rounded = roundTo(value, dtype);
  if (dtype === "bf16") return bitsOf(rounded) >>> 16;
  const sign = Object.is(rounded, -0) || rounded < 0 ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (Number.isNaN(size)) return 0x7e00;
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  return sign | ((bitsOf(size) >>> 13) - ((127 - 15) << 10));
}

export function fromHalfBits(bits: number, dtype: HalfType): number {
  if (dtype === "bf16") return valueOf((bits & 0xffff) << 16);
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bitsOf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

function valueOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

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
