import wabt from "wabt";
import { describe, expect, test } from "vitest";
import { buffersOf } from "../../../compiler/kernels/kernel-buffers.ts";
import { kernelKey } from "../../../compiler/kernels/kernel-key.ts";
import type { Axis, Kernel } from "../../../compiler/kernels/kernel.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { decodeBase64, encodeBase64 } from "../../../compiler/wasm/base64.ts";
import { wasmTarget } from "../../../compiler/wasm/generate.ts";
import { relaxedProbe } from "../../../compiler/wasm/relaxed-probe.ts";
import { apply, axes, base, i, load, loopKernel, over, reduced } from "./kernel-notation.ts";
import { buffersOfCase, programOf } from "./run-kernels.ts";

const [a, b, c] = axes(6, 20, 9) as [Axis, Axis, Axis];
const x = load(0, over(a, b));

const softmax = (from: number, to: number): Kernel => {
  const value = load(from, over(a, b));
  const e = apply("exp", [apply("subtract", [value, reduced(0)])]);
  return loopKernel(
    [a],
    [b],
    [
      { kind: "reduce", reducer: "max", value, dtype: "f32" },
      { kind: "reduce", reducer: "sum", value: e, dtype: "f32" },
      {
        kind: "store",
        over: "row",
        store: { buffer: to, index: over(a, b), value: apply("power", [e, reduced(1)]) },
      },
    ],
  );
};
const product: Kernel = {
  ...base,
  kind: "contraction",
  batch: [],
  m: [a],
  n: [c],
  k: [b],
  a: x,
  b: load(1, over(b, c)),
  stores: [
    {
      buffer: 2,
      index: over(a, c),
      value: apply("add", [{ kind: "accumulator", dtype: "f32" }, load(3, i(c))]),
    },
  ],
};
const given = {
  buffers: [120, 180, 120, 9].map((length) => ({
    values: Array.from({ length: length }, () => 0),
  })),
  kernels: [softmax(0, 2), product],
};

const features = { simd: true, threads: true, relaxed_simd: true } as object;

/** @throws what wabt finds wrong. */
async function validate(bytes: Uint8Array): Promise<void> {
  const module = (await wabt()).readWasm(bytes, features) as unknown as {
    validate(on: object): void;
  };
  module.validate(features);
}

describe("the module", () => {
  test.each(["relaxed", "plain"] as const)("%s: wabt finds it valid", async (kind) => {
    await expect(validate(decodeBase64(programOf(given).module![kind]))).resolves.toBeUndefined();
  });

  test("plain has no relaxed instruction, relaxed has", async () => {
    const { relaxed, plain } = programOf(given).module!;
    const text = async (module: string): Promise<string> =>
      (await wabt()).readWasm(decodeBase64(module), features).toText({});
    expect(await text(plain)).not.toContain("relaxed");
    expect(await text(relaxed)).toContain("f32x4.relaxed_madd");
  });

  test("the probe is a valid module", async () => {
    await expect(validate(relaxedProbe())).resolves.toBeUndefined();
  });

  test("a broken module is found out", async () => {
    const bytes = relaxedProbe();
    bytes[bytes.length - 2] = 0x6a;
    await expect(validate(bytes)).rejects.toThrow();
  });
});

describe("the target", () => {
  const buffers = buffersOfCase(given);

  test("kernels of one structure over other buffers share a key, others do not", () => {
    const key = (kernel: Kernel): string => kernelKey(kernel, buffersOf(kernel), buffers);
    expect(key(softmax(0, 2))).toBe(key(softmax(2, 0)));
    expect(key(softmax(0, 2))).not.toBe(key(softmax(0, 0)));
    expect(key({ ...softmax(0, 2), label: "other", id: 7 })).toBe(key(softmax(0, 2)));
  });

  test("a few operations stay on one thread, many are shared", () => {
    const elementwise = (extent: number): boolean => {
      const [all] = axes(extent) as [Axis];
      const value = apply("exp", [load(0, i(all))]);
      const kernel = loopKernel(
        [all],
        [],
        [{ kind: "store", over: "grid", store: { buffer: 1, index: i(all), value } }],
      );
      const { code } = wasmTarget.generate(kernel, buffers, WASM_LIMITS);
      return code.target === "wasm" && code.parallel;
    };
    expect([100, 1_000_000].map(elementwise)).toEqual([false, true]);
  });
});

test("base64 there and back", () => {
  for (let length = 0; length < 10; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 77 + 200) % 256);
    expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
  }
});
