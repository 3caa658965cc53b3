// Element types in WGSL: type names, literals, and the way from and to the 32 bits in which memory holds them.
// Memory is `array<u32>`: a float read as f32 and reinterpreted may lose bits (denormals), the other way round may not.
// Halves are f32 whose values are halves, in registers and in memory: what is stored is rounded before (`kernel-text.ts`).
import type { DType } from "../graph/graph.ts";
import { isHalf, roundTo } from "../ops/half.ts";

const LARGEST = 3.4028234663852886e38;

export function wgslType(dtype: DType): "f32" | "i32" | "u32" | "bool" {
  switch (dtype) {
    case "f32":
    case "i32":
    case "u32":
    case "bool":
      return dtype;
    case "f16":
    case "bf16":
      return "f32";
  }
}

export function fromBits(bits: string, dtype: DType): string {
  switch (wgslType(dtype)) {
    case "f32":
      return `bitcast<f32>(${bits})`;
    case "i32":
      return `bitcast<i32>(${bits})`;
    case "u32":
      return bits;
    case "bool":
      return `(${bits} != 0u)`;
  }
}

export function toBits(value: string, dtype: DType): string {
  switch (wgslType(dtype)) {
    case "f32":
    case "i32":
      return `bitcast<u32>(${value})`;
    case "u32":
      return value;
    case "bool":
      return `select(0u, 1u, ${value})`;
  }
}

/** A constant. Infinities become the largest finite number: WGSL has no literal for them and may assume none occur. */
export function literal(value: number, dtype: DType): string {
  switch (wgslType(dtype)) {
    case "f32":
      return floatLiteral(isHalf(dtype) ? roundTo(value, dtype) : value);
    case "i32":
      return value === -2147483648 ? "(-2147483647 - 1)" : `i32(${Math.trunc(value)})`;
    case "u32":
      return `${Math.trunc(value) >>> 0}u`;
    case "bool":
      return value === 0 ? "false" : "true";
  }
}

function floatLiteral(value: number): string {
  if (Number.isNaN(value)) throw new Error("a constant of a kernel is not a number");
  const rounded = Math.fround(Math.min(Math.max(value, -LARGEST), LARGEST));
  const text = Object.is(rounded, -0) ? "-0.0" : String(rounded);
  return rounded < 0 || Object.is(rounded, -0) ? `(${text}f)` : `${text}f`;
}

/** The value converted as a cast does: towards zero, not equal to zero for bool. */
export function convert(value: string, from: DType, to: DType): string {
  if (from === to) return value;
  const target = wgslType(to);
  if (target === "bool") return `(${value} != ${literal(0, from)})`;
  return `${target}(${value})`;
}

/** Less than or greater than everything: where a maximum or minimum starts. */
export function extreme(dtype: DType, which: "lowest" | "highest"): string {
  switch (wgslType(dtype)) {
    case "f32":
      return literal(which === "lowest" ? -LARGEST : LARGEST, "f32");
    case "i32":
      return literal(which === "lowest" ? -2147483648 : 2147483647, "i32");
    case "u32":
      return literal(which === "lowest" ? 0 : 4294967295, "u32");
    case "bool":
      return literal(which === "lowest" ? 0 : 1, "bool");
  }
}
