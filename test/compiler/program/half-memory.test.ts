// What `precision = f16` spares: bytes of activations and bytes moved, for about the same kernels.
import { expect, test } from "vitest";
import type { ShownValue, Stage } from "../../../compiler/compile-settings.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../../../compiler/program/limits.ts";
import type { Limits } from "../../../compiler/program/limits.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { specFiles } from "../../../runtime/host/node-specs.ts";
import { compileFigures } from "../../../runtime/spec/compile-figures.ts";
import { compileRecipeSpec } from "../../../runtime/spec/compile-spec.ts";

const shaderF16 = { ...DEFAULT_WEBGPU_LIMITS, hasF16: true };

function digits(precision: "f32" | "f16", target: "wasm" | "webgpu", limits: Limits) {
  const files = specFiles();
  const shown: [Stage, ShownValue][] = [];
  const read = (name: string) => {
    const text = files.read(name);
    if (!name.endsWith("digits.vit")) return text;
    return text?.replace("seed      = 0", `seed      = 0\n  precision = ${precision}`);
  };
  const spec = compileRecipeSpec(
    { file: "examples/digits.vit" },
    { files: { ...files, read }, catalog: catalog(nodeHost) },
    {
      target,
      limits,
      verify: true,
      show: (stage, value) => void shown.push([stage, value]),
    },
  );
  const program = spec.compiled.program!;
  const train = program.entries.find(({ name }) => name === "train")!;
  const bytes = (steps: typeof train.steps) => steps.reduce((sum, step) => sum + step.bytes, 0);
  return {
    shown,
    activations: program.arenas
      .filter(({ kind }) => kind === "scratch")
      .reduce((sum, arena) => sum + arena.bytes, 0),
    moved: bytes(train.steps),
    dispatches: train.steps.length,
    figures: compileFigures(spec, 1)!,
    program,
  };
}

const exact = digits("f32", "wasm", WASM_LIMITS);
const half = digits("f16", "wasm", WASM_LIMITS);

test("activations of the digits recipe take little more than half, and a step moves less", () => {
  expect(half.activations).toBeLessThan(0.55 * exact.activations);
  expect(half.moved).toBeLessThan(0.65 * exact.moved);
  expect(half.dispatches).toBeLessThanOrEqual(exact.dispatches + 2);
});

test("on webgpu halves have arenas of their own with shader-f16; without it they take words, which is said", () => {
  const [words, halves] = [DEFAULT_WEBGPU_LIMITS, shaderF16].map((limits) => digits("f16", "webgpu", limits)); // prettier-ignore
  expect([words!.figures.halfBits, halves!.figures.halfBits]).toEqual([32, 16]);
  expect([exact.figures.halfBits, half.figures.halfBits]).toEqual([undefined, 16]);
  expect(words!.activations).toBeGreaterThan(0.95 * exact.activations);
  expect(halves!.activations).toBeLessThan(0.6 * exact.activations);
  const steps = halves!.program.entries.flatMap(({ steps: each }) => each);
  const places = steps.flatMap((step) => (step.kind === "dispatch" ? step.places : []));
  const ofHalves = new Set(places.flatMap(({ arena, isHalf }) => (isHalf ? [arena] : [])));
  expect(ofHalves.size).toBe(1);
  for (const { arena, isHalf } of places) expect(ofHalves.has(arena)).toBe(isHalf === true);
});

test("the step with halves is a stage of its own, where there are any", () => {
  const entries = ({ shown }: typeof half) =>
    shown.flatMap(([stage, { entry }]) => (stage === "precision" ? [entry] : []));
  expect(entries(exact)).toEqual([]);
  expect(entries(half)).toEqual(["train"]);
});
