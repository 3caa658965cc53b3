// Many paths that differ in their indices -> few patterns: `layers.0.attn` to `layers.11.attn` are `layers.*.attn`,
// a part of them `layers.8..11.attn`.
import { isIndex } from "./module-tree.ts";

/** The path with every index taken out, for grouping. */
export function patternOf(path: string): string {
  return path
    .split(".")
    .map((part) => (isIndex(part) ? "*" : part))
    .join(".");
}

/** A pattern, and the paths that it stands for. */
export interface PathGroup {
  readonly shown: string;
  readonly paths: readonly string[];
}

/** `paths` share one pattern; `all` are the paths that exist, changed or not. */
export function groupPaths(paths: readonly string[], all: readonly string[]): readonly PathGroup[] {
  const pattern = patternOf(paths[0] ?? "");
  if (!pattern.includes("*")) return [{ shown: pattern, paths }];
  const alike = all.filter((path) => patternOf(path) === pattern);
  if (alike.length === paths.length && paths.length > 1) return [{ shown: pattern, paths }];
  return [...byShape(paths)].map(([shape, group]) => {
    const siblings = alike.filter((path) => withoutLastIndex(path).shape === shape).length;
    const isAll = siblings === group.length && siblings > 1;
    const indices = group.map((path) => withoutLastIndex(path).index);
    return { shown: shape.replace(hole, isAll ? "*" : showIndices(indices)), paths: group };
  });
}

const hole = "\u0000";

/** Paths that differ in their last index alone. */
function byShape(paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const { shape } = withoutLastIndex(path);
    groups.set(shape, [...(groups.get(shape) ?? []), path]);
  }
  return groups;
}

function withoutLastIndex(path: string): { readonly shape: string; readonly index: number } {
  const parts = path.split(".");
  const at = parts.findLastIndex(isIndex);
  return { shape: parts.with(at, hole).join("."), index: Number(parts[at]) };
}

function showIndices(indices: readonly number[]): string {
  const sorted = [...indices].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  if (sorted.length === 1) return String(first);
  return last - first === sorted.length - 1 ? `${first}..${last}` : `{${sorted.join(",")}}`;
}
