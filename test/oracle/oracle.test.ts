// Every fixture held against Vitrail on all three targets: outputs, then losses and gradients, then optimizer steps.
import { afterAll, describe, expect, test } from "vitest";
import { tolerances, worst } from "./compare.ts";
import type { Difference } from "./compare.ts";
import { closeDevices, targets } from "./devices.ts";
import { readFixtures } from "./fixture.ts";
import { forwardDifferences } from "./forward.ts";
import { gradientDifferences, stepDifferences } from "./training.ts";

afterAll(closeDevices);

function expectWithin(differences: readonly Difference[], tolerance: number): void {
  const { what, error } = worst(differences);
  expect(error, what).toBeLessThanOrEqual(tolerance);
}

describe.each(readFixtures().map((fixture) => [fixture.name, fixture] as const))(
  "%s",
  (_name, fixture) => {
    const { forward, training } = fixture;
    describe.each(targets)("on %s", (target) => {
      const { outputs, training: steps } = tolerances[target];
      if (forward)
        test("outputs", async () => {
          expectWithin(await forwardDifferences(fixture, forward, target), outputs);
        });
      if (training) {
        test("losses and gradients", async () => {
          expectWithin(await gradientDifferences(fixture, training, target), steps);
        });
        test("optimizer steps", async () => {
          expectWithin(await stepDifferences(fixture, training, target), steps);
        });
      }
    });
  },
);
