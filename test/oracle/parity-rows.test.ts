// The table of differences names every case, so that none is added without its row.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { oracleFolder, readFixtures } from "./fixture.ts";
import { readRows } from "./parity-table.ts";

test("docs/parity.md has a row for every case", () => {
  const text = readFileSync(join(oracleFolder, "..", "..", "docs", "parity.md"), "utf8");
  const rows = readRows(text).map(({ name }) => name);
  expect(rows, "run npm run parity").toEqual(readFixtures().map(({ name }) => name));
});
