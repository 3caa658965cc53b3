// Loop kernels as WGSL, on the software adapter, against plain loops.
import { describe, expect, test } from "vitest";
import type { Expression, LoopKernel, Stage } from "../../../compiler/kernels/kernel.ts";
import {
  add,
  constantIndex,
  divide,
  modulo,
  multiply,
} from "../../../compiler/ops/index-arithmetic.ts";
import { about, apply, at, axes, Bench, constant, flat, forGpu, store } from "./kernel-bench.ts";

function loop(parts: Pick<LoopKernel, "grid" | "row" | "stages" | "parts">): LoopKernel {
  return { kind: "loop", ...about, ...parts };
}

function sum(value: Expression): Stage {
  return { kind: "reduce", reducer: "sum", value, dtype: "f32" };
}

function reduced(stage: number, dtype: "f32" | "i32" = "f32"): Expression {
  return { kind: "reduced", stage, dtype };
}

describe("elementwise kernels", () => {
  test.each([1, 7, 64, 1009, 66000])("add and multiply %i elements", async (length) => {
    const bench = new Bench();
    const [a, b, y] = [bench.noise(length), bench.noise(length), bench.output(length)];
    const grid = axes([length]);
    const x = bench.load(a, flat(...grid));
    const value = apply("add", [apply("multiply", [x, x]), bench.load(b, flat(...grid))]);
    await bench.check(
      loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }), // prettier-ignore
    );
  });

  test("a transposed read, a broadcast and a roll cost an index each", async () => {
    const bench = new Bench();
    const [rows, columns] = axes([13, 37]) as [
      ReturnType<typeof axes>[0],
      ReturnType<typeof axes>[0],
    ];
    const [a, bias, y] = [bench.noise(13 * 37), bench.noise(37), bench.output(13 * 37)];
    const rolled = modulo(add(at(rows!), constantIndex(5)), 13);
    const value = apply("add", [
      bench.load(a, add(multiply(at(columns!), 13), rolled)),
      bench.load(bias, at(columns!)),
    ]);
    const grid = [rows!, columns!];
    await bench.check(
      loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }), // prettier-ignore
    );
  });

  test("a guard pads with its other value and floors negative quotients", async () => {
    const bench = new Bench();
    const grid = axes([29]);
    const [a, y] = [bench.noise(10), bench.output(29)];
    // Every second place from 3 on has an element of a; -1 / 2 must not count as 0.
    const shifted = add(at(grid[0]!), constantIndex(-3));
    const value: Expression = {
      kind: "guard",
      conditions: [
        { index: divide(shifted, 2), low: 0, high: 10 },
        { index: modulo(shifted, 2), low: 0, high: 1 },
      ],
      value: bench.load(a, divide(shifted, 2)),
      otherwise: constant(7),
      dtype: "f32",
    };
    await bench.check(
      loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }), // prettier-ignore
    );
  });

  test("a gather clamps the position that data gives", async () => {
    const bench = new Bench();
    const grid = axes([5, 3]);
    const indices = bench.input([2, 0, 9, -1, 1], "i32");
    const [table, y] = [bench.noise(4 * 3), bench.output(5 * 3)];
    const position = { kind: "data", value: bench.load(indices, at(grid[0]!)), extent: 4 } as const;
    const value = bench.load(table, add(multiply(position, 3), at(grid[1]!)));
    await bench.check(
      loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }), // prettier-ignore
    );
  });

  test("new values may lie in the place of old ones that another of the kernel's stores reads", async () => {
    const bench = new Bench();
    const grid = axes([100]);
    const [a, b] = [bench.noise(100), bench.noise(100)];
    const [newA, newB] = [bench.outputInPlaceOf(a), bench.outputInPlaceOf(b)];
    const [oldA, oldB] = [a, b].map((buffer) => [...bench.values[buffer]!]) as [number[], number[]];
    const [x, y] = [bench.load(a, flat(...grid)), bench.load(b, flat(...grid))];
    const swap = loop({
      grid,
      row: [],
      stages: [
        { kind: "store", over: "grid", store: store(newA, flat(...grid), y) },
        { kind: "store", over: "grid", store: store(newB, flat(...grid), x) },
      ],
    });
    const results = await bench.run(swap, forGpu);
    expect([...results[newA]!]).toEqual(oldB);
    expect([...results[newB]!]).toEqual(oldA);
  });

  test("random bits are threefry's own", async () => {
    const bench = new Bench();
    const grid = axes([3, 11]);
    const [seed, step] = [bench.input([17], "u32"), bench.input([123], "i32")];
    const y = bench.output(33, "u32");
    const value: Expression = {
      kind: "random",
      stream: 0xdeadbeef,
      seed: bench.load(seed, constantIndex(0)),
      step: bench.load(step, constantIndex(0)),
      index: flat(...grid),
      dtype: "u32",
    };
    await bench.check(
      loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }), // prettier-ignore
      0,
    );
  });
});

const SIZES: readonly (readonly [number, number])[] = [
  [1, 1],
  [3, 5],
  [5, 64],
  [7, 197],
  [2, 1009],
  [1, 5000],
  [300, 10],
  [1000, 2],
];

describe("row kernels", () => {
  test.each(SIZES)("softmax over %i rows of %i", async (rows, columns) => {
    const bench = new Bench();
    const [grid, row] = [axes([rows]), axes([columns], 1)];
    const [a, y] = [bench.noise(rows * columns), bench.output(rows * columns)];
    const x = bench.load(a, flat(...grid, ...row));
    const exponential = apply("exp", [apply("subtract", [x, reduced(0)])]);
    await bench.check(
      loop({
        grid,
        row,
        stages: [
          { kind: "reduce", reducer: "max", value: x, dtype: "f32" },
          sum(exponential),
          { kind: "store", over: "row", store: store(y, flat(...grid, ...row), apply("divide", [exponential, reduced(1)])) }, // prettier-ignore
        ],
      }),
    );
  });

  test.each(SIZES)("two sums and a grid store over %i rows of %i", async (rows, columns) => {
    const bench = new Bench();
    const [grid, row] = [axes([rows]), axes([columns], 1)];
    const [a, y, z] = [bench.noise(rows * columns), bench.output(rows), bench.output(rows)];
    const x = bench.load(a, flat(...grid, ...row));
    await bench.check(
      loop({
        grid,
        row,
        stages: [
          sum(x),
          sum(apply("multiply", [x, x])),
          { kind: "store", over: "grid", store: store(y, flat(...grid), apply("multiply", [reduced(0), constant(1 / columns)])) }, // prettier-ignore
          { kind: "store", over: "grid", store: store(z, flat(...grid), reduced(1)) },
        ],
      }),
    );
  });

  test.each(SIZES)("sums over columns: a grid of %2$i with rows of %1$i", async (rows, columns) => {
    const bench = new Bench();
    const [row, grid] = [axes([rows]), axes([columns], 1)];
    const [a, y] = [bench.noise(rows * columns), bench.output(columns)];
    const x = bench.load(a, flat(...row, ...grid));
    await bench.check(
      loop({
        grid,
        row,
        stages: [sum(x), { kind: "store", over: "grid", store: store(y, flat(...grid), reduced(0)) }], // prettier-ignore
      }),
    );
  });

  test.each(["argmax", "argmin"] as const)(
    "%s takes the first of equal values",
    async (reducer) => {
      const bench = new Bench();
      const [grid, row] = [axes([3]), axes([300], 1)];
      const values = Array.from({ length: 900 }, (_, i) => (i * 7919) % 23);
      const [a, y] = [bench.input(values), bench.output(3, "i32")];
      const x = bench.load(a, flat(...grid, ...row));
      await bench.check(
        loop({
          grid,
          row,
          stages: [
            { kind: "reduce", reducer, value: x, dtype: "i32" },
            { kind: "store", over: "grid", store: store(y, flat(...grid), reduced(0, "i32")) },
          ],
        }),
        0,
      );
    },
  );
});

test("bools are reduced as 0 and 1: any, all, and where the first one is", async () => {
  const bench = new Bench();
  const [grid, row] = [axes([2]), axes([90], 1)];
  const a = bench.input(Array.from({ length: 180 }, (_, i) => (i % 90 > 60 + (i / 90) * 10 ? 1 : 0)), "bool"); // prettier-ignore
  const [any, all, where] = [bench.output(2, "bool"), bench.output(2, "bool"), bench.output(2, "i32")]; // prettier-ignore
  const x = bench.load(a, flat(...grid, ...row));
  const stored = (buffer: number, stage: number, dtype: "bool" | "i32"): Stage => ({
    kind: "store",
    over: "grid",
    store: store(buffer, flat(...grid), { kind: "reduced", stage, dtype }),
  });
  await bench.check(
    loop({
      grid,
      row,
      stages: [
        { kind: "reduce", reducer: "max", value: x, dtype: "bool" },
        { kind: "reduce", reducer: "min", value: x, dtype: "bool" },
        { kind: "reduce", reducer: "argmax", value: x, dtype: "i32" },
        stored(any, 0, "bool"),
        stored(all, 1, "bool"),
        stored(where, 2, "i32"),
      ],
    }),
    0,
  );
});

test("kernels of equal structure have one key, whatever their buffers are called", () => {
  const kernelOf = (bench: Bench): LoopKernel => {
    const grid = axes([8]);
    const [a, y] = [bench.noise(8), bench.output(8)];
    const value = apply("exp", [bench.load(a, flat(...grid))]);
    return loop({ grid, row: [], stages: [{ kind: "store", over: "grid", store: store(y, flat(...grid), value) }] }); // prettier-ignore
  };
  const [first, second] = [new Bench(), new Bench()];
  second.noise(3);
  const codes = [first, second].map((bench) => bench.program(kernelOf(bench)).codes[0]);
  expect(codes[0]).toEqual(codes[1]);
});

/** A norm's backward pass: dx along each row, the gradients of gain and offset over columns. */
describe("columns summed beside rows", () => {
  test.each([
    [4, 23, 4],
    [7, 32, 16],
    [64, 35, 8],
    [192, 130, 16],
    // So many sums that an invocation alone may not hold them.
    [1030, 21, 5],
  ])("%i wide, %i rows in parts of %i", async (width, count, rows) => {
    const bench = new Bench();
    const [row, column] = axes([count, width]);
    const part = { id: 2, extent: Math.ceil(count / rows) };
    const [dy, x] = [bench.noise(count * width), bench.noise(count * width)].map((buffer) =>
      bench.load(buffer, flat(row!, column!)),
    );
    const scaled = apply("multiply", [dy!, bench.load(bench.noise(width), at(column!))]);
    const dx = apply("subtract", [scaled, apply("multiply", [x!, reduced(0)])]);
    const dGain = apply("multiply", [dy!, x!]);
    const columns = (value: Expression): Stage => ({
      kind: "store",
      over: "columns",
      store: store(bench.output(part.extent * width), flat(part, column!), value),
    });
    await bench.check(
      loop({
        grid: [row!],
        row: [column!],
        parts: { axis: part, rows },
        stages: [
          sum(apply("multiply", [scaled, x!])),
          {
            kind: "store",
            over: "row",
            store: store(bench.output(count * width), flat(row!, column!), dx),
          },
          columns(dy!),
          columns(dGain),
          {
            kind: "store",
            over: "grid",
            store: store(bench.output(count), at(row!), reduced(0)),
          },
        ],
      }),
      4e-6,
    );
  });
});
