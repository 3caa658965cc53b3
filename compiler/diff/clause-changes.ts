// The settings and clauses of two recipes -> what differs, clause by clause. Layout and comments do not count.
import type { Change } from "./merge-changes.ts";

/** `lr = cosine(2e-3 to 0)` as written. */
export type Clause = string;

/** Clauses that declare nets say nothing new where the difference of the modules is listed; how a twin follows is new. */
export function clauseChanges(
  from: readonly Clause[],
  to: readonly Clause[],
  modulesDiffer: boolean,
): Change[] {
  const before = byName(from);
  const after = byName(to);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name): Change[] => {
    const a = before.get(name);
    const b = after.get(name);
    const isNet = name.startsWith("net ");
    if (a === b || (modulesDiffer && isNet)) return [];
    const base = { path: "", setting: name, parameters: 0, count: 1, isClause: true };
    if (a === undefined) return [{ ...base, kind: "added", what: b ?? "", path: name }];
    if (b === undefined) return [{ ...base, kind: "removed", what: a, path: name }];
    return [{ ...base, kind: "changed", what: "", from: a, to: b }];
  });
}

/** What a clause says, by what it is about: `view image`, `lr`, `except rank < 2`. Equal ones are numbered. */
function byName(clauses: readonly Clause[]): Map<string, string> {
  const named = new Map<string, string>();
  for (const clause of clauses) {
    const text = clause
      .replace(/\/\/[^\n]*/g, "")
      .replace(/\s+/g, " ")
      .trim();
    const [, name, value] = /^([^={]*?(?:[=!<>]=[^={]*?)*?)\s*(?:=(?!=)|(?=\{))\s*(.*)$/s.exec(
      text,
    ) ?? [text, text, ""];
    let unique = name!;
    for (let i = 2; named.has(unique); i++) unique = `${name} (${i})`;
    named.set(unique, value!);
  }
  return named;
}
