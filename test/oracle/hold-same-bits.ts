// The tests that take one step of every family from fresh weights, with chance on where it has any (dropout, dropped
// paths and tokens): run again it has the same bits, and under another seed what is drawn is something else.
import { afterAll, describe, expect, test } from "vitest";
import type { Target } from "./compare.ts";
import { closeDevices } from "./devices.ts";
import { freshSteps, isDrawn, recipesOfFamilies } from "./fresh-step.ts";

/** Declares those of the families that are held here, by names as `FAMILY-RECIPE`. */
export function holdSameBits(target: Target, isHere: (name: string) => boolean = () => true): void {
  afterAll(closeDevices);
  const recipes = recipesOfFamilies().filter(([name]) => isHere(name));
  describe.each(recipes)("%s", { timeout: 300_000 }, (_name, spec) => {
    test(`has the same bits twice on ${target}`, async () => {
      const seeds = isDrawn(spec) ? [0, 0, 1] : [0, 0];
      const [once, again, other] = await freshSteps(spec, target, seeds);
      expect(Number.isFinite(once!.loss)).toBe(true);
      expect(again).toEqual(once);
      if (other) expect(other.parts).not.toEqual(once!.parts); // the loss may be the same: a head starts at zero
    });
  });
}
