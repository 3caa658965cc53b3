// Dispatches behind the last gradient of a small ViT: its norm, clipping and the optimizer, whatever the number of
// parameters. One group or two (no decay, and no ratio, for biases and norms), with clipping and without, on both targets.
import { describe, expect, test } from "vitest";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../compiler/program/limits.ts";
import { compileText } from "./runtime/training/trained-recipe.ts";

const targets = [
  { name: "wasm", limits: WASM_LIMITS },
  { name: "webgpu", limits: DEFAULT_WEBGPU_LIMITS },
] as const;

function recipe(optimizer: string, clauses: readonly string[], depth: number): string {
  return `
use "specs/vit".{ViT}

recipe small() {
  net  model = ViT(channels = 1, patch = 16, width = 64, depth = ${depth}, heads = 2, hidden = 128)
  data train = mnist(split = "train")
  view image = train.image |> resize(224) |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 8
  length     = 100 steps
  optimizer  = ${optimizer}
  lr         = 1e-3
  ${clauses.join("\n  ")}
}`;
}

/** Of each target; the norm is made without clipping, too, since it is logged. */
function dispatches(optimizer: string, clauses: readonly string[], depth = 2): number[] {
  return targets.map((target) => {
    const { entries } = compileText(recipe(optimizer, clauses, depth), target).program!;
    const steps = entries.find(({ name }) => name === "train")!.steps;
    const backward = steps.findLastIndex((step) => "phase" in step && step.phase === "backward");
    return steps.length - 1 - backward;
  });
}

const clip = "clip = 1.0";
const apart = "except rank < 2 { decay = 0 }";

test("depth does not change what Adafactor takes: layers have the same shapes", () => {
  const [few, many] = [2, 6].map((depth) => dispatches("Adafactor()", [], depth));
  expect(many).toEqual(few);
});

describe("dispatches of", () => {
  test.each([
    ["Sgd(decay = 0.1)", apart, 3],
    ["Sgd(momentum = 0.9, decay = 0.1)", apart, 3],
    ["Sgd(momentum = 0.9, decay = 0.1, half = true)", apart, 3],
    ["Adam(decay = 0.1)", apart, 3],
    ["AdamW(decay = 0.1)", apart, 3],
    ["AdamW(decay = 0.1, half = true)", apart, 3],
    ["Lars(decay = 0.1)", apart, 5],
    ["Lars(decay = 0.1)", "except rank < 2 { decay = 0, adapt = false }", 5],
    ["Lamb(decay = 0.1)", apart, 5],
    ["Lamb(decay = 0.1)", "except rank < 2 { decay = 0, adapt = false }", 5],
    // Rows, then columns, of the matrices of each shape: six.
    ["Adafactor(decay = 0.1)", apart, 17],
    ["Adafactor(decay = 0.1)", "except path in model.position { decay = 0 }", 17],
  ])("%s, %s: %i", (optimizer, except, most) => {
    for (const clauses of [[], [clip], [except], [clip, except]])
      for (const count of dispatches(optimizer, clauses))
        expect(count, clauses.join(", ")).toBeLessThanOrEqual(most);
  });
});
