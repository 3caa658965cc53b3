import { describe, expect, test } from "vitest";
import type { Axis, Expression } from "../../../compiler/kernels/kernel.ts";
import { constantIndex, divide, modulo } from "../../../compiler/ops/index-arithmetic.ts";
import {
  add,
  apply,
  axes,
  check,
  i,
  load,
  loopKernel,
  multiply,
  noise,
  number,
  over,
  reduced,
  whole,
} from "./kernel-notation.ts";
import { deviceWith, runOn } from "./run-kernels.ts"; // prettier-ignore

const zeros = (length: number): number[] => Array.from({ length: length }, () => 0);
const store = (buffer: number, list: Axis[], value: Expression, on: "grid" | "row" = "grid") =>
  ({ kind: "store", over: on, store: { buffer, index: over(...list), value } }) as const;
const sizes = [1, 2, 3, 4, 5, 7, 16, 17, 64, 67];

describe("elementwise kernels", () => {
  test.each(sizes)("add a bias to rows of %i", async (width) => {
    const [a, b] = axes(5, width) as [Axis, Axis];
    const sum = apply("add", [load(0, over(a, b)), load(1, i(b))]);
    await check({
      buffers: [
        { values: noise(5 * width) },
        { values: noise(width, 2) },
        { values: zeros(5 * width) },
      ],
      kernels: [loopKernel([a, b], [], [store(2, [a, b], sum)])],
    });
  });

  test("a long array is shared among threads", async () => {
    const [a] = axes(100_003) as [Axis];
    const value = apply("exp", [load(0, i(a))]);
    await check({
      buffers: [{ values: noise(a.extent) }, { values: zeros(a.extent) }],
      kernels: [loopKernel([a], [], [store(1, [a], value)])],
    });
  });

  test("a transposed read, a reversed read and a strided read", async () => {
    const [a, b] = axes(13, 18) as [Axis, Axis];
    const transposed = load(0, over(b, a));
    const reversed = load(1, add(constantIndex(17), multiply(i(b), -1)));
    const strided = load(2, multiply(i(b), 3));
    const value = apply("add", [transposed, apply("multiply", [reversed, strided])]);
    await check({
      buffers: [
        { values: noise(234) },
        { values: noise(18, 2) },
        { values: noise(54, 3) },
        { values: zeros(234) },
      ],
      kernels: [loopKernel([a, b], [], [store(3, [a, b], value)])],
    });
  });

  test("a split axis read through quotient and remainder", async () => {
    const [a, b] = axes(6, 48) as [Axis, Axis];
    // [6][3 heads][16] kept as [3][6][16]
    const index = add(multiply(divide(i(b), 16), 96), multiply(i(a), 16), modulo(i(b), 16));
    await check({
      buffers: [{ values: noise(288) }, { values: zeros(288) }],
      kernels: [loopKernel([a, b], [], [store(1, [a, b], load(0, index))])],
    });
  });

  test.each([5, 8, 19])("a border of zeros around rows of %i", async (width) => {
    const [a, b] = axes(4, width + 3) as [Axis, Axis];
    const inside = add(i(b), constantIndex(-1));
    const row = add(i(a), constantIndex(-1));
    const value: Expression = {
      kind: "guard",
      conditions: [
        { index: inside, low: 0, high: width },
        { index: row, low: 0, high: 2 },
      ],
      value: load(0, add(multiply(row, width), inside)),
      otherwise: number(0.5),
      dtype: "f32",
    };
    await check({
      buffers: [{ values: noise(2 * width) }, { values: zeros(4 * (width + 3)) }],
      kernels: [loopKernel([a, b], [], [store(1, [a, b], value)])],
    });
  });

  test("two arrays side by side along the last axis", async () => {
    for (const [left, right] of [
      [8, 12],
      [5, 6],
    ] as const) {
      const [a, b] = axes(7, left + right) as [Axis, Axis];
      const value: Expression = {
        kind: "guard",
        conditions: [{ index: i(b), low: 0, high: left }],
        value: load(0, add(multiply(i(a), left), i(b))),
        otherwise: load(1, add(multiply(i(a), right), i(b), constantIndex(-left))),
        dtype: "f32",
      };
      await check({
        buffers: [
          { values: noise(7 * left) },
          { values: noise(7 * right, 2) },
          { values: zeros(7 * (left + right)) },
        ],
        kernels: [loopKernel([a, b], [], [store(2, [a, b], value)])],
      });
    }
  });

  test("rows chosen by data, with indices outside pulled in", async () => {
    const [a, b] = axes(9, 10) as [Axis, Axis];
    const row = { kind: "data", value: load(0, i(a), "i32"), extent: 6 } as const;
    const across = { kind: "data", value: load(0, i(b), "i32"), extent: 10 } as const;
    const value = apply("add", [load(1, add(multiply(row, 10), i(b))), load(1, across)]);
    await check({
      buffers: [
        { dtype: "i32", values: [3, 0, 5, -2, 9, 1, 2, 2, 4, 7] },
        { values: noise(60) },
        { values: zeros(90) },
      ],
      kernels: [loopKernel([a, b], [], [store(2, [a, b], value)])],
    });
  });

  test("positions, comparisons, bool and select", async () => {
    const [a, b] = axes(5, 11) as [Axis, Axis];
    const row: Expression = { kind: "position", index: i(a), dtype: "i32" };
    const col: Expression = { kind: "position", index: i(b), dtype: "i32" };
    const isBelow = apply("less", [col, row], "bool");
    const both = apply("and", [isBelow, load(0, i(b), "bool")], "bool");
    const value = apply("select", [both, load(1, over(a, b)), number(-9)]);
    await check({
      buffers: [
        { dtype: "bool", values: whole(11, 2) },
        { values: noise(55) },
        { values: zeros(55) },
        { dtype: "bool", values: zeros(55) },
      ],
      kernels: [loopKernel([a, b], [], [store(2, [a, b], value), store(3, [a, b], both)])],
    });
  });

  test("random bits are the interpreter's, bit for bit", async () => {
    const [a] = axes(23) as [Axis];
    const value: Expression = {
      kind: "random",
      stream: 0xdeadbeef,
      seed: load(0, constantIndex(0), "u32"),
      step: load(0, constantIndex(1), "u32"),
      index: add(i(a), constantIndex(5)),
      dtype: "u32",
    };
    await check(
      {
        buffers: [
          { dtype: "u32", values: [12345, 7] },
          { dtype: "u32", values: zeros(23) },
        ],
        kernels: [loopKernel([a], [], [store(1, [a], value)])],
      },
      0,
    );
  });

  test("a scalar, without any axis", async () => {
    const value = apply("power", [number(Math.fround(0.999)), load(0, constantIndex(0))]);
    await check({
      buffers: [{ values: [1000] }, { values: [0] }],
      kernels: [loopKernel([], [], [store(1, [], value)])],
    });
  });

  test("an expression shared at forty levels is walked once", async () => {
    const [a] = axes(9) as [Axis];
    let value = load(0, i(a));
    for (let level = 0; level < 40; level++)
      value = apply("multiply", [apply("add", [value, value]), number(0.5)]);
    const results = await runOn(await deviceWith({ threads: 1 }), {
      buffers: [{ values: noise(9) }, { values: zeros(9) }],
      kernels: [loopKernel([a], [], [store(1, [a], value)])],
    });
    expect([...results[1]!]).toEqual(noise(9));
  });

  test("an optimizer's step: three arrays in place, each from the old values", async () => {
    const [a] = axes(45) as [Axis];
    const [p, m, v, g] = [0, 1, 2, 3].map((buffer) => load(buffer, i(a))) as [
      Expression,
      Expression,
      Expression,
      Expression,
    ];
    const mix = (old: Expression, next: Expression, keep: number): Expression =>
      apply("add", [
        apply("multiply", [old, number(keep)]),
        apply("multiply", [next, number(1 - keep)]),
      ]);
    const nextM = mix(m, g, 0.9);
    const nextV = mix(v, apply("multiply", [g, g]), 0.99);
    const step = apply("divide", [nextM, apply("add", [apply("sqrt", [nextV]), number(1e-3)])]);
    await check({
      buffers: [1, 2, 3, 4].map((seed) => ({ values: noise(45, seed).map(Math.abs) })),
      kernels: [
        loopKernel(
          [a],
          [],
          [
            store(0, [a], apply("subtract", [p, apply("multiply", [step, number(0.01)])])),
            store(1, [a], nextM),
            store(2, [a], nextV),
          ],
        ),
      ],
    });
  });

  test("an update in place", async () => {
    const [a] = axes(37) as [Axis];
    const value = apply("subtract", [
      load(0, i(a)),
      apply("multiply", [load(1, i(a)), load(2, constantIndex(0))]),
    ]);
    await check({
      buffers: [{ values: noise(37) }, { values: noise(37, 2) }, { values: [0.1] }],
      kernels: [loopKernel([a], [], [store(0, [a], value)])],
    });
  });
});

describe("reductions", () => {
  test.each(sizes)("sum, maximum and minimum along rows of %i", async (width) => {
    const [a, b] = axes(6, width) as [Axis, Axis];
    const value = load(0, over(a, b));
    await check({
      buffers: [
        { values: noise(6 * width) },
        { values: zeros(6) },
        { values: zeros(6) },
        { values: zeros(6) },
      ],
      kernels: [
        loopKernel(
          [a],
          [b],
          [
            { kind: "reduce", reducer: "sum", value, dtype: "f32" },
            { kind: "reduce", reducer: "max", value, dtype: "f32" },
            { kind: "reduce", reducer: "min", value, dtype: "f32" },
            store(1, [a], reduced(0)),
            store(2, [a], reduced(1)),
            store(3, [a], reduced(2)),
          ],
        ),
      ],
    });
  });

  test.each(sizes)("sums down %i columns", async (width) => {
    const [a, b] = axes(33, width) as [Axis, Axis];
    await check({
      buffers: [{ values: noise(33 * width) }, { values: noise(33, 4) }, { values: zeros(width) }],
      kernels: [
        loopKernel(
          [b],
          [a],
          [
            {
              kind: "reduce",
              reducer: "sum",
              value: apply("multiply", [load(0, over(a, b)), load(1, i(a))]),
              dtype: "f32",
            },
            store(2, [b], reduced(0)),
          ],
        ),
      ],
    });
  });

  test("long columns, summed in parts", async () => {
    for (const [rows, width] of [
      [1500, 20],
      [700, 3],
    ] as const) {
      const [a, b] = axes(rows, width) as [Axis, Axis];
      await check(
        {
          buffers: [{ values: noise(rows * width).map((x) => x + 1) }, { values: zeros(width) }],
          kernels: [
            loopKernel(
              [b],
              [a],
              [
                { kind: "reduce", reducer: "sum", value: load(0, over(a, b)), dtype: "f32" },
                store(1, [b], reduced(0)),
              ],
            ),
          ],
        },
        3e-7,
      );
    }
  });

  test("long columns have the same bits however their rows lie", async () => {
    const [a, b, c, width] = axes(7, 9, 11, 8) as [Axis, Axis, Axis, Axis];
    const values = noise(7 * 9 * 11 * 8);
    const turned = values.map((_, place) => {
      const within = place % 88;
      const [first, second] = [Math.floor(place / 88 / 7), Math.floor(place / 88) % 7];
      return values[(second * 9 + first) * 88 + within]!;
    });
    const sumOf = (buffer: number, list: Axis[], into: number) =>
      loopKernel(
        [width],
        [a, b, c],
        [
          { kind: "reduce", reducer: "sum", value: load(buffer, over(...list)), dtype: "f32" },
          store(into, [width], reduced(0)),
        ],
      );
    const sums = await runOn(await deviceWith({ threads: 1 }), {
      buffers: [{ values }, { values: turned }, { values: zeros(8) }, { values: zeros(8) }],
      kernels: [sumOf(0, [a, b, c, width], 2), sumOf(1, [b, a, c, width], 3)],
    });
    expect(sums[3]).toEqual(sums[2]);
  });

  test("sums over several axes around a kept one", async () => {
    const [a, b, c] = axes(4, 9, 5) as [Axis, Axis, Axis];
    await check({
      buffers: [{ values: noise(180) }, { values: zeros(9) }],
      kernels: [
        loopKernel(
          [b],
          [a, c],
          [
            { kind: "reduce", reducer: "sum", value: load(0, over(a, b, c)), dtype: "f32" },
            store(1, [b], reduced(0)),
          ],
        ),
      ],
    });
  });

  test.each([1, 3, 8, 21])(
    "the first of the best among %i, across rows and down columns",
    async (width) => {
      const [a, b] = axes(7, width) as [Axis, Axis];
      const values = whole(7 * width, 4).map((x) => x - 2);
      for (const reducer of ["argmax", "argmin"] as const)
        await check({
          buffers: [
            { values },
            { dtype: "i32", values },
            { dtype: "i32", values: zeros(7) },
            { dtype: "i32", values: zeros(width) },
          ],
          kernels: [
            loopKernel(
              [a],
              [b],
              [
                { kind: "reduce", reducer, value: load(0, over(a, b)), dtype: "i32" },
                store(2, [a], reduced(0, "i32")),
              ],
            ),
            loopKernel(
              [b],
              [a],
              [
                { kind: "reduce", reducer, value: load(1, over(a, b), "i32"), dtype: "i32" },
                store(3, [b], reduced(0, "i32")),
              ],
            ),
          ],
        });
    },
  );

  test("any and all over bool, sums of integers", async () => {
    const [a, b] = axes(6, 10) as [Axis, Axis];
    const flags = whole(60, 8).map((x) => (x === 0 ? 1 : 0));
    const flag = load(0, over(a, b), "bool");
    await check({
      buffers: [
        { dtype: "bool", values: flags },
        { dtype: "bool", values: zeros(6) },
        { dtype: "bool", values: zeros(6) },
        { dtype: "i32", values: zeros(6) },
      ],
      kernels: [
        loopKernel(
          [a],
          [b],
          [
            { kind: "reduce", reducer: "max", value: flag, dtype: "bool" },
            { kind: "reduce", reducer: "min", value: flag, dtype: "bool" },
            { kind: "reduce", reducer: "sum", value: apply("cast", [flag], "i32"), dtype: "i32" },
            store(1, [a], reduced(0, "bool")),
            store(2, [a], reduced(1, "bool")),
            store(3, [a], reduced(2, "i32")),
          ],
        ),
      ],
    });
  });
});

describe("whole rows", () => {
  test.each(sizes)("softmax over %i", async (width) => {
    const [a, b] = axes(9, width) as [Axis, Axis];
    const x = load(0, over(a, b));
    const e = apply("exp", [apply("subtract", [x, reduced(0)])]);
    await check({
      buffers: [{ values: noise(9 * width, 1, 8) }, { values: zeros(9 * width) }],
      kernels: [
        loopKernel(
          [a],
          [b],
          [
            { kind: "reduce", reducer: "max", value: x, dtype: "f32" },
            { kind: "reduce", reducer: "sum", value: e, dtype: "f32" },
            store(1, [a, b], apply("divide", [e, reduced(1)]), "row"),
          ],
        ),
      ],
    });
  });

  test.each(sizes)("layer norm over %i", async (width) => {
    const [a, b] = axes(9, width) as [Axis, Axis];
    const x = load(0, over(a, b));
    const mean = apply("divide", [reduced(0), number(width)]);
    const centred = apply("subtract", [x, mean]);
    const variance = apply("divide", [reduced(1), number(width)]);
    const scale = apply("rsqrt", [apply("add", [variance, number(1e-5)])]);
    const y = apply("add", [
      apply("multiply", [apply("multiply", [centred, scale]), load(1, i(b))]),
      load(2, i(b)),
    ]);
    await check({
      buffers: [
        { values: noise(9 * width, 3) },
        { values: noise(width, 4) },
        { values: noise(width, 5) },
        { values: zeros(9 * width) },
        { values: zeros(9) },
      ],
      kernels: [
        loopKernel(
          [a],
          [b],
          [
            { kind: "reduce", reducer: "sum", value: x, dtype: "f32" },
            {
              kind: "reduce",
              reducer: "sum",
              value: apply("multiply", [centred, centred]),
              dtype: "f32",
            },
            store(3, [a, b], y, "row"),
            store(4, [a], mean),
          ],
        ),
      ],
    });
  });

  test("softmax down columns", async () => {
    const [a, b] = axes(12, 22) as [Axis, Axis];
    const x = load(0, over(a, b));
    const e = apply("exp", [apply("subtract", [x, reduced(0)])]);
    await check({
      buffers: [{ values: noise(264, 1, 8) }, { values: zeros(264) }],
      kernels: [
        loopKernel(
          [b],
          [a],
          [
            { kind: "reduce", reducer: "max", value: x, dtype: "f32" },
            { kind: "reduce", reducer: "sum", value: e, dtype: "f32" },
            {
              kind: "store",
              over: "row",
              store: { buffer: 1, index: over(a, b), value: apply("divide", [e, reduced(1)]) },
            },
          ],
        ),
      ],
    });
  });
});

/** A norm's backward pass: dx along each row, the gradients of gain and offset over columns. */
describe("columns summed beside rows", () => {
  test.each([
    [4, 23, 4],
    [7, 32, 16],
    [16, 9, 16],
    [64, 35, 8],
    [67, 41, 5],
  ])("%i wide, %i rows in parts of %i", async (width, count, rows) => {
    const [a, b] = axes(count, width) as [Axis, Axis];
    const part = { id: 2, extent: Math.ceil(count / rows) };
    const [dy, x] = [load(0, over(a, b)), load(1, over(a, b))];
    const scaled = apply("multiply", [dy, load(2, i(b))]);
    const dx = apply("subtract", [scaled, apply("multiply", [x, reduced(0)])]);
    const columns = (buffer: number, value: Expression) =>
      ({
        kind: "store",
        over: "columns",
        store: { buffer, index: over(part, b), value },
      }) as const;
    await check({
      buffers: [
        { values: noise(count * width, 3) },
        { values: noise(count * width, 4) },
        { values: noise(width, 5) },
        { values: zeros(count * width) },
        { values: noise(part.extent * width, 6) },
        { values: noise(part.extent * width, 7) },
      ],
      kernels: [
        loopKernel(
          [a],
          [b],
          [
            { kind: "reduce", reducer: "sum", value: apply("multiply", [scaled, x]), dtype: "f32" },
            store(3, [a, b], dx, "row"),
            columns(4, dy),
            columns(5, apply("multiply", [dy, x])),
          ],
          { axis: part, rows },
        ),
      ],
    });
  });

  test("of rows on two axes, with no row stored", async () => {
    const [a, b, c, d] = axes(6, 7, 3, 8) as [Axis, Axis, Axis, Axis];
    const part = { id: 4, extent: 11 };
    const value = load(0, over(b, a, c, d));
    await check({
      buffers: [
        { values: noise(6 * 7 * 24, 3) },
        { values: zeros(42) },
        { values: zeros(11 * 24) },
      ],
      kernels: [
        loopKernel(
          [a, b],
          [c, d],
          [
            { kind: "reduce", reducer: "max", value, dtype: "f32" },
            {
              kind: "store",
              over: "columns",
              store: {
                buffer: 2,
                index: over(part, c, d),
                value: apply("subtract", [value, reduced(0)]),
              },
            },
            store(1, [a, b], reduced(0)),
          ],
          { axis: part, rows: 4 },
        ),
      ],
    });
  });
});
