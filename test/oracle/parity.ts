// `npm run parity [-- PREFIX ...]`: runs every case (or those whose names begin so) on every target, writes how far each
// is from its reference to docs/parity.md, and fails where that is more than may be. Rows of other cases stay.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tolerances, worst } from "./compare.ts";
import type { Difference } from "./compare.ts";
import { closeDevices, targets } from "./devices.ts";
import { oracleFolder, readFixtures } from "./fixture.ts";
import type { Fixture } from "./fixture.ts";
import { forwardDifferences } from "./forward.ts";
import { readRows, writeParity } from "./parity-table.ts";
import type { ParityRow } from "./parity-table.ts";
import { trainingDifferences } from "./training.ts";

const document = join(oracleFolder, "..", "..", "docs", "parity.md");
const prefixes = process.argv.slice(2);
const troubles: string[] = [];

function measured(
  { name }: Fixture,
  column: string,
  differences: readonly Difference[],
  tolerance: number,
): number {
  const { what, error } = worst(differences);
  if (!(error <= tolerance)) troubles.push(`${name}, ${column}: ${what} is ${error} apart`);
  return error;
}

/** @throws whatever a case throws: a case that does not run has no row. */
async function rowOf(fixture: Fixture): Promise<ParityRow> {
  const { name, reference, forward, training } = fixture;
  const errors: Record<string, number> = {};
  for (const target of targets) {
    const { outputs, training: steps } = tolerances[target];
    const put = (what: string, differences: readonly Difference[], tolerance: number): void => {
      const column = `${what} ${target}`;
      errors[column] = measured(fixture, column, differences, tolerance);
    };
    if (forward) put("outputs", await forwardDifferences(fixture, forward, target), outputs);
    if (training) {
      const trained = await trainingDifferences(fixture, training, target);
      put("gradients", trained.gradients, steps);
      put("steps", trained.steps, steps);
    }
  }
  return { name, reference: `${reference.package} ${reference.version.split("+")[0]}`, errors };
}

/** Into the table as it stands now: somebody else may be measuring too. */
function keep(name: string, row: ParityRow | undefined): void {
  const text = existsSync(document) ? readFileSync(document, "utf8") : "";
  const rows = new Map(readRows(text).map((known) => [known.name, known]));
  if (row) rows.set(name, row);
  else rows.delete(name);
  writeFileSync(document, writeParity(readFixtures().flatMap((one) => rows.get(one.name) ?? [])));
}

const wanted = readFixtures().filter(
  ({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)),
);
for (const fixture of wanted) {
  const { name } = fixture;
  try {
    const row = await rowOf(fixture);
    keep(name, row);
    const errors = Object.entries(row.errors);
    console.log(name, ...errors.map(([column, error]) => `${column} ${error.toExponential(0)}`));
  } catch (error) {
    keep(name, undefined);
    troubles.push(`${name}: ${(error as Error).message}`);
  }
}
await closeDevices();
for (const trouble of troubles) console.error(trouble);
process.exitCode = troubles.length > 0 ? 1 : 0;
