// The tests that hold every fixture against Vitrail on some targets: outputs, then losses and gradients, then optimizer
// steps. Each target has test files of its own, since files run side by side.
import { afterAll, describe, expect, test } from "vitest";
import { tolerances, worst } from "./compare.ts";
import type { Difference, Target } from "./compare.ts";
import { closeDevices } from "./devices.ts";
import { readFixtures } from "./fixture.ts";
import type { Fixture, TrainingFixture } from "./fixture.ts";
import { forwardDifferences } from "./forward.ts";
import { trainingDifferences } from "./training.ts";
import type { TrainingDifferences } from "./training.ts";

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

/** Declares the tests of the fixtures that are held here on one target, by their names. */
export function holdCases(target: Target, isHere: (name: string) => boolean = () => true): void {
  afterAll(closeDevices);
  const fixtures = readFixtures().filter(({ name }) => isHere(name));
  const cases = fixtures.map((fixture) => [fixture.name, fixture] as const);
  describe.each(cases)(`%s on ${target}`, { timeout: 300_000 }, (_name, fixture) => {
    const { forward, training } = fixture;
    const tolerance = tolerances[target];
    if (forward)
      test("outputs", async () => {
        expectWithin(await forwardDifferences(fixture, forward, target), tolerance.outputs);
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
}
