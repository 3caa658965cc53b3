// Statements, or clauses of a recipe -> their lines, with what is alike in neighbours set below one another:
// keywords, names and `=` of assignments, `~` and `when` of parameters, the comments behind them.
import { lastWidth, widest } from "./format-lines.ts";
import type { Spread } from "./format-spread.ts";
import type { Span } from "./syntax.ts";

export interface Row {
  readonly span: Span;
  /** Neighbours of one group are aligned. A row without a group stands by itself and does not part the others. */
  readonly group?: string;
  readonly keyword?: string;
  readonly name?: string;
  /** What stands between the name and the sign: the shape of a parameter. */
  readonly detail?: string;
  /** Whether rows that take several lines are aligned with their neighbours too. */
  readonly mayBeLong?: boolean;
  readonly sign?: string;
  /** What follows the sign, if it may stand on one line. */
  readonly value?: string | undefined;
  /** The condition behind `when`. */
  readonly when?: string | undefined;
  /** The row by itself, at column `indent`. */
  readonly print: (indent: number) => string;
  /** The row after a given start, `let a =`, that was padded to align. */
  readonly printAfter?: (start: string, indent: number) => string;
}

interface Printed {
  text: string;
  trailing: string;
}

/** The lines of rows with their comments, up to `end`, where the braces around them close. */
export function alignRows(
  rows: readonly Row[],
  spread: Spread,
  indent: number,
  end: number,
): string[] {
  const pad = " ".repeat(indent);
  const { comments } = spread;
  const aligned = alignedRows(rows, spread, indent);
  const lines: string[] = [];
  let run: Printed[] = [];
  const flush = (): void => {
    lines.push(...alignTrailing(run));
    run = [];
  };
  let previous: number | undefined;
  rows.forEach((row, i) => {
    const above = comments.takeBefore(row.span.start);
    const text = (aligned[i] ?? row.print)(indent);
    const inside = comments.takeInside(row.span);
    const first = above[0]?.span.start ?? row.span.start;
    const hasGap = previous !== undefined && comments.hasBlankLine(previous, first);
    if (above.length > 0 || inside.length > 0 || hasGap) flush();
    if (hasGap) lines.push("");
    lines.push(...spread.commentLines(inside, pad));
    const last = spread.weave(lines, undefined, above, pad);
    if (last !== undefined && comments.hasBlankLine(last, row.span.start)) lines.push("");
    const trailing = comments.takeTrailing(row.span.end)?.text ?? "";
    run.push({ text: pad + text, trailing });
    previous = row.span.end;
  });
  flush();
  spread.weave(lines, previous, comments.takeBefore(end), pad);
  return lines;
}

/** Comments behind neighbouring lines stand below one another, if that makes no line too wide. */
function alignTrailing(run: readonly Printed[]): string[] {
  return run.map(({ text, trailing }, i) => {
    if (trailing === "") return text;
    const width = lastWidth(text);
    let target = width;
    for (const other of stretch(run, i)) target = Math.max(target, lastWidth(other.text));
    return `${text}${" ".repeat(target - width)}  ${trailing}`;
  });
}

/** The neighbours of a line that have comments too and are no wider than what leaves room. */
function stretch(run: readonly Printed[], i: number): Printed[] {
  let from = i;
  let to = i;
  while (from > 0 && run[from - 1]!.trailing !== "") from--;
  while (to < run.length - 1 && run[to + 1]!.trailing !== "") to++;
  return run.slice(from, to + 1);
}

/** How each row is printed that is aligned with neighbours. Printing waits, for it takes comments in their order. */
function alignedRows(
  rows: readonly Row[],
  spread: Spread,
  indent: number,
): (((indent: number) => string) | undefined)[] {
  const prints: (((indent: number) => string) | undefined)[] = rows.map(() => undefined);
  for (const run of runsOf(rows, spread, indent)) {
    const starts = alignedLefts(run.map(({ row }) => row));
    const lines = alignedConditions(run.map(({ row }, i) => ({ row, start: starts[i]! })));
    const isRoomy = lines.every((line) => line === undefined || indent + line.length <= widest);
    if (!isRoomy && !run.every(({ row }) => row.mayBeLong)) continue;
    run.forEach(({ at, row }, i) => {
      const line = lines[i];
      const fits = line !== undefined && indent + line.length <= widest;
      prints[at] = fits ? () => line : (column) => row.printAfter!(starts[i]!, column);
    });
  }
  return prints;
}

/** The whole line of each row that has one, `when` below `when`. */
function alignedConditions(run: readonly { row: Row; start: string }[]): (string | undefined)[] {
  const whole = run.map(({ row, start }) =>
    row.value === undefined ? undefined : `${start} ${row.value}`,
  );
  const conditional = whole.filter((_, i) => run[i]!.row.when !== undefined);
  const width = Math.max(0, ...conditional.map((text) => text?.length ?? 0));
  return whole.map((text, i) => {
    const when = run[i]!.row.when;
    return when === undefined ? text : text && `${text.padEnd(width)} when ${when}`;
  });
}

/** `keyword name detail =` of each row, column below column. */
function alignedLefts(rows: readonly Row[]): string[] {
  const keyword = Math.max(0, ...rows.map((row) => row.keyword!.length));
  const name = Math.max(0, ...rows.map((row) => (row.detail === undefined ? 0 : row.name!.length)));
  const lefts = rows.map((row) => {
    const start = row.keyword === "" ? row.name! : `${row.keyword!.padEnd(keyword)} ${row.name}`;
    return row.detail === undefined
      ? start
      : `${row.keyword} ${row.name!.padEnd(name)} ${row.detail}`;
  });
  const width = Math.max(0, ...lefts.map((text) => text.length));
  return lefts.map((text, i) => `${text.padEnd(width)} ${rows[i]!.sign}`);
}

/** Runs of rows of one group, without an empty line or a comment between them. */
function runsOf(
  rows: readonly Row[],
  spread: Spread,
  indent: number,
): { row: Row; at: number }[][] {
  const runs: { row: Row; at: number }[][] = [];
  let run: { row: Row; at: number }[] = [];
  const end = (): void => {
    if (run.length > 0) runs.push(run);
    run = [];
  };
  rows.forEach((row, at) => {
    const previous = rows[at - 1];
    if (previous && spread.comments.hasBlankLine(previous.span.end, row.span.start)) end();
    if (previous && spread.hasOwnLineComment(previous.span.end, row.span.start)) end();
    if (row.group === undefined) return;
    if (spread.comments.isInside(row.span) || (!row.mayBeLong && !fitsAlone(row, indent)))
      return end();
    if (run.length > 0 && run[0]!.row.group !== row.group) end();
    run.push({ row, at });
  });
  end();
  return runs;
}

/** Whether the row needs but one line where nothing is padded. */
function fitsAlone(row: Row, indent: number): boolean {
  if (row.value === undefined) return false;
  const parts = [
    row.keyword,
    row.name,
    row.detail,
    row.sign,
    row.value,
    row.when && `when ${row.when}`,
  ];
  return indent + parts.filter(Boolean).join(" ").length <= widest;
}
