// The tests that take one step of every family from fresh weights, with chance on where it has any (dropout, dropped
// paths and tokens): run again it has the same bits, under another seed what is drawn is something else, and with its
// layers computed again in the backward pass the bits are those of the step that keeps them.
import { afterAll, describe, expect, test } from "vitest";
import type { SpecTarget } from "../../runtime/spec/spec-target.ts";
import type { Target } from "./compare.ts";
import { closeDevices } from "./devices.ts";
import { freshSteps, isDrawn, recipesOfFamilies } from "./fresh-step.ts";
import type { FreshStep } from "./fresh-step.ts";

interface Held {
  /** The families that are held here, by names as `FAMILY-RECIPE`; all unless said. */
  readonly isHere?: (name: string) => boolean;
  /** Recipes of no family. */
  readonly besides?: readonly (readonly [string, SpecTarget])[];
  /** Those of them whose layers are computed again, too; all unless said. */
  readonly isComputedAgain?: (name: string) => boolean;
}

export function holdSameBits(
  target: Target,
  { isHere = () => true, besides = [], isComputedAgain = () => true }: Held = {},
): void {
  afterAll(closeDevices);
  const recipes = [...recipesOfFamilies().filter(([name]) => isHere(name)), ...besides];
  describe.each(recipes)("%s", { timeout: 300_000 }, (name, spec) => {
    let taken: Promise<readonly FreshStep[]> | undefined;
    const steps = () => (taken ??= freshSteps(spec, target, isDrawn(spec) ? [0, 0, 1] : [0, 0]));

    test(`has the same bits twice on ${target}`, async () => {
      const [once, again, other] = await steps();
      expect(Number.isFinite(once!.loss)).toBe(true);
      expect(again).toEqual(once);
      if (other) expect(other.parts).not.toEqual(once!.parts); // the loss may be the same: a head starts at zero
    });

    if (isComputedAgain(name))
      test(`has the same bits with its layers computed again on ${target}`, async () => {
        const [kept] = await steps();
        const [again] = await freshSteps(spec, target, [0], { kind: "layers" });
        expect(again).toEqual(kept);
      });
  });
}

/**
 * Families whose layers are computed again on an adapter in software, where each new shader takes its time: dropped paths
 * and tokens; what goes from stage to stage and is pooled; batch norms, whose statistics two views renew.
 */
const computedAgainInSoftware = ["cosub-vit_drawn", "deit-deit_drawn", "maskfeat-clips_drawn", "moco-v3-resnet"]; // prettier-ignore

export function isComputedAgainInSoftware(name: string): boolean {
  return computedAgainInSoftware.includes(name);
}
