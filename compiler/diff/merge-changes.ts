// Single differences -> lines: what happens alike in every layer is said once, with `*` for the index.
import type { FoundChange } from "./gather-changes.ts";
import { groupPaths, patternOf } from "./path-pattern.ts";

/** A difference in one place, or the same one in many: then `path` is a pattern such as `layers.*.attn`. */
export interface Change extends FoundChange {
  /** Places that the line stands for. */
  readonly count: number;
  /** Of a recipe: `setting` is the clause, and the path is empty. */
  readonly isClause?: boolean;
}

/** `before` and `after` are all paths of the two sides, so that `*` is said only where it is all of them. */
export function mergeChanges(
  changes: readonly FoundChange[],
  before: readonly string[],
  after: readonly string[],
): Change[] {
  const groups = new Map<string, FoundChange[]>();
  for (const each of changes) {
    const { kind, path, what, setting } = each;
    const key = [kind, patternOf(path), what, setting].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((group) =>
    mergeGroup(
      group,
      group[0]!.kind === "removed" || group[0]!.setting === "path" ? before : after,
    ),
  );
}

function mergeGroup(group: readonly FoundChange[], all: readonly string[]): Change[] {
  const paths = group.map(({ path }) => path);
  return groupPaths(paths, all).map(({ shown, paths: places }) =>
    merged(
      shown,
      group.filter(({ path }) => places.includes(path)),
    ),
  );
}

function merged(path: string, changes: readonly FoundChange[]): Change {
  const first = changes[0]!;
  return {
    ...first,
    path,
    count: changes.length,
    parameters: changes.reduce((sum, { parameters }) => sum + parameters, 0),
    ...(first.from === undefined
      ? {}
      : {
          from: course(
            changes.map(({ from }) => from ?? ""),
            first,
          ),
        }),
    ...(first.to === undefined
      ? {}
      : {
          to: course(
            changes.map(({ to }) => to ?? ""),
            first,
          ),
        }),
  };
}

/** One value, or where values differ from layer to layer the first and the last. */
function course(values: readonly string[], { setting }: FoundChange): string {
  const first = values[0] ?? "";
  const last = values.at(-1) ?? "";
  if (setting === "path" && values.length > 1) return patternOf(first);
  return values.every((value) => value === first) ? first : `${first} … ${last}`;
}
