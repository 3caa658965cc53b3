// Short ways to write kernels by hand in tests, and the comparison with the reference.
import { expect } from "vitest";
import type { DType } from "../../../compiler/graph/graph.ts";
import type { Axis, Expression, LoopKernel, Stage } from "../../../compiler/kernels/kernel.ts";
import { add, axisIndex, linearIndex, multiply } from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import type { ScalarInstruction } from "../../../compiler/ops/op.ts";
import { reference } from "./reference.ts";
import { deviceWith, runOn } from "./run-kernels.ts";
import type { Case } from "./run-kernels.ts";

export const base = {
  id: 0,
  label: "test",
  origin: { path: "" },
  macs: 0,
  flops: 0,
  phase: "forward",
} as const;

export const i = (axis: Axis): Index => axisIndex(axis.id, axis.extent);
export const axes = (...extents: number[]): Axis[] => extents.map((extent, id) => ({ id, extent }));
/** Row-major position over some axes. */
export const over = (...list: Axis[]): Index =>
  linearIndex(list.map(i), list.map((axis) => axis.extent)); // prettier-ignore
export { add, multiply };

export const load = (buffer: number, index: Index, dtype: DType = "f32"): Expression => ({
  kind: "load",
  buffer,
  index,
  dtype,
});
export const number = (value: number, dtype: DType = "f32"): Expression => ({
  kind: "constant",
  value,
  dtype,
});
export const apply = (
  instruction: ScalarInstruction,
  args: readonly Expression[],
  dtype: DType = "f32",
): Expression => ({ kind: "apply", instruction, arguments: args, dtype });
export const reduced = (stage: number, dtype: DType = "f32"): Expression => ({
  kind: "reduced",
  stage,
  dtype,
});

export function loopKernel(
  grid: Axis[],
  row: Axis[],
  stages: Stage[],
  parts?: LoopKernel["parts"],
): LoopKernel {
  return { ...base, kind: "loop", grid, row, stages, ...(parts && { parts }) };
}

/** Numbers in [-1, 1) (times `scale`) that look random and are the same each time. */
export function noise(length: number, seed = 1, scale = 1): number[] {
  let state = (seed * 2654435761) >>> 0;
  return Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.fround(((state >>> 8) / 2 ** 23 - 1) * scale);
  });
}

/** Integers in [0, below). */
export function whole(length: number, below: number, seed = 1): number[] {
  return noise(length, seed).map((x) => Math.floor(((x + 1) / 2) * below));
}

const bits = (array: ArrayLike<number> & ArrayBufferView): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex");

/**
 * The kernels of a case give what the reference gives (within `tolerance` of each buffer's largest value),
 * with and without fused multiply-add, and the same bits on one, two and three threads.
 */
export async function check(given: Case, tolerance = 2e-6): Promise<void> {
  const expected = reference(given);
  const runs: ReturnType<typeof runOn>[] = [];
  for (const relaxed of [true, false]) {
    const one = await runOn(await deviceWith({ threads: 1, relaxed }), given);
    one.forEach((found, id) => expectNear(found, expected[id]!, tolerance, `buffer ${id}`));
    runs.push(Promise.resolve(one));
    for (const threads of [2, 3]) {
      const many = await runOn(await deviceWith({ threads, relaxed }), given);
      one.forEach((found, id) =>
        expect(bits(many[id]!), `buffer ${id} on ${threads} threads`).toBe(bits(found)),
      );
    }
  }
}

export function expectNear(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const scale = Math.max(
    1e-30,
    ...Array.from(expected, (x) => (Number.isFinite(x) ? Math.abs(x) : 0)),
  );
  for (let at = 0; at < expected.length; at++) {
    const [a, b] = [found[at]!, expected[at]!];
    if (Object.is(a, b) || Math.abs(a - b) <= tolerance * scale) continue;
    if (!Number.isFinite(b) && Object.is(a, Math.fround(b))) continue;
    expect.fail(`${what}[${at}] is ${a}, not ${b} (largest ${scale})`);
  }
}
