// Whether two syntax trees say the same: all but spans, comments and the file's name and text.
import type { SyntaxFile } from "./syntax.ts";

/** Compares the declarations of two files, whatever their layout. */
export function sameTree(a: SyntaxFile, b: SyntaxFile): boolean {
  return same(a.declarations, b.declarations) && a.documentation === b.documentation;
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Object.is(a, b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>);
}

function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    if (key === "span" || key === "operatorSpan") continue;
    if (!same(a[key], b[key])) return false;
  }
  return true;
}
