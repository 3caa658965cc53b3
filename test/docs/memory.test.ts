// docs/memory.md has a row for every recipe that `npm run memory` measures, and plans keep near what lives at once.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { measure, measuredRecipes, memoryTable } from "../../bench/memory-table.ts";

const page = readFileSync(new URL("../../docs/memory.md", import.meta.url), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()));

test("every recipe that is measured is in the table, as it is and with its layers computed again", () => {
  for (const { target, batch } of measuredRecipes) {
    const own = rows.filter((row) => row[1] === `\`${target}\`` && (batch === undefined || row[2] === String(batch))); // prettier-ignore
    expect(own.map((row) => row[3])).toEqual(["kept", expect.stringMatching(/^\d+ layers again$/)]);
  }
});

test("no plan takes 2 % more than what lives at once", () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) expect(Number(row[6])).toBeLessThan(1.02);
});

test("a recipe measured anew gives two rows whose parts add up to the whole", () => {
  const measured = measure(measuredRecipes[0]!);
  expect(measured).toHaveLength(2);
  for (const { figures } of measured) {
    const parts = Object.values(figures.holding.byKind).reduce((sum, bytes) => sum + bytes, 0);
    expect(parts).toBe(figures.memory.total);
  }
  expect(measured[1]!.figures.memory.total).toBeLessThan(measured[0]!.figures.memory.total / 2);
  expect(memoryTable(measured).split("\n")).toHaveLength(4);
});
