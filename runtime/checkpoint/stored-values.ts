// The bytes of a stored tensor <-> numbers: half precisions are widened, 64-bit integers must fit a double.
// Written for a little-endian machine, as the format is; there is no other that we run on.
import { toHalfBits } from "../../compiler/ops/half.ts";
import type { HalfType } from "../../compiler/ops/half.ts";
import { dtypeBytes } from "./safetensors.ts";
import type { StoredDtype, StoredTensor } from "./safetensors.ts";

/** Floats as they are, bit for bit. */
export function storeFloat32(values: Float32Array, shape: readonly number[]): StoredTensor {
  return { dtype: "F32", shape, bytes: bytesOf(values) };
}

/** Floats that are halves, in 16 bits. */
export function storeHalves(
  values: Float32Array,
  dtype: HalfType,
  shape: readonly number[],
): StoredTensor {
  const bits = Uint16Array.from(values, (value) => toHalfBits(value, dtype));
  return { dtype: dtype === "f16" ? "F16" : "BF16", shape, bytes: bytesOf(bits) };
}

export function storeInt32(values: Int32Array, shape: readonly number[]): StoredTensor {
  return { dtype: "I32", shape, bytes: bytesOf(values) };
}

export function storeUint32(values: Uint32Array, shape: readonly number[]): StoredTensor {
  return { dtype: "U32", shape, bytes: bytesOf(values) };
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Values as 32-bit floats; F64 and integers are rounded to the nearest. */
export function asFloat32({ dtype, bytes }: StoredTensor): Float32Array {
  return dtype === "F32"
    ? new Float32Array(aligned(bytes, 4))
    : Float32Array.from(asNumbers({ dtype, bytes }));
}

export function asInt32({ dtype, bytes }: StoredTensor): Int32Array {
  return dtype === "I32"
    ? new Int32Array(aligned(bytes, 4))
    : Int32Array.from(asNumbers({ dtype, bytes }));
}

/** Values as doubles, exactly; 64-bit integers beyond 2^53 are refused. */
export function asNumbers({
  dtype,
  bytes,
}: Pick<StoredTensor, "dtype" | "bytes">): ArrayLike<number> {
  const read = readers[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = dtypeBytes[dtype];
  return Float64Array.from({ length: bytes.byteLength / width }, (_, i) => read(view, i * width));
}

const readers: Readonly<Record<StoredDtype, (view: DataView, at: number) => number>> = {
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  U8: (view, at) => view.getUint8(at),
  I8: (view, at) => view.getInt8(at),
  F8_E5M2: (view, at) => halfToNumber(view.getUint8(at) << 8), // the upper byte of a half
  F8_E4M3: (view, at) => smallToNumber(view.getUint8(at)),
  I16: (view, at) => view.getInt16(at, true),
  U16: (view, at) => view.getUint16(at, true),
  F16: (view, at) => halfToNumber(view.getUint16(at, true)),
  BF16: (view, at) => brainToNumber(view.getUint16(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  U32: (view, at) => view.getUint32(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F64: (view, at) => view.getFloat64(at, true),
  I64: (view, at) => safe(view.getBigInt64(at, true)),
  U64: (view, at) => safe(view.getBigUint64(at, true)),
};

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** 8 bits, 4 of exponent, 3 of fraction, no infinity; all ones is NaN (Micikevicius et al., 2022). */
function smallToNumber(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -9
    : sign * (1 + fraction / 8) * 2 ** (exponent - 7);
}

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a 32-bit float. */
function brainToNumber(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}

function safe(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`the 64-bit integer ${value} is too large for a double`);
}

/** A copy, since a typed array must begin on a multiple of its width. */
function aligned(bytes: Uint8Array, width: number): ArrayBuffer {
  const copy = new Uint8Array(Math.ceil(bytes.byteLength / width) * width);
  copy.set(bytes);
  return copy.buffer;
}
