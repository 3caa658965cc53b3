// Scatter-add as WGSL, on the software adapter, against plain loops: equal indices add up in order, without atomics.
import { expect, test } from "vitest";
import type { ScatterKernel } from "../../../compiler/kernels/kernel.ts";
import { about, Bench, forGpu } from "./kernel-bench.ts";

function scatter(
  bench: Bench,
  size: { outer: number; count: number; size: number; inner: number },
): ScatterKernel {
  const { outer, count, inner } = size;
  const picked = Array.from({ length: outer * count }, (_, i) => (i * 7919 + (i >> 3)) % size.size);
  return {
    kind: "scatter",
    ...about,
    ...size,
    indices: bench.input(picked, "i32"),
    values: bench.noise(outer * count * inner),
    output: bench.output(outer * size.size * inner),
  };
}

test.each([
  { outer: 1, count: 1, size: 1, inner: 1 },
  { outer: 3, count: 50, size: 7, inner: 1 },
  { outer: 1, count: 20, size: 31, inner: 5 },
  { outer: 2, count: 33, size: 9, inner: 64 },
  { outer: 1, count: 2500, size: 5, inner: 70 },
])("%o", async (size) => {
  const bench = new Bench();
  await bench.check(scatter(bench, size), 1e-5, [forGpu]);
});

test("values of one position are added in the order of their indices", async () => {
  // 1e8 + 1 - 1e8 is 0 in float32 in this order and 1 in another.
  const bench = new Bench();
  const kernel: ScatterKernel = {
    kind: "scatter",
    ...about,
    outer: 1,
    count: 3,
    size: 1,
    inner: 1,
    indices: bench.input([0, 0, 0], "i32"),
    values: bench.input([1e8, 1, -1e8]),
    output: bench.output(1),
  };
  expect((await bench.run(kernel, forGpu))[2]).toEqual(Float32Array.of(0));
});
