// The WebAssembly instructions that we use: name -> bytes and type of the result.
// Names are those of the specification's text format. Memory and lane instructions take their immediates elsewhere.

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** `none` leaves nothing on the stack. */
type Result = ValueType | "none";

const simd = (code: number): readonly number[] => [0xfd, ...unsigned(code)];

/** LEB128 of a non-negative integer. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  pushUnsigned(bytes, value);
  return bytes;
}

/** The same at the end of `bytes`: an instruction is a few such numbers, and there are many of them. */
export function pushUnsigned(bytes: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/** LEB128 of a 32-bit signed integer, at the end of `bytes`. */
export function pushSigned(bytes: number[], value: number): void {
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return;
  }
}

const table = {
  drop: [[0x1a], "none"],
  return: [[0x0f], "none"],
  unreachable: [[0x00], "none"],

  "i32.eqz": [[0x45], "i32"],
  "i32.eq": [[0x46], "i32"],
  "i32.ne": [[0x47], "i32"],
  "i32.lt_s": [[0x48], "i32"],
  "i32.lt_u": [[0x49], "i32"],
  "i32.gt_s": [[0x4a], "i32"],
  "i32.gt_u": [[0x4b], "i32"],
  "i32.le_s": [[0x4c], "i32"],
  "i32.le_u": [[0x4d], "i32"],
  "i32.ge_s": [[0x4e], "i32"],
  "i32.ge_u": [[0x4f], "i32"],
  "i32.add": [[0x6a], "i32"],
  "i32.sub": [[0x6b], "i32"],
  "i32.mul": [[0x6c], "i32"],
  "i32.div_s": [[0x6d], "i32"],
  "i32.div_u": [[0x6e], "i32"],
  "i32.rem_s": [[0x6f], "i32"],
  "i32.rem_u": [[0x70], "i32"],
  "i32.and": [[0x71], "i32"],
  "i32.or": [[0x72], "i32"],
  "i32.xor": [[0x73], "i32"],
  "i32.shl": [[0x74], "i32"],
  "i32.shr_s": [[0x75], "i32"],
  "i32.shr_u": [[0x76], "i32"],
  "i32.wrap_i64": [[0xa7], "i32"],
  "i64.extend_i32_u": [[0xad], "i64"],
  "i64.mul": [[0x7e], "i64"],
  "i64.div_u": [[0x80], "i64"],

  "v128.not": [simd(0x4d), "v128"],
  "v128.and": [simd(0x4e), "v128"],
  "v128.andnot": [simd(0x4f), "v128"],
  "v128.or": [simd(0x50), "v128"],
  "v128.xor": [simd(0x51), "v128"],
  "v128.bitselect": [simd(0x52), "v128"],
  "v128.any_true": [simd(0x53), "i32"],

  "i32x4.splat": [simd(0x11), "v128"],
  "f32x4.splat": [simd(0x13), "v128"],
  "i32x4.eq": [simd(0x37), "v128"],
  "i32x4.ne": [simd(0x38), "v128"],
  "i32x4.lt_s": [simd(0x39), "v128"],
  "i32x4.lt_u": [simd(0x3a), "v128"],
  "i32x4.gt_s": [simd(0x3b), "v128"],
  "i32x4.gt_u": [simd(0x3c), "v128"],
  "i32x4.le_s": [simd(0x3d), "v128"],
  "i32x4.le_u": [simd(0x3e), "v128"],
  "i32x4.ge_s": [simd(0x3f), "v128"],
  "i32x4.ge_u": [simd(0x40), "v128"],
  "f32x4.eq": [simd(0x41), "v128"],
  "f32x4.ne": [simd(0x42), "v128"],
  "f32x4.lt": [simd(0x43), "v128"],
  "f32x4.gt": [simd(0x44), "v128"],
  "f32x4.le": [simd(0x45), "v128"],
  "f32x4.ge": [simd(0x46), "v128"],
  "f64x2.lt": [simd(0x49), "v128"],
  "f64x2.gt": [simd(0x4a), "v128"],

  "f32x4.ceil": [simd(0x67), "v128"],
  "f32x4.floor": [simd(0x68), "v128"],
  "f32x4.trunc": [simd(0x69), "v128"],
  "f32x4.nearest": [simd(0x6a), "v128"],
  "f32x4.abs": [simd(0xe0), "v128"],
  "f32x4.neg": [simd(0xe1), "v128"],
  "f32x4.sqrt": [simd(0xe3), "v128"],
  "f32x4.add": [simd(0xe4), "v128"],
  "f32x4.sub": [simd(0xe5), "v128"],
  "f32x4.mul": [simd(0xe6), "v128"],
  "f32x4.div": [simd(0xe7), "v128"],
  "f32x4.min": [simd(0xe8), "v128"],
  "f32x4.max": [simd(0xe9), "v128"],
  "f32x4.pmin": [simd(0xea), "v128"],
  "f32x4.pmax": [simd(0xeb), "v128"],
  "f32x4.relaxed_madd": [simd(0x105), "v128"],

  "i16x8.narrow_i32x4_u": [simd(0x86), "v128"],
  "i32x4.abs": [simd(0xa0), "v128"],
  "i32x4.neg": [simd(0xa1), "v128"],
  "i32x4.all_true": [simd(0xa3), "i32"],
  "i32x4.shl": [simd(0xab), "v128"],
  "i32x4.shr_s": [simd(0xac), "v128"],
  "i32x4.shr_u": [simd(0xad), "v128"],
  "i32x4.add": [simd(0xae), "v128"],
  "i32x4.sub": [simd(0xb1), "v128"],
  "i32x4.mul": [simd(0xb5), "v128"],
  "i32x4.min_s": [simd(0xb6), "v128"],
  "i32x4.min_u": [simd(0xb7), "v128"],
  "i32x4.max_s": [simd(0xb8), "v128"],
  "i32x4.max_u": [simd(0xb9), "v128"],
  "i32x4.trunc_sat_f32x4_s": [simd(0xf8), "v128"],
  "i32x4.trunc_sat_f32x4_u": [simd(0xf9), "v128"],
  "f32x4.convert_i32x4_s": [simd(0xfa), "v128"],
  "f32x4.convert_i32x4_u": [simd(0xfb), "v128"],
  "i32x4.trunc_sat_f64x2_s_zero": [simd(0xfc), "v128"],
  "i64x2.extend_low_i32x4_s": [simd(0xc7), "v128"],
  "i64x2.shl": [simd(0xcb), "v128"],
  "i64x2.add": [simd(0xce), "v128"],

  "f64x2.promote_low_f32x4": [simd(0x5f), "v128"],
  "f32x4.demote_f64x2_zero": [simd(0x5e), "v128"],
  "f64x2.nearest": [simd(0x94), "v128"],
  "f64x2.add": [simd(0xf0), "v128"],
  "f64x2.sub": [simd(0xf1), "v128"],
  "f64x2.mul": [simd(0xf2), "v128"],
  "f64x2.div": [simd(0xf3), "v128"],
  "f64x2.min": [simd(0xf4), "v128"],
  "f64x2.max": [simd(0xf5), "v128"],
} as const satisfies { readonly [name: string]: readonly [readonly number[], Result] };

/** An instruction whose operands are all on the stack. */
export type Opcode = keyof typeof table;

export const opcodes: { readonly [name in Opcode]: readonly [readonly number[], Result] } = table;

/** Loads and stores: address (and value) on the stack, alignment and offset as immediates. */
export const memoryOpcodes = {
  "i32.load": { bytes: [0x28], align: 2, result: "i32" },
  "i32.load16_u": { bytes: [0x2f], align: 1, result: "i32" },
  "i32.store": { bytes: [0x36], align: 2, result: "none" },
  "v128.load": { bytes: simd(0x00), align: 2, result: "v128" },
  "i32x4.load16x4_u": { bytes: simd(0x04), align: 1, result: "v128" },
  "v128.load32_splat": { bytes: simd(0x09), align: 2, result: "v128" },
  "v128.store": { bytes: simd(0x0b), align: 2, result: "none" },
  "v128.load32_lane": { bytes: simd(0x56), align: 2, result: "v128" },
  "v128.store32_lane": { bytes: simd(0x5a), align: 2, result: "none" },
  "v128.store16_lane": { bytes: simd(0x59), align: 1, result: "none" },
  "v128.store64_lane": { bytes: simd(0x5b), align: 1, result: "none" },
  "memory.atomic.notify": { bytes: [0xfe, 0x00], align: 2, result: "i32" },
  "memory.atomic.wait32": { bytes: [0xfe, 0x01], align: 2, result: "i32" },
  "i32.atomic.load": { bytes: [0xfe, 0x10], align: 2, result: "i32" },
  "i32.atomic.store": { bytes: [0xfe, 0x17], align: 2, result: "none" },
  "i32.atomic.rmw.add": { bytes: [0xfe, 0x1e], align: 2, result: "i32" },
  "i32.atomic.rmw.sub": { bytes: [0xfe, 0x25], align: 2, result: "i32" },
} as const satisfies {
  readonly [name: string]: {
    readonly bytes: readonly number[];
    readonly align: number;
    readonly result: Result;
  };
};

export type MemoryOpcode = keyof typeof memoryOpcodes;

/** Instructions with a lane number as their immediate. */
export const laneOpcodes = {
  "i32x4.extract_lane": [simd(0x1b), "i32"],
  "i32x4.replace_lane": [simd(0x1c), "v128"],
  "f32x4.extract_lane": [simd(0x1f), "f32"],
  "f32x4.replace_lane": [simd(0x20), "v128"],
} as const satisfies { readonly [name: string]: readonly [readonly number[], ValueType] };

export type LaneOpcode = keyof typeof laneOpcodes;

export const valueTypeByte: { readonly [type in ValueType]: number } = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};
