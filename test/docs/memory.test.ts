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

test("no plan takes 5 % more than what lives at once, and one alone takes 2 % more", () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) expect(Number(row[6])).toBeLessThan(1.05);
  // Joined sums live long and are small: with its layers computed again, this plan has gaps between them.
  const wasteful = rows.filter((row) => Number(row[6]) >= 1.02);
  expect(wasteful.map((row) => `${row[1]}, ${row[3]}`)).toEqual(["`examples/names.vit`, 3 layers again"]); // prettier-ignore
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
