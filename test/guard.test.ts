// What a compilation costs, whatever the machine's mood: figures that only a change of the compiler or of a spec changes.
// They stand in guard.txt; a rule of fusion that is lost, or memory that grows, shows there. Where a change is meant,
// `npx vitest run test/guard.test.ts -u` writes them anew: read the difference before it is committed.
import { expect, test } from "vitest";
import { compileGuarded, figuresOf, guardedRecipes, type GuardFigures } from "./guard-figures.ts";

const targets = ["wasm", "webgpu"] as const;

test("the figures of the guarded recipes", { timeout: 120_000 }, async () => {
  const rows = guardedRecipes.flatMap((name) =>
    targets.map((target) => {
      const figures = figuresOf(compileGuarded(name, target, { verify: true }));
      return { head: [name, target], figures };
    }),
  );
  const names = Object.keys(rows[0]!.figures) as (keyof GuardFigures)[];
  const all = [
    ["", "target", ...names],
    ...rows.map(({ head, figures }) => [...head, ...names.map((name) => shown(name, figures[name]))]), // prettier-ignore
  ];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const lines = all.map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")); // prettier-ignore
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("guard.txt");
});

function shown(name: keyof GuardFigures, value: number): string {
  return name === "over least" ? `${value.toFixed(2)} %` : value.toLocaleString("en-US");
}
