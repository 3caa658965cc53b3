// Every fixture held against Vitrail on all three targets: outputs, then losses and gradients, then optimizer steps.
import { afterAll, describe, expect, test } from "vitest";
import { tolerances, worst } from "./compare.ts";
import type { Difference, Target } from "./compare.ts";
import { closeDevices, targets } from "./devices.ts";
import { readFixtures } from "./fixture.ts";
import type { Fixture, TrainingFixture } from "./fixture.ts";
import { forwardDifferences } from "./forward.ts";
import { trainingDifferences } from "./training.ts";
import type { TrainingDifferences } from "./training.ts";

afterAll(closeDevices);

function expectWithin(differences: readonly Difference[], tolerance: number): void {
  const { what, error } = worst(differences);
  expect(error, what).toBeLessThanOrEqual(tolerance);
}

/** Run once for both tests that look at it. */
function onceTrained(
  fixture: Fixture,
  training: TrainingFixture,
  target: Target,
): () => Promise<TrainingDifferences> {
  let found: Promise<TrainingDifferences> | undefined;
  return () => (found ??= trainingDifferences(fixture, training, target));
}

describe.each(readFixtures().map((fixture) => [fixture.name, fixture] as const))(
  "%s",
  (_name, fixture) => {
    const { forward, training } = fixture;
    describe.each(targets)("on %s", (target) => {
      const tolerance = tolerances[target];
      if (forward)
        test("outputs", async () => {
          const differences = await forwardDifferences(fixture, forward, target);
          expectWithin(differences, tolerance.outputs);
        });
      if (training) {
        const trained = onceTrained(fixture, training, target);
        test("losses and gradients", async () => {
          expectWithin((await trained()).gradients, tolerance.training);
        });
        test("optimizer steps", async () => {
          expectWithin((await trained()).steps, tolerance.training);
        });
      }
    });
  },
);
