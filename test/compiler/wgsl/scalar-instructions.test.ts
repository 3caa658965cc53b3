// Every scalar instruction as WGSL, on the software adapter, against its meaning: all of one operand type in one kernel.
import { expect, test } from "vitest";
import type { DType } from "../../../compiler/graph/graph.ts";
import type { Expression, LoopKernel } from "../../../compiler/kernels/kernel.ts";
import type { ScalarInstruction } from "../../../compiler/ops/op.ts";
import { scalarMeaning } from "../../../compiler/ops/scalar-meaning.ts";
import { about, apply, axes, Bench, constant, flat, forGpu, store } from "./kernel-bench.ts";

/** Computes every expression for every element, in one kernel; returns the outputs in order. */
async function evaluate(
  bench: Bench,
  length: number,
  expressions: readonly Expression[],
): Promise<number[][]> {
  const grid = axes([length]);
  const outputs = expressions.map(({ dtype }) => bench.output(length, dtype));
  const kernel: LoopKernel = {
    kind: "loop",
    ...about,
    grid,
    row: [],
    stages: outputs.map((output, at) => ({
      kind: "store",
      over: "grid",
      store: store(output, flat(...grid), expressions[at]!),
    })),
  };
  const values = await bench.run(kernel, forGpu);
  return outputs.map((output) => [...values[output]!]);
}

const FLOATS = Array.from({ length: 401 }, (_, i) => Math.fround((i - 200) / 16.3));

test.each([
  ["exp", "expm1", "sin", "cos", "tanh", "erf", "sigmoid", "floor", "ceil", "round", "sign"],
  ["negate", "absolute", "reciprocal", "is_finite"],
] as readonly ScalarInstruction[][])("of one float: %s, %s and so on", async (...instructions) => {
  const bench = new Bench();
  const x = bench.load(bench.input(FLOATS), flat(...axes([FLOATS.length])));
  const typeOf = (instruction: ScalarInstruction): DType =>
    instruction === "is_finite" ? "bool" : "f32";
  const expressions = instructions.map((each) => apply(each, [x], typeOf(each)));
  const results = await evaluate(bench, FLOATS.length, expressions);
  instructions.forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "f32");
    FLOATS.forEach((value, at) => {
      const expected = meaning(value, 0, 0);
      const actual = results[which]![at]!;
      if (!Number.isFinite(expected)) return;
      expect(
        Math.abs(actual - expected),
        `${instruction}(${value}) is ${actual} instead of ${expected}`,
      ).toBeLessThanOrEqual(3e-7 + 2e-6 * Math.abs(expected));
    });
  });
});

test("of one positive float: roots and logarithms, to a few units in the last place", async () => {
  const values = Array.from({ length: 300 }, (_, i) => Math.fround(1e-6 * 1.1 ** i));
  const bench = new Bench();
  const x = bench.load(bench.input(values), flat(...axes([values.length])));
  const instructions = ["sqrt", "rsqrt", "log", "log1p"] as const;
  const results = await evaluate(bench, values.length, instructions.map((each) => apply(each, [x]))); // prettier-ignore
  instructions.forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "f32");
    values.forEach((value, at) => {
      const expected = meaning(value, 0, 0);
      const error = Math.abs(results[which]![at]! - expected) / Math.abs(expected);
      expect(error, `${instruction}(${value})`).toBeLessThanOrEqual(1e-6);
    });
  });
});

test("small arguments keep their precision: tanh, expm1, log1p and sin of x near 0 are near x", async () => {
  const values = [1e-12, -1e-9, 1e-7, -1e-5, 1e-3];
  const bench = new Bench();
  const x = bench.load(bench.input(values), flat(...axes([values.length])));
  const instructions = ["tanh", "expm1", "log1p", "sin", "erf"] as const;
  const results = await evaluate(bench, values.length, instructions.map((each) => apply(each, [x]))); // prettier-ignore
  instructions.forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "f32");
    values.forEach((value, at) => {
      const expected = meaning(Math.fround(value), 0, 0);
      const error = Math.abs(results[which]![at]! - expected) / Math.abs(expected);
      expect(error, `${instruction}(${value})`).toBeLessThanOrEqual(1e-6);
    });
  });
});

test("values out of range saturate and a NaN stays one", async () => {
  const bench = new Bench();
  const x = bench.load(bench.input([-1e30, 1e30, Number.NaN]), flat(...axes([3])));
  const [exp, tanh, sigmoid, finite] = await evaluate(bench, 3, [
    apply("exp", [x]),
    apply("tanh", [x]),
    apply("sigmoid", [x]),
    apply("is_finite", [x], "bool"),
  ]);
  expect(exp![0]).toBe(0);
  expect(tanh!.slice(0, 2)).toEqual([-1, 1]);
  expect(sigmoid!.slice(0, 2)).toEqual([0, 1]);
  expect([exp![2], tanh![2], sigmoid![2]]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(finite).toEqual([1, 1, 0]);
});

test("of two floats", async () => {
  const a = FLOATS;
  const b = FLOATS.map((_, i) => Math.fround(((i * 37) % 101) / 20 - 2.5));
  const bench = new Bench();
  const place = flat(...axes([a.length]));
  const [x, y] = [bench.load(bench.input(a), place), bench.load(bench.input(b), place)];
  const numbers = ["add", "subtract", "multiply", "minimum", "maximum", "divide", "modulo", "atan2"] as const; // prettier-ignore
  const tests = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"] as const;
  const chosen = apply("select", [apply("less", [x, y], "bool"), x, y], "f32");
  const expressions = [
    ...numbers.map((each) => apply(each, [x, y])),
    ...tests.map((each) => apply(each, [x, y], "bool")),
    chosen,
  ];
  const results = await evaluate(bench, a.length, expressions);
  [...numbers, ...tests].forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "f32");
    a.forEach((value, at) => {
      const expected = meaning(value, b[at]!, 0);
      if (!Number.isFinite(expected)) return;
      const actual = results[which]![at]!;
      expect(
        Math.abs(actual - expected),
        `${instruction}(${value}, ${b[at]}) is ${actual} instead of ${expected}`,
      ).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(expected)));
    });
  });
  expect(results.at(-1)).toEqual(a.map((value, at) => Math.min(value, b[at]!)));
});

test("powers: negative bases with whole exponents, decays of many steps", async () => {
  const cases = [[-2, 3], [-2, 4], [0, 3], [5, 0], [0.999, 1000], [0.9, 20], [3.7, -2.5], [1.0001, 5000]]; // prettier-ignore
  const bench = new Bench();
  const place = flat(...axes([cases.length]));
  const x = bench.load(bench.input(cases.map(([base]) => base!)), place);
  const y = bench.load(bench.input(cases.map(([, exponent]) => exponent!)), place);
  const [powers, squares] = await evaluate(bench, cases.length, [
    apply("power", [x, y]),
    apply("power", [x, constant(2)]),
  ]);
  cases.forEach(([base, exponent], at) => {
    const expected = Math.fround(base!) ** exponent!;
    expect(powers![at]! / expected || 1, `${base} ^ ${exponent}`).toBeCloseTo(1, 5);
    expect(squares![at]).toBe(Math.fround(Math.fround(base!) ** 2));
  });
});

test("integers wrap around, divide towards zero, and have floor remainders", async () => {
  const a = [7, -7, 7, -7, 2147483647, 0, 5];
  const b = [2, 2, -2, -2, 1, 3, 0];
  const bench = new Bench();
  const place = flat(...axes([a.length]));
  const [x, y] = [bench.load(bench.input(a, "i32"), place), bench.load(bench.input(b, "i32"), place)]; // prettier-ignore
  const instructions = ["add", "subtract", "multiply", "divide", "modulo", "minimum", "maximum"] as const; // prettier-ignore
  const results = await evaluate(bench, a.length, instructions.map((each) => apply(each, [x, y]))); // prettier-ignore
  instructions.forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "i32");
    expect(results[which], instruction).toEqual(a.map((value, at) => meaning(value, b[at]!, 0)));
  });
});

test("bits, shifts, logic and casts", async () => {
  const a = [0, 1, 0xffffffff, 0x12345678];
  const b = [1, 31, 4, 36];
  const bench = new Bench();
  const place = flat(...axes([a.length]));
  const [x, y] = [bench.load(bench.input(a, "u32"), place), bench.load(bench.input(b, "u32"), place)]; // prettier-ignore
  const f = bench.load(bench.input([-1.7, 3.9, 0, 1e9]), place);
  const bits = ["bit_and", "bit_or", "bit_xor", "shift_left", "shift_right"] as const;
  const [isOdd, isBig] = [apply("cast", [apply("bit_and", [x, constant(1, "u32")])], "bool"), apply("greater", [x, y], "bool")]; // prettier-ignore
  const results = await evaluate(bench, a.length, [
    ...bits.map((each) => apply(each, [x, y])),
    apply("and", [isOdd, isBig], "bool"),
    apply("not", [isOdd], "bool"),
    apply("cast", [f], "i32"),
    apply("cast", [isOdd], "f32"),
    apply("cast", [x], "i32"),
  ]);
  bits.forEach((instruction, which) => {
    const meaning = scalarMeaning(instruction, "u32");
    expect(results[which], instruction).toEqual(a.map((value, at) => meaning(value, b[at]!, 0)));
  });
  expect(results.slice(bits.length)).toEqual([
    [0, 0, 1, 0],
    [1, 0, 0, 1],
    [-1, 3, 0, 1000000000],
    [0, 1, 1, 0],
    [0, 1, -1, 0x12345678],
  ]);
});
