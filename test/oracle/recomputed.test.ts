// One step of every family with its layers computed again in the backward pass, chance on where it has any: the bits are
// those of the step that keeps them.
import { afterAll, expect, test } from "vitest";
import { closeDevices } from "./devices.ts";
import { freshSteps, recipesOfFamilies } from "./fresh-step.ts";

afterAll(closeDevices);

/**
 * MViT pools queries, keys and values: there a sum in the backward pass is fused otherwise where its operand is computed
 * again, and is rounded otherwise in the last bit.
 */
const roundedOtherwise = new Set(["maskfeat-clips_drawn"]);

test.each(recipesOfFamilies())("%s", { timeout: 300_000 }, async (name, spec) => {
  const [kept] = await freshSteps(spec, "wasm", [0]);
  const [again] = await freshSteps(spec, "wasm", [0], { kind: "layers" });
  if (!roundedOtherwise.has(name)) return expect(again).toEqual(kept);
  expect(again!.loss).toBe(kept!.loss);
  for (const [path, values] of kept!.parts)
    again!.parts.get(path)!.forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 6));
});
