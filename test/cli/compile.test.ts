// `vit compile`: what holds the memory, and the largest batch that fits a device.
import { describe, expect, test, vi } from "vitest";
import { runVit, runVitJson } from "./run-vit.ts";
import type { CompileFigures } from "../../runtime/spec/compile-figures.ts";
import type { LargestBatch } from "../../runtime/spec/largest-batch.ts";

vi.setConfig({ testTimeout: 60_000 });

type Figures = CompileFigures & {
  readonly fitting?: readonly (LargestBatch & {
    readonly memory: number | null;
    readonly recompute: boolean;
  })[];
};
const digits = ["compile", "examples/digits.vit", "--device", "wasm", "--threads", "1"];
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("vit compile", () => {
  test("says by kind what the memory is for, at the peak, and names the largest arrays by line", async () => {
    const { memory, holding } = await runVitJson<Figures>(...digits);
    expect(sum(Object.values(holding.byKind))).toBe(memory.total);
    expect(holding.byKind.saved).toBeGreaterThan(memory.total / 2);
    expect(holding.peak).toMatchObject({ entry: "train" });
    expect(holding.largest[0]).toMatchObject({ kind: "saved", module: "model.layers.0.attn.qkv" });
    expect(holding.largest[0]!.source).toMatch(/^specs\/vit\.vit:\d+:\d+$/);
    const { out } = await runVit(...digits);
    expect(out).toMatch(/MiB {2}\d+\.\d % {2}saved for the backward pass/);
    expect(out).toMatch(/peak +in train, at model\.layers\.3/);
  });

  test("computes layers again on request, and then holds one inside at a time", async () => {
    const [kept, again] = [await runVitJson<Figures>(...digits), await runVitJson<Figures>(...digits, "--recompute", "layers")]; // prettier-ignore
    expect(again.holding.byKind.saved).toBeLessThan(kept.holding.byKind.saved / 5);
    expect(again.memory.total).toBeLessThan(kept.memory.total / 2);
    const { out } = await runVit(...digits, "--recompute", "8MB");
    expect(out).toMatch(/recomputed +3 of 4 layers/);
  });

  test("finds the largest batch that fits: the next one does not", async () => {
    const { fitting } = await runVitJson<Figures>(...digits, "--memory", "40MB");
    const [own, again] = fitting!;
    expect(own).toMatchObject({ memory: 40e6, because: "memory", recompute: false });
    expect(again).toMatchObject({ memory: 40e6, because: "memory", recompute: true });
    expect(again!.batch).toBeGreaterThan(own!.batch * 2);
    const total = async (batch: number) => (await runVitJson<Figures>(...digits, "--batch", String(batch))).memory.total; // prettier-ignore
    expect(await total(own!.batch)).toBeLessThanOrEqual(40e6);
    expect(await total(own!.batch + 1)).toBeGreaterThan(40e6);
  });

  test("finds the largest batch that keeps to a budget, however large the memory", async () => {
    const { fitting } = await runVitJson<Figures>(...digits, "--recompute", "8MB", "--memory", "1GB"); // prettier-ignore
    expect(fitting).toMatchObject([{ because: "budget", recompute: true }]);
    expect(fitting![0]!.batch).toBeGreaterThan(64);
    expect(fitting![0]!.bytes).toBeLessThanOrEqual(8e6);
  });

  test("says so where nothing fits", async () => {
    const { out, code } = await runVit(...digits, "--memory", "1MB");
    expect(code).toBe(0);
    expect(out).toMatch(/batch +none fits 976\.6 KiB: the smallest batch needs \d/);
  });

  test("refuses what is no size", async () => {
    const wrong = await runVit(...digits, "--memory", "2gig");
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toContain("`2gig` is no size of a memory");
    expect(wrong.err).toContain("--memory 8GB");
    const unknown = await runVit(...digits, "--recompute", "some");
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toContain("layers, none or a size such as 2GB is wanted");
    const small = await runVit(...digits, "--recompute", "1MB");
    expect(small.code).not.toBe(0);
    expect(small.err).toMatch(
      /the program needs [\d.]+ MiB at least, with all of its layers computed again/,
    );
  });
});
