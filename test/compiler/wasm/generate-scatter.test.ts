import { expect, test } from "vitest";
import type { ScatterKernel } from "../../../compiler/kernels/kernel.ts";
import { base, check, noise, whole } from "./kernel-notation.ts";
import { deviceWith, runOn } from "./run-kernels.ts";

const zeros = (length: number): number[] => Array.from({ length: length }, () => 0);

function scatter(outer: number, count: number, size: number, inner: number): ScatterKernel {
  return { ...base, kind: "scatter", outer, count, size, inner, indices: 0, values: 1, output: 2 };
}

test.each([
  [1, 1, 1, 1],
  [1, 30, 7, 5],
  [3, 20, 11, 16],
  [2, 9, 100, 1],
  [1, 50, 2, 67],
])("%i groups of %i rows into %i rows of %i", async (outer, count, size, inner) => {
  await check({
    buffers: [
      { dtype: "i32", values: whole(outer * count, size) },
      { values: noise(outer * count * inner, 2) },
      { values: noise(outer * size * inner, 3) },
    ],
    kernels: [scatter(outer, count, size, inner)],
  });
});

test("an index outside of the output is left out", async () => {
  await check({
    buffers: [{ dtype: "i32", values: [0, -1, 3, 2] }, { values: noise(12) }, { values: zeros(9) }],
    kernels: [scatter(1, 4, 3, 3)],
  });
});

test("equal indices are summed in order", async () => {
  const given = {
    buffers: [
      { dtype: "i32" as const, values: [0, 0, 0] },
      { values: [1e8, 1, -1e8] },
      { values: [0] },
    ],
    kernels: [scatter(1, 3, 1, 1)],
  };
  const results = await runOn(await deviceWith({ threads: 2 }), given);
  expect([...results[2]!]).toEqual([0]);
});
