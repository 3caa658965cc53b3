// Contractions as WGSL, on the software adapter, against plain loops: every tile, sizes that do not divide, epilogues.
import { describe, expect, test } from "vitest";
import type { ContractionKernel, Expression } from "../../../compiler/kernels/kernel.ts";
import { add, constantIndex, multiply } from "../../../compiler/ops/index-arithmetic.ts";
import { DEFAULT_WEBGPU_LIMITS, type GpuClass } from "../../../compiler/program/limits.ts";
import { writeContraction } from "../../../compiler/wgsl/contraction.ts";
import { KernelText } from "../../../compiler/wgsl/kernel-text.ts";
import { chooseTile, TILE_TABLES, type Tile } from "../../../compiler/wgsl/tiles.ts";
import {
  about,
  apply,
  at,
  axes,
  Bench,
  constant,
  flat,
  forGpu,
  forSoftware,
  store,
  type Generator,
} from "./kernel-bench.ts";

const accumulator: Expression = { kind: "accumulator", dtype: "f32" };

interface Product {
  readonly batch?: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly isATransposed?: boolean;
  readonly isBTransposed?: boolean;
  /** b, not a, lies in the arena of the output. */
  readonly isBBesideOutput?: boolean;
}

/** y = a b with operands stored in either order; `extend` adds to the kernel. */
function product(
  bench: Bench,
  { batch = 1, m, n, k, isATransposed, isBTransposed, isBBesideOutput }: Product,
): ContractionKernel {
  const [entry, rows, columns, depth] = [
    axes([batch], 0),
    axes([m], 1),
    axes([n], 2),
    axes([k], 3),
  ];
  const [a, b] = [bench.noise(batch * m * k), bench.noise(batch * k * n)];
  if (isBBesideOutput) bench.noise(1); // buffers lie in two arenas in turn
  const y = bench.output(batch * m * n);
  return {
    kind: "contraction",
    ...about,
    batch: entry,
    m: rows,
    n: columns,
    k: depth,
    a: bench.load(a, isATransposed ? flat(...entry, ...depth, ...rows) : flat(...entry, ...rows, ...depth)), // prettier-ignore
    b: bench.load(b, isBTransposed ? flat(...entry, ...columns, ...depth) : flat(...entry, ...depth, ...columns)), // prettier-ignore
    stores: [store(y, flat(...entry, ...rows, ...columns), accumulator)],
  };
}

describe("matrix products", () => {
  test.each([
    { m: 1, n: 1, k: 1 },
    { m: 3, n: 5, k: 7 },
    { m: 33, n: 31, k: 17 },
    { m: 197, n: 10, k: 64 },
    { m: 8, n: 130, k: 40 },
    { m: 67, n: 129, k: 100 },
    { batch: 6, m: 17, n: 17, k: 16 },
  ])("%o", async (size) => {
    const bench = new Bench();
    // Code for GPUs takes a second each to compile on a software adapter: every tile is tried below.
    const generators = size.m % 3 === 1 ? [forGpu, forSoftware] : [forSoftware];
    await bench.check(product(bench, size), 2e-6, generators);
  });

  test.each([
    { isATransposed: true, isBTransposed: false },
    { isATransposed: false, isBTransposed: true },
    { isATransposed: true, isBTransposed: true },
  ])("with operands stored the other way: %o", async (order) => {
    const bench = new Bench();
    await bench.check(product(bench, { batch: 2, m: 37, n: 41, k: 50, ...order }));
  });

  const tiles = new Set(Object.values(TILE_TABLES).flatMap((table) => table.tiles));
  const orders = [false, true].flatMap((isATransposed) =>
    [false, true].map((isBTransposed) => ({ isATransposed, isBTransposed })),
  );

  test.each([...tiles].map((tile, i) => ({ tile, order: orders[i % 4]! })))(
    "with the tile $tile, at sizes that leave it partly empty, odd and even",
    async ({ tile, order }) => {
      for (const size of [
        { batch: 2, m: 70, n: 66, k: 19 },
        { m: 36, n: 84, k: 20, ...order },
      ]) {
        const bench = new Bench();
        await bench.check(product(bench, size), 2e-6, [withTile(tile)]);
      }
    },
  );

  test.each(orders)(
    "four elements are read at a time where an arena is only read: %o",
    async (order) => {
      const [tile] = TILE_TABLES.integrated.tiles.slice(2);
      for (const isBBesideOutput of [false, true]) {
        const bench = new Bench();
        const kernel = product(bench, { batch: 2, m: 36, n: 52, k: 24, ...order, isBBesideOutput });
        const shader = bench.shader(kernel, withTile(tile!));
        expect(shader).toContain(`arena${isBBesideOutput ? 0 : 1}: array<vec4u>`);
        expect(shader.match(/const vectors\d = true/g)).toHaveLength(1);
        await bench.check(kernel, 2e-6, [withTile(tile!)]);
      }
    },
  );
});

const withTile =
  (tile: Tile): Generator =>
  (kernel, buffers) => {
    const text = new KernelText(buffers);
    const { threads, workgroups } = writeContraction(text, kernel as ContractionKernel, DEFAULT_WEBGPU_LIMITS, tile); // prettier-ignore
    const code = {
      target: "webgpu",
      name: "tile",
      wgsl: text.finish(threads),
      workgroups,
    } as const;
    return { key: JSON.stringify(tile), code, order: text.order };
  };

describe("the table", () => {
  const tileOf = (m: number, n: number, k: number, gpuClass?: GpuClass): Tile =>
    chooseTile({ batch: 1, m, n, k }, { ...DEFAULT_WEBGPU_LIMITS, ...(gpuClass && { gpuClass }) });

  test("large products get large tiles, narrow ones narrow tiles", () => {
    expect(tileOf(1576, 3072, 768)).toMatchObject({ down: 16, across: 16, high: 8, wide: 8 });
    expect(tileOf(1088, 192, 768)).toMatchObject({ down: 8, across: 8 });
    expect(tileOf(4096, 10, 192)).toMatchObject({ down: 16, across: 4 });
    expect(tileOf(10, 4096, 192)).toMatchObject({ down: 4, across: 16 });
  });

  test("a sum of a few steps gets a shallow tile", () => {
    expect(tileOf(1088, 192, 3)).toMatchObject({ depth: 4 });
    expect(tileOf(1088, 192, 64)).toMatchObject({ depth: 16 });
  });

  test("a GPU beside a CPU has fewer registers and is busy sooner", () => {
    expect(tileOf(1576, 3072, 768, "integrated")).toMatchObject({ high: 8, wide: 4 });
    expect(tileOf(512, 512, 512, "discrete")).toMatchObject({ high: 4, wide: 4 });
    expect(tileOf(512, 512, 512, "integrated")).toMatchObject({ high: 8, wide: 4 });
  });

  test("no tile takes more of a workgroup than every device has", () => {
    const small = { ...DEFAULT_WEBGPU_LIMITS, workgroupInvocations: 64, workgroupBytes: 8192 };
    const { down, across } = chooseTile({ batch: 1, m: 4096, n: 4096, k: 4096 }, small);
    expect(down * across).toBeLessThanOrEqual(64);
  });
});

test("bias, activation and residual join as an epilogue, and several stores are made", async () => {
  const bench = new Bench();
  const kernel = product(bench, { m: 45, n: 70, k: 33 });
  const [bias, residual, before] = [bench.noise(70), bench.noise(45 * 70), bench.output(45 * 70)];
  const place = flat(...kernel.m, ...kernel.n);
  const biased = apply("add", [accumulator, bench.load(bias, at(kernel.n[0]!))]);
  const active = apply("multiply", [biased, apply("sigmoid", [biased])]);
  await bench.check({
    ...kernel,
    stores: [
      store(before, place, biased),
      store(2, place, apply("add", [active, bench.load(residual, place)])),
    ],
  });
});

test("a prologue scales the operand while it is packed", async () => {
  const bench = new Bench();
  const kernel = product(bench, { m: 21, n: 18, k: 30 });
  const scale = bench.noise(21);
  const value = apply("multiply", [kernel.a, bench.load(scale, at(kernel.m[0]!))]);
  await bench.check({ ...kernel, a: apply("maximum", [value, constant(0)]) });
});

test.each([
  { m: 20, n: 70, k: 300 },
  { batch: 3, m: 40, n: 9, k: 33 },
])("sums of both operands over k come as further outputs: %o", async (size) => {
  const bench = new Bench();
  const kernel = product(bench, { ...size, isATransposed: true });
  const batch = size.batch ?? 1;
  const [sumOfA, sumOfB] = [bench.output(batch * size.m), bench.output(batch * size.n)];
  await bench.check({
    ...kernel,
    sumOfA: { buffer: sumOfA, index: flat(...kernel.batch, ...kernel.m) },
    sumOfB: { buffer: sumOfB, index: flat(...kernel.batch, ...kernel.n) },
  });
});

test("a convolution is a product through a guarded window", async () => {
  const bench = new Bench();
  const [images, size, channels, filters, kernelSize] = [2, 9, 3, 5, 3];
  const [image, row, column] = axes([images, size, size]);
  const [filter] = axes([filters], 3);
  const [dy, dx, channel] = axes([kernelSize, kernelSize, channels], 4);
  const x = bench.noise(images * size * size * channels);
  const w = bench.noise(kernelSize * kernelSize * channels * filters);
  const y = bench.output(images * size * size * filters);
  const [r, c] = [add(at(row!), at(dy!), constantIndex(-1)), add(at(column!), at(dx!), constantIndex(-1))]; // prettier-ignore
  const pixel = add(multiply(at(image!), size * size), multiply(r, size), c);
  await bench.check({
    kind: "contraction",
    ...about,
    batch: [],
    m: [image!, row!, column!],
    n: [filter!],
    k: [dy!, dx!, channel!],
    a: {
      kind: "guard",
      conditions: [
        { index: r, low: 0, high: size },
        { index: c, low: 0, high: size },
      ],
      value: bench.load(x, add(multiply(pixel, channels), at(channel!))),
      otherwise: constant(0),
      dtype: "f32",
    },
    b: bench.load(w, flat(dy!, dx!, channel!, filter!)),
    stores: [store(y, flat(image!, row!, column!, filter!), accumulator)],
  });
});
