// What `precision = f16` spares: bytes of activations and bytes moved, for about the same kernels.
import { expect, test } from "vitest";
import type { ShownValue, Stage } from "../../../compiler/compile-settings.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { specFiles } from "../../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../../runtime/spec/compile-spec.ts";

function digits(precision: "f32" | "f16") {
  const files = specFiles();
  const shown: [Stage, ShownValue][] = [];
  const read = (name: string) => {
    const text = files.read(name);
    if (!name.endsWith("digits.vit")) return text;
    return text?.replace("seed      = 0", `seed      = 0\n  precision = ${precision}`);
  };
  const { compiled } = compileRecipeSpec(
    { file: "examples/digits.vit" },
    { files: { ...files, read }, catalog: catalog(nodeHost) },
    {
      target: "wasm",
      limits: WASM_LIMITS,
      verify: true,
      show: (stage, value) => void shown.push([stage, value]),
    },
  );
  const program = compiled.program!;
  const train = program.entries.find(({ name }) => name === "train")!;
  const bytes = (steps: typeof train.steps) => steps.reduce((sum, step) => sum + step.bytes, 0);
  return {
    shown,
    activations: program.arenas
      .filter(({ kind }) => kind === "scratch")
      .reduce((sum, arena) => sum + arena.bytes, 0),
    moved: bytes(train.steps),
    dispatches: train.steps.length,
  };
}

const [exact, half] = [digits("f32"), digits("f16")];

test("activations of the digits recipe take little more than half, and a step moves less", () => {
  expect(half.activations).toBeLessThan(0.55 * exact.activations);
  expect(half.moved).toBeLessThan(0.65 * exact.moved);
  expect(half.dispatches).toBeLessThanOrEqual(exact.dispatches + 2);
});

test("the step with halves is a stage of its own, where there are any", () => {
  const entries = ({ shown }: typeof half) =>
    shown.flatMap(([stage, { entry }]) => (stage === "precision" ? [entry] : []));
  expect(entries(exact)).toEqual([]);
  expect(entries(half)).toEqual(["train"]);
});
