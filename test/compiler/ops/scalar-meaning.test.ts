import { describe, expect, test } from "vitest";
import { erf } from "../../../compiler/ops/erf.ts";
import { roundHalfToEven, roundToBf16, roundToF16 } from "../../../compiler/ops/half.ts";
import { scalarMeaning } from "../../../compiler/ops/scalar-meaning.ts";

test.each([
  [0, 0],
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [2, 0.9953222650189527],
  [3.5, 0.9999992569016276],
  [5, 0.9999999999984626],
])("erf(%f) = %f (Abramowitz and Stegun, table 7.1, and mpmath)", (x, value) => {
  expect(erf(x)).toBeCloseTo(value, 15);
  expect(erf(-x)).toBeCloseTo(-value, 15);
});

describe("rounding", () => {
  test("takes halves to the even neighbour", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6].map(roundHalfToEven)).toEqual([
      0, 2, 2, -0, -2, 2, -3,
    ]);
  });

  test("to f16 keeps 11 bits, knows small numbers and the limit", () => {
    expect(roundToF16(1 + 2 ** -11)).toBe(1);
    expect(roundToF16(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(roundToF16(2 ** -24)).toBe(2 ** -24);
    expect(roundToF16(2 ** -26)).toBe(0);
    expect(roundToF16(65519)).toBe(65504);
    expect(roundToF16(65520)).toBe(Infinity);
    expect(roundToF16(0.1)).toBe(0.0999755859375);
  });

  test("to bf16 keeps 8 bits", () => {
    expect(roundToBf16(1 + 2 ** -8)).toBe(1);
    expect(roundToBf16(0.1)).toBe(0.10009765625);
    expect(roundToBf16(1e38)).toBe(9.969209968386869e37);
  });
});

describe("whole numbers", () => {
  test("wrap around in 32 bits", () => {
    expect(scalarMeaning("add", "i32")(2 ** 31 - 1, 1, 0)).toBe(-(2 ** 31));
    expect(scalarMeaning("subtract", "u32")(0, 1, 0)).toBe(2 ** 32 - 1);
    expect(scalarMeaning("multiply", "u32")(0x12345678, 0x9abcdef1, 0)).toBe(Number((0x12345678n * 0x9abcdef1n) & 0xffffffffn)); // prettier-ignore
  });

  test("divide towards zero, and leave a remainder of the divisor's sign", () => {
    expect(scalarMeaning("divide", "i32")(-7, 2, 0)).toBe(-3);
    expect(scalarMeaning("modulo", "i32")(-7, 3, 0)).toBe(2);
    expect(scalarMeaning("modulo", "f32")(-0.5, 1, 0)).toBe(0.5);
  });

  test("are cast from floats by cutting off, within range", () => {
    expect([1.9, -1.9, 1e10, NaN].map((value) => scalarMeaning("cast", "i32", "f32")(value, 0, 0))).toEqual([1, -1, 2 ** 31 - 1, 0]); // prettier-ignore
    expect([-1, 5e9].map((value) => scalarMeaning("cast", "u32", "f32")(value, 0, 0))).toEqual([0, 2 ** 32 - 1]); // prettier-ignore
    expect(scalarMeaning("cast", "u32", "i32")(-1, 0, 0)).toBe(2 ** 32 - 1);
  });
});
