// Row reductions by exchanges inside subgroups: the same values on the software adapter, whose subgroups have 4; larger
// ones are compiled, since WebGPU has no larger ones in software.
import { describe, expect, test } from "vitest";
import type { AttentionKernel, HeadsView, LoopKernel } from "../../../compiler/kernels/kernel.ts";
import { DEFAULT_WEBGPU_LIMITS } from "../../../compiler/program/limits.ts";
import { generateWgsl } from "../../../compiler/wgsl/generate.ts";
import { exchangeMasks } from "../../../compiler/wgsl/subgroups.ts";
import { about, apply, axes, Bench, flat, softwareDevice, store } from "./kernel-bench.ts";

const limitsOf = (subgroupSize: number) => ({ ...DEFAULT_WEBGPU_LIMITS, subgroupSize });

test("neighbours are joined first, as far as the subgroup and the row reach", () => {
  expect(exchangeMasks(256, 1, limitsOf(32))).toEqual([1, 2, 4, 8, 16]);
  expect(exchangeMasks(8, 1, limitsOf(32))).toEqual([1, 2, 4]);
  expect(exchangeMasks(16, 8, limitsOf(32))).toEqual([8, 16]);
  expect(exchangeMasks(16, 32, limitsOf(32))).toEqual([]);
  expect(exchangeMasks(16, 1, DEFAULT_WEBGPU_LIMITS)).toEqual([]);
});

/** The mean, the largest and its place, of each row. */
function rowStatistics(bench: Bench, rows: number, columns: number): LoopKernel {
  const [grid, row] = [axes([rows]), axes([columns], 1)];
  const x = bench.load(bench.noise(rows * columns), flat(...grid, ...row));
  const outputs = [bench.output(rows), bench.output(rows), bench.output(rows, "i32")];
  const stored = (stage: number, dtype: "f32" | "i32") =>
    ({ kind: "store", over: "grid", store: store(outputs[stage]!, flat(...grid), { kind: "reduced", stage, dtype }) }) as const; // prettier-ignore
  return {
    kind: "loop",
    ...about,
    grid,
    row,
    stages: [
      { kind: "reduce", reducer: "sum", value: apply("multiply", [x, x]), dtype: "f32" },
      { kind: "reduce", reducer: "max", value: x, dtype: "f32" },
      { kind: "reduce", reducer: "argmin", value: x, dtype: "i32" },
      stored(0, "f32"),
      stored(1, "f32"),
      stored(2, "i32"),
    ],
  };
}

describe("rows", () => {
  test.each([
    [40, 8],
    [3, 197],
    [1, 5000],
  ])("%i of %i", async (rows, columns) => {
    const bench = new Bench();
    await bench.check(rowStatistics(bench, rows, columns));
  });

  test("a row that a subgroup holds needs no workgroup memory and no barrier", () => {
    const bench = new Bench();
    const kernel = rowStatistics(bench, 2048, 256);
    const textOf = (limits: typeof DEFAULT_WEBGPU_LIMITS): string => {
      const { code } = generateWgsl(kernel, bench.buffers, limits);
      return code.target === "webgpu" ? code.wgsl : "";
    };
    expect(textOf(limitsOf(32))).not.toMatch(/workgroupBarrier|var<workgroup>/);
    expect(textOf(limitsOf(8))).toMatch(/subgroupShuffleXor[^]*workgroupBarrier/);
    expect(textOf(DEFAULT_WEBGPU_LIMITS)).not.toMatch(/subgroup/);
  });
});

function attention(bench: Bench, channels: number): AttentionKernel {
  const [queries, keys] = [37, 67];
  const view = (buffer: number): HeadsView => ({
    buffer,
    offset: 0,
    strides: [0, 0, channels, 1],
  });
  return {
    kind: "attention",
    ...about,
    pass: "forward",
    batch: [1],
    heads: 1,
    queries,
    keys,
    channels,
    valueChannels: channels,
    scale: 0.5,
    q: view(bench.noise(queries * channels)),
    k: view(bench.noise(keys * channels)),
    v: view(bench.noise(keys * channels)),
    output: view(bench.output(queries * channels)),
    statistics: bench.output(queries),
  };
}

describe("what larger subgroups get is taken by a device", () => {
  test.each([4, 8, 16, 32, 64])("of %i", async (subgroupSize) => {
    const device = await softwareDevice();
    const kernels = [
      (bench: Bench) => rowStatistics(bench, 3, 197),
      (bench: Bench) => attention(bench, 16),
    ];
    for (const make of kernels) {
      const bench = new Bench();
      const program = bench.program(make(bench), (kernel, buffers) =>
        generateWgsl(kernel, buffers, limitsOf(subgroupSize)),
      );
      expect(JSON.stringify(program.codes)).toContain("subgroupShuffleXor");
      (await device.load(program)).close();
    }
  });
});

test("the device has tried them before it says that it has them", async () => {
  const { limits } = await softwareDevice();
  expect(limits.subgroupSize).toBe(4);
});
