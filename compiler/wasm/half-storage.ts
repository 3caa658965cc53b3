// f16 and bf16 in memory <-> f32 in registers. WebAssembly has no such types: the bits are moved by integer SIMD.
// A half in a register is an f32x4 whose lanes are halves; its bits are an i32x4 whose lanes' lower 16 bits count.
// Rounding is to nearest, half to even, as `ops/half.ts` says; what is too large becomes infinite, NaN stays NaN.
import type { HalfType } from "../ops/half.ts";
import type { FunctionBuilder, Local } from "./function-builder.ts";

/** Lanes of f32 -> their nearest halves, as f32. */
export function roundToHalf(f: FunctionBuilder, value: Local, dtype: HalfType): Local {
  return widenHalf(f, halfBits(f, value, dtype), dtype);
}

/** Lanes of f32 -> the bits of their nearest halves, upper 16 bits zero. */
export function halfBits(f: FunctionBuilder, value: Local, dtype: HalfType): Local {
  return dtype === "bf16" ? bf16Bits(f, value) : f16Bits(f, value);
}

/** Bits of halves, upper 16 bits zero -> lanes of f32. */
export function widenHalf(f: FunctionBuilder, bits: Local, dtype: HalfType): Local {
  return dtype === "bf16" ? f.emit("i32x4.shl", bits, 16) : widenF16(f, bits);
}

/** Four bits of halves side by side: the lower eight bytes. */
export function joinHalves(f: FunctionBuilder, bits: Local): Local {
  return f.emit("i16x8.narrow_i32x4_u", bits, bits);
}

/** Adds half a unit of the last place that stays, a little less where the place before is even, and cuts. */
function roundedUp(f: FunctionBuilder, bits: Local, dropped: 13 | 16): Local {
  const last = f.emit("v128.and", f.emit("i32x4.shr_u", bits, dropped), f.i32x4(1));
  const half = f.emit("i32x4.add", bits, f.i32x4((1 << (dropped - 1)) - 1));
  return f.emit("i32x4.shr_u", f.emit("i32x4.add", half, last), dropped);
}

function bf16Bits(f: FunctionBuilder, value: Local): Local {
  const isNumber = f.emit("f32x4.eq", value, value);
  return f.emit("v128.bitselect", roundedUp(f, value, 16), f.i32x4(0x7fc0), isNumber);
}

const smallestNormalF16 = 2 ** -14;
const beyondF16 = 2 ** 16;
/** The unit of the last place of an f32 from 0.5 to 1 is the smallest f16. */
const alignsSmallest = 0.5;
const halfBit = 0x3f000000;
/** Between the exponents' zero points, in the place of an f16's exponent. */
const rebias = (127 - 15) << 10;

function f16Bits(f: FunctionBuilder, value: Local): Local {
  const size = f.emit("f32x4.abs", value);
  const sign = f.emit("i32x4.shr_u", f.emit("v128.xor", value, size), 16);
  const normal = f.emit("i32x4.sub", roundedUp(f, size, 13), f.i32x4(rebias));
  const aligned = f.emit("f32x4.add", size, f.f32x4(alignsSmallest));
  const small = f.emit("i32x4.sub", aligned, f.i32x4(halfBit));
  const isSmall = f.emit("f32x4.lt", size, f.f32x4(smallestNormalF16));
  const finite = f.emit("v128.bitselect", small, normal, isSmall);
  const isNumber = f.emit("f32x4.eq", size, size);
  const beyond = f.emit("v128.bitselect", f.i32x4(0x7c00), f.i32x4(0x7e00), isNumber);
  const isFinite = f.emit("f32x4.lt", size, f.f32x4(beyondF16));
  return f.emit("v128.or", f.emit("v128.bitselect", finite, beyond, isFinite), sign);
}

/**
 * The exponent's zero point moves; infinity and NaN keep theirs. Below the smallest normal half the bits count units:
 * as f32 they would be denormal, which some processors take a hundred times as long to multiply.
 */
function widenF16(f: FunctionBuilder, bits: Local): Local {
  const size = f.emit("v128.and", bits, f.i32x4(0x7fff));
  const sign = f.emit("i32x4.shl", f.emit("v128.xor", bits, size), 16);
  const normal = f.emit("i32x4.shl", f.emit("i32x4.add", size, f.i32x4(rebias)), 13);
  const small = f.emit("f32x4.mul", f.emit("f32x4.convert_i32x4_s", size), f.f32x4(2 ** -24));
  const isSmall = f.emit("i32x4.lt_s", size, f.i32x4(0x400));
  const finite = f.emit("v128.bitselect", small, normal, isSmall);
  const isBeyond = f.emit("i32x4.gt_s", size, f.i32x4(0x7bff));
  const beyond = f.emit("v128.and", isBeyond, f.i32x4(0x7f800000));
  return f.emit("v128.or", f.emit("v128.or", finite, beyond), sign);
}
