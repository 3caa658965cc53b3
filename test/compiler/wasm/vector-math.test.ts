import { describe, expect, test } from "vitest";
import type { Axis } from "../../../compiler/kernels/kernel.ts";
import type { ScalarInstruction } from "../../../compiler/ops/op.ts";
import { scalarMeaning } from "../../../compiler/ops/scalar-meaning.ts";
import { apply, axes, load, loopKernel, noise, over } from "./kernel-notation.ts";
import { deviceWith, runOn } from "./run-kernels.ts";

/** Distance in units in the last place of f32. */
function unitsApart(found: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(found, rounded) || found === rounded) return 0;
  if (!Number.isFinite(found) || !Number.isFinite(rounded)) return Infinity;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(rounded) || 2 ** -126)));
  return Math.abs(found - exact) / 2 ** (exponent - 23);
}

async function evaluate(
  instruction: ScalarInstruction,
  x: number[],
  y?: number[],
  relaxed = true,
): Promise<ArrayLike<number>> {
  const [a] = axes(x.length) as [Axis];
  const args = [load(0, over(a)), ...(y === undefined ? [] : [load(1, over(a))])];
  const result = await runOn(await deviceWith({ threads: 1, relaxed }), {
    buffers: [
      { values: x },
      { values: y ?? x },
      { values: Array.from({ length: x.length }, () => 7) },
    ],
    kernels: [
      loopKernel(
        [a],
        [],
        [
          {
            kind: "store",
            over: "grid",
            store: { buffer: 2, index: over(a), value: apply(instruction, args) },
          },
        ],
      ),
    ],
  });
  return result[2]!;
}

const range = (low: number, high: number): number[] =>
  noise(20000, 5).map((u) => Math.fround(low + ((u + 1) / 2) * (high - low)));

describe("within a few units in the last place", () => {
  test.each([
    ["exp", -87, 88.3, 1.5],
    ["exp", 88.3, 88.72, 6],
    ["log", 1e-30, 2, 1.5],
    ["log", 0.5, 2e6, 1.5],
    ["log1p", -0.9, 3, 3],
    ["expm1", -3, 3, 4],
    ["sigmoid", -20, 20, 3],
    ["tanh", -9, 9, 6.5],
    ["erf", -5, 5, 6.5],
    ["sqrt", 0, 100, 0.5],
    ["rsqrt", 1e-3, 100, 1.5],
    ["reciprocal", 0.01, 100, 0.5],
  ] as const)("%s on [%f, %f]", async (instruction, low, high, units) => {
    const x = range(low, high);
    const meaning = scalarMeaning(instruction, "f32");
    for (const relaxed of [true, false]) {
      const found = await evaluate(instruction, x, undefined, relaxed);
      const worst = Math.max(...x.map((value, at) => unitsApart(found[at]!, meaning(value, 0, 0))));
      expect(worst).toBeLessThanOrEqual(units);
    }
  });

  test.each(["sin", "cos"] as const)("%s, absolute, up to a thousand", async (instruction) => {
    const x = range(-1000, 1000);
    const found = await evaluate(instruction, x);
    const worst = Math.max(
      ...x.map((value, at) => Math.abs(found[at]! - Math[instruction](value))),
    );
    expect(worst).toBeLessThan(2e-7);
  });

  test("power, also where the exponent is large", async () => {
    const x = [...range(0.01, 10), ...range(0.99, 1.01)];
    const y = [...range(-8, 8), ...range(-5000, 5000)];
    const found = await evaluate("power", x, y);
    const worst = Math.max(...x.map((value, at) => unitsApart(found[at]!, value ** y[at]!)));
    expect(worst).toBeLessThanOrEqual(0.51);
  });

  test("atan2 in all quadrants", async () => {
    const [y, x] = [range(-2, 2), range(-1, 2).reverse()];
    const found = await evaluate("atan2", y, x);
    const worst = Math.max(
      ...x.map((value, at) => unitsApart(found[at]!, Math.atan2(y[at]!, value))),
    );
    expect(worst).toBeLessThanOrEqual(4);
  });
});

describe("at the extremes", () => {
  const extremes = [
    0,
    -0,
    1,
    -1,
    1e-40,
    -1e-40,
    1e38,
    -1e38,
    Infinity,
    -Infinity,
    NaN,
    88.8,
    -104,
    -1000,
    100,
  ];
  test.each([
    "exp",
    "log",
    "log1p",
    "expm1",
    "sigmoid",
    "tanh",
    "erf",
    "sqrt",
    "rsqrt",
    "sign",
    "floor",
    "ceil",
    "round",
    "absolute",
  ] as const)("%s of zeros, infinities, NaN and far values", async (instruction) => {
    const found = await evaluate(instruction, extremes);
    const meaning = scalarMeaning(instruction, "f32");
    extremes.forEach((x, at) => {
      const exact = Math.fround(meaning(Math.fround(x), 0, 0));
      const isTiny = Math.abs(exact) < 2 ** -120 && Math.abs(found[at]!) < 2 ** -120;
      if (!isTiny && found[at] !== exact && !Object.is(found[at], exact))
        expect(
          Math.abs(found[at]! - exact) / Math.abs(exact),
          `${instruction}(${x}) = ${found[at]}, not ${exact}`,
        ).toBeLessThan(1e-6);
    });
  });

  test("power of zeros, negative and infinite bases", async () => {
    const pairs = [
      [0, 2],
      [0, -1],
      [-2, 3],
      [-2, 2],
      [-8, 1 / 3],
      [5, 0],
      [0, 0],
      [NaN, 0],
      [Infinity, -1],
      [2, 200],
      [2, -200],
      [1, 1e30],
      [-0, 3],
    ] as const;
    const found = await evaluate(
      "power",
      pairs.map(([x]) => x),
      pairs.map(([, y]) => y),
    );
    pairs.forEach(([x, y], at) =>
      expect(found[at], `${x} ** ${y}`).toEqual(Math.fround(Math.fround(x) ** Math.fround(y))),
    );
  });

  test("minimum and maximum keep a NaN; the remainder has the divisor's sign", async () => {
    expect(Array.from(await evaluate("maximum", [NaN, 1, 2], [1, NaN, 3]))).toEqual([NaN, NaN, 3]);
    expect(Array.from(await evaluate("minimum", [NaN, 1, 2], [1, NaN, 3]))).toEqual([NaN, NaN, 2]);
    expect(Array.from(await evaluate("modulo", [5, -5, 5, -5], [3, 3, -3, -3]))).toEqual([
      2, 1, -1, -2,
    ]);
  });
});

describe("integers", () => {
  test.each([
    ["divide", "i32"],
    ["modulo", "i32"],
    ["multiply", "i32"],
    ["minimum", "i32"],
    ["sign", "i32"],
    ["absolute", "i32"],
    ["divide", "u32"],
    ["modulo", "u32"],
    ["maximum", "u32"],
    ["shift_left", "u32"],
    ["shift_right", "u32"],
    ["bit_xor", "u32"],
  ] as const)("%s of %s", async (instruction, dtype) => {
    const x = [7, -7, 7, -7, 0, -2147483648, 2147483647, 5, 123456789];
    const y = [2, 2, -2, -2, 3, -1, 31, 0, 4];
    const [a] = axes(x.length) as [Axis];
    const cast = (value: number): number => (dtype === "i32" ? value | 0 : value >>> 0);
    const results = await runOn(await deviceWith({ threads: 1 }), {
      buffers: [x, y, x].map((values) => ({ dtype, values: values.map(cast) })),
      kernels: [
        loopKernel(
          [a],
          [],
          [
            {
              kind: "store",
              over: "grid",
              store: {
                buffer: 2,
                index: over(a),
                value: apply(
                  instruction,
                  [load(0, over(a), dtype), load(1, over(a), dtype)],
                  dtype,
                ),
              },
            },
          ],
        ),
      ],
    });
    const meaning = scalarMeaning(instruction, dtype);
    expect([...results[2]!]).toEqual(
      x.map((value, at) => cast(meaning(cast(value), cast(y[at]!), 0))),
    );
  });
});
