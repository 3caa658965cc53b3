// One step of every family with its layers computed again in the backward pass, chance on where it has any: the bits are
// those of the step that keeps them.
import { afterAll, expect, test } from "vitest";
import { closeDevices } from "./devices.ts";
import { freshSteps, recipesOfFamilies } from "./fresh-step.ts";

afterAll(closeDevices);

/** Rows enough that columns are summed in parts beside the walks over them. */
const digits = ["digits", { file: "examples/digits.vit" }] as const;

test.each([...recipesOfFamilies(), digits])("%s", { timeout: 300_000 }, async (_name, spec) => {
  const [kept] = await freshSteps(spec, "wasm", [0]);
  const [again] = await freshSteps(spec, "wasm", [0], { kind: "layers" });
  expect(again).toEqual(kept);
});
