// A misspelt name -> "did you mean", as the detail of an error.
import type { Detail } from "./problems.ts";

/** A hint with the nearest of the names, or, where few are known, all of them. */
export function nearestHint(name: string, names: readonly string[]): Detail {
  const distinct = [...new Set(names)];
  const nearest = nearestOf(name, distinct);
  if (nearest !== undefined) return { hints: [`did you mean \`${nearest}\`?`] };
  if (distinct.length === 0 || distinct.length > 12) return {};
  return { hints: [`there ${distinct.length === 1 ? "is" : "are"}: ${distinct.join(", ")}`] };
}

/** At most a third of the letters apart (two swapped letters count as one), the earliest among equals. */
function nearestOf(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
