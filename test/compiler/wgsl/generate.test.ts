// What generated shaders look like, how their arenas are bound, and which limits refuse a kernel.
import { describe, expect, test } from "vitest";
import type { AttentionKernel, LoopKernel } from "../../../compiler/kernels/kernel.ts";
import { DEFAULT_WEBGPU_LIMITS } from "../../../compiler/program/limits.ts";
import type { Place } from "../../../compiler/program/program.ts";
import { LimitError } from "../../../compiler/program/target.ts";
import { bindArenas, offsetWords, placePattern } from "../../../compiler/wgsl/bindings.ts";
import { generateWgsl } from "../../../compiler/wgsl/generate.ts";
import { foldWorkgroups } from "../../../compiler/wgsl/workgroups.ts";
import { about, apply, at, axes, Bench, constant, flat, store } from "./kernel-bench.ts";

/** y = mean over rows of x, plus a bias. */
function meanKernel(bench: Bench): LoopKernel {
  const [grid, row] = [axes([3]), axes([200], 1)];
  const [x, bias, y] = [bench.noise(600), bench.noise(3), bench.output(3)];
  const mean = apply("multiply", [{ kind: "reduced", stage: 0, dtype: "f32" }, constant(1 / 200)]);
  const value = apply("add", [mean, bench.load(bias, at(grid[0]!))]);
  return {
    kind: "loop",
    ...about,
    grid,
    row,
    stages: [
      { kind: "reduce", reducer: "sum", value: bench.load(x, flat(...grid, ...row)), dtype: "f32" },
      { kind: "store", over: "grid", store: store(y, flat(...grid), value) },
    ],
  };
}

test("a row reduction: lanes share the row, a tree joins them, lane 0 stores", () => {
  const bench = new Bench();
  const { code, order } = generateWgsl(meanKernel(bench), bench.buffers, DEFAULT_WEBGPU_LIMITS);
  expect(order).toEqual([0, 1, 2]);
  expect(code).toMatchInlineSnapshot(`
    {
      "name": "loop",
      "target": "webgpu",
      "wgsl": "var<workgroup> shared_f32: array<f32, 128>;
    @compute @workgroup_size(128)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
      let block = i32(group.x);
      let local = i32(invocation);
      let lane = local % 128;
      let place = block * 1 + local / 128;
      let point = place;
      var best0: f32 = 0f;
      for (var element = lane; element < 200; element += 128) {
        let v0 = bitcast<f32>(load0((point * 200 + element)));
        best0 += v0;
      }
      shared_f32[local] = best0;
      workgroupBarrier();
      for (var half = 64; half >= 1; half = half / 2) {
        if (lane < half) {
          let other = shared_f32[local + half];
          best0 += other;
          shared_f32[local] = best0;
        }
        workgroupBarrier();
      }
      best0 = shared_f32[local - lane];
      workgroupBarrier();
      if (lane == 0) {
        let v1 = (best0 * 0.004999999888241291f);
        let v2 = bitcast<f32>(load1(point));
        let v3 = (v1 + v2);
        store2(point, bitcast<u32>(v3));
      }
    }
    ",
      "workgroups": [
        3,
        1,
        1,
      ],
    }
  `);
});

describe("binding arenas", () => {
  const body = "fn main() { store2(0, load0(0) + load1(0)); }";
  const places = [
    { arena: 4, offset: 256 },
    { arena: 7, offset: 0 },
    { arena: 7, offset: 1024 },
  ];

  test("each arena is bound once, read-only where nothing in it is written", () => {
    expect(bindArenas(body, places)).toMatchInlineSnapshot(`
      {
        "arenas": [
          4,
          7,
        ],
        "isWritten": [
          false,
          true,
        ],
        "wgsl": "@group(0) @binding(0) var<uniform> offsets: array<vec4u, 1>;
      @group(0) @binding(1) var<storage, read> arena0: array<u32>;
      @group(0) @binding(2) var<storage, read_write> arena1: array<u32>;
      fn load0(index: i32) -> u32 { return arena0[offsets[0].x + u32(index)]; }
      fn load1(index: i32) -> u32 { return arena1[offsets[0].y + u32(index)]; }
      fn store2(index: i32, bits: u32) { arena1[offsets[0].z + u32(index)] = bits; }
      fn main() { store2(0, load0(0) + load1(0)); }",
      }
    `);
  });

  test("an arena of halves has elements of its own type, whose values are halves already", () => {
    const halves = [places[0]!, { arena: 7, offset: 6, isHalf: true as const }, places[1]!];
    expect([...offsetWords(halves)]).toEqual([64, 3, 0, 0]);
    const { wgsl } = bindArenas(
      "fn main() { store1(0, load0(0) + load1(0)); }",
      halves.slice(0, 2),
    );
    expect(wgsl).toMatchInlineSnapshot(`
      "enable f16;
      @group(0) @binding(0) var<uniform> offsets: array<vec4u, 1>;
      @group(0) @binding(1) var<storage, read> arena0: array<u32>;
      @group(0) @binding(2) var<storage, read_write> arena1: array<f16>;
      fn load0(index: i32) -> u32 { return arena0[offsets[0].x + u32(index)]; }
      fn load1(index: i32) -> u32 { return bitcast<u32>(f32(arena1[offsets[0].y + u32(index)])); }
      fn store1(index: i32, bits: u32) { arena1[offsets[0].y + u32(index)] = f16(bitcast<f32>(bits)); }
      fn main() { store1(0, load0(0) + load1(0)); }"
    `);
  });

  test("what is read by four elements at a time is an array of vectors, unless the kernel writes beside it", () => {
    const body = "fn main() { store2(0, quad0(0).x + load0(1) + quad1(4).y + load1(1)); }";
    const aligned = [
      { arena: 7, offset: 256 },
      { arena: 3, offset: 512 },
      { arena: 3, offset: 0 },
    ];
    const linesOf = (places: readonly Place[]) => bindArenas(body, places).wgsl.split("\n").slice(1, -1); // prettier-ignore
    expect(linesOf(aligned)).toMatchInlineSnapshot(`
      [
        "@group(0) @binding(1) var<storage, read> arena0: array<vec4u>;",
        "@group(0) @binding(2) var<storage, read_write> arena1: array<u32>;",
        "fn load0(index: i32) -> u32 { let at = offsets[0].x + u32(index); return arena0[at / 4u][at % 4u]; }",
        "const vectors0 = true;",
        "fn quad0(index: i32) -> vec4u { return arena0[(offsets[0].x + u32(index)) / 4u]; }",
        "fn load1(index: i32) -> u32 { return arena1[offsets[0].y + u32(index)]; }",
        "const vectors1 = false;",
        "fn quad1(index: i32) -> vec4u { return vec4u(load1(index + 0), load1(index + 1), load1(index + 2), load1(index + 3)); }",
        "fn store2(index: i32, bits: u32) { arena1[offsets[0].z + u32(index)] = bits; }",
      ]
    `);
    const halves = [{ arena: 7, offset: 8, isHalf: true as const }, ...aligned.slice(1)];
    expect(linesOf(halves)).toContain(
      "fn quad0(index: i32) -> vec4u { return bitcast<vec4u>(vec4f(arena0[(offsets[0].x + u32(index)) / 4u])); }",
    );
    const shifted = [{ arena: 7, offset: 4 }, ...aligned.slice(1)];
    expect(linesOf(shifted)).toContain("const vectors0 = false;");
    expect(placePattern(shifted)).not.toBe(placePattern(aligned));
  });

  test("offsets are counted in elements and fill whole vectors", () => {
    expect([...offsetWords(places)]).toEqual([64, 0, 256, 0]);
  });
});

describe("limits", () => {
  test("many workgroups are folded into two dimensions", () => {
    expect(foldWorkgroups(65535, DEFAULT_WEBGPU_LIMITS)).toEqual([65535, 1, 1]);
    const [x, y] = foldWorkgroups(200_000, DEFAULT_WEBGPU_LIMITS);
    expect([x, y]).toEqual([50_000, 4]);
    expect(() => foldWorkgroups(65535 ** 2 + 1, DEFAULT_WEBGPU_LIMITS)).toThrow(LimitError);
  });

  test("attention over very wide heads is refused where workgroup memory is small", () => {
    const bench = new Bench();
    const view = { buffer: bench.noise(1), offset: 0, strides: [0, 0, 0, 0] };
    const kernel: AttentionKernel = {
      kind: "attention",
      ...about,
      pass: "forward",
      batch: [1],
      heads: 1,
      queries: 8,
      keys: 8,
      channels: 8,
      valueChannels: 4096,
      scale: 1,
      q: view,
      k: view,
      v: view,
      output: view,
      statistics: 0,
    };
    const generate = (): unknown => generateWgsl(kernel, bench.buffers, DEFAULT_WEBGPU_LIMITS);
    expect(generate).toThrow(/attention needs 24 KiB of workgroup memory/);
  });
});
