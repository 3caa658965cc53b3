// A misspelt name and the names in reach -> the one that was probably meant: Damerau and Levenshtein's distance,
// counting a swap of neighbours as one slip; upper and lower case differ by less than a letter.

/** The nearest name within a third of the letters (at least one slip), or undefined; ties go to the first. */
export function nearestName(wanted: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 0.5;
  for (const name of new Set(names)) {
    if (name === wanted || Math.abs(name.length - wanted.length) > bestDistance) continue;
    const distance = slips(wanted, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

function slips(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = Math.min(
        above[j]! + 1,
        row[j - 1]! + 1,
        above[j - 1]! + unlike(a[i - 1]!, b[j - 1]!),
      );
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(isSwap ? Math.min(cost, before[j - 2]! + 1) : cost);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}

function unlike(a: string, b: string): number {
  if (a === b) return 0;
  return a.toLowerCase() === b.toLowerCase() ? 0.5 : 1;
}

/** `did you mean `softmax`?` as hints of a diagnostic; none where nothing is near. */
export function nearestHints(wanted: string, names: Iterable<string>): string[] {
  const nearest = nearestName(wanted, names);
  return nearest === undefined ? [] : [`did you mean \`${nearest}\`?`];
}
