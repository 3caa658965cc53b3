// Mean and variance of long columns in float32, of numbers that lie far from zero beside how they spread: what is left of
// the variance shows whether the sums of parts are joined without taking something large from something large.
import { expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import type { Kernel } from "../../../compiler/kernels/kernel.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { noise } from "./kernel-notation.ts";
import { deviceWith, runOn } from "./run-kernels.ts";

const columns = 5;

/** Mean and variance of each column of an array of `rows` rows, by kernels on the wasm device. */
async function moments(rows: number, values: Float32Array) {
  const g = new Builder();
  const x = g.input("x", { shape: [rows, columns], dtype: "f32" });
  const mean = g.mean(x, [0]);
  const centred = g.subtract(x, g.spread(mean, x.shape, [0]));
  const variance = g.mean(g.multiply(centred, centred), [0]);
  const outputs = [
    { name: "mean", value: mean },
    { name: "variance", value: variance },
  ];
  const { kernels, buffers } = fuse(g.finish({ outputs }));
  const results = await runOn(await deviceWith({ threads: 2 }), {
    buffers: buffers.map(({ role, length }) => ({
      values: role.kind === "input" ? [...values] : new Float64Array(length),
    })),
    kernels: kernels as readonly Kernel[],
  });
  const output = (name: string) =>
    results[buffers.findIndex(({ role }) => role.kind === "output" && role.name === name)]!;
  return { mean: output("mean"), variance: output("variance"), dispatches: kernels.length };
}

function columnOf(values: Float32Array, column: number): number[] {
  return [...values].filter((_, i) => i % columns === column);
}

/** In float64. */
function varianceOf(column: readonly number[]): number {
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  return column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
}

// The last part is as long as the others, shorter, and of a single element.
test.each([4096, 8209, 1025])("%i rows around 0, 1000 and -30000", async (rows) => {
  for (const shift of [0, 1000, -30000]) {
    const values = Float32Array.from(noise(rows * columns, 3), (value) => value + shift);
    const { variance, dispatches } = await moments(rows, values);
    expect(dispatches).toBe(2);
    for (let column = 0; column < columns; column++) {
      const expected = varianceOf(columnOf(values, column));
      // The means of parts are rounded once each; squares taken from squares would be off by shift^2 * 2^-24.
      const allowed = Math.abs(shift) * 2 ** -24 * Math.sqrt(expected) + expected * 1e-5;
      expect(Math.abs(variance[column]! - expected)).toBeLessThan(allowed);
    }
  }
});

test("columns that are constant have no variance", async () => {
  const values = Float32Array.from({ length: 8209 * columns }, (_, i) => 7.3 * (1 + (i % columns)));
  const { variance } = await moments(8209, values);
  for (const value of variance) expect(value).toBeLessThan(1e-8);
});
