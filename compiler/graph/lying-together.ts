// Which arrays lie one behind the other in a resident, so that several are one array without a copy.
import type { ResidentLayout } from "../compiled.ts";
import { elementCount } from "./graph.ts";

/** The given order, but arrays of one list follow the first of them that stands there, as the list has them. */
export function besideEachOther<T extends { readonly path: string }>(
  arrays: readonly T[],
  lists: readonly (readonly string[])[],
): readonly T[] {
  const listOf = new Map<string, readonly string[]>();
  for (const list of lists)
    if (!list.some((path) => listOf.has(path))) for (const path of list) listOf.set(path, list);
  if (listOf.size === 0) return arrays;
  const byPath = new Map(arrays.map((array) => [array.path, array]));
  const placed = new Set<T>();
  for (const array of arrays)
    for (const path of listOf.get(array.path) ?? [array.path]) {
      const member = byPath.get(path);
      if (member !== undefined) placed.add(member);
    }
  return [...placed];
}

/** Asks of paths whether each array begins where the one before ends. */
export function lyingTogether(layout: ResidentLayout): (paths: readonly string[]) => boolean {
  const parts = new Map(layout.parts.map((part) => [part.path, part]));
  return (paths) =>
    paths.every((path, i) => {
      const [part, before] = [parts.get(path), i === 0 ? undefined : parts.get(paths[i - 1]!)];
      if (part === undefined || before === undefined) return part !== undefined;
      const end = before.offset + elementCount(before.shape);
      return part.resident === before.resident && part.offset === end;
    });
}
