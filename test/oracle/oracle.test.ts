// Every fixture held against Vitrail: outputs, then losses and gradients, then optimizer steps. The software adapter
// takes seconds to compile each case's shaders, so of `webgpu` some cases run here, one for each kind of kernel; all of
// them run where VITRAIL_ORACLE is `all`, and in `npm run parity`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tolerances, worst } from "./compare.ts";
import type { Difference, Target } from "./compare.ts";
import { closeDevices } from "./devices.ts";
import { oracleFolder, readFixtures } from "./fixture.ts";
import type { Fixture, TrainingFixture } from "./fixture.ts";
import { forwardDifferences } from "./forward.ts";
import { readRows } from "./parity-table.ts";
import { trainingDifferences } from "./training.ts";
import type { TrainingDifferences } from "./training.ts";

/** Attention; convolutions with batch norm; windows and rolls. */
const alsoOnWebgpu = ["vit-token", "resnet-four-stages", "cosub-swin"];

const fixtures = readFixtures();

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

describe.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
  "%s",
  (name, fixture) => {
    const { forward, training } = fixture;
    const targets: Target[] = ["interpret", "wasm"];
    if (alsoOnWebgpu.includes(name)) targets.push("webgpu");
    describe.each(targets)("on %s", { timeout: 300_000 }, (target) => {
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
  },
);

test("docs/parity.md has a row for every case", () => {
  const text = readFileSync(join(oracleFolder, "..", "..", "docs", "parity.md"), "utf8");
  const rows = readRows(text).map(({ name }) => name);
  expect(rows, "run npm run parity").toEqual(fixtures.map(({ name }) => name));
});
