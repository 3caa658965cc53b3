// Rows of cells -> lines with aligned columns. Cells may carry colours, which take no room.
import { stripVTControlCharacters } from "node:util";

export type Align = "left" | "right";

export interface TableOptions {
  /** Of each column; left where it is not said. */
  readonly align?: readonly Align[];
  readonly gap?: number;
  /** A cell that is wider does not widen its column. */
  readonly widest?: number;
  /** The last cell of each row, unpainted, is cut to what is left of so many columns; where little is left it goes. */
  readonly tail?: { readonly width: number; readonly paint: (text: string) => string };
}

export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const { tail, ...rest } = options;
  if (tail !== undefined) return withTails(rows, rest, tail);
  const widths: number[] = [];
  const { widest = Number.POSITIVE_INFINITY } = options;
  const counted = (cell: string) => (shownWidth(cell) > widest ? 0 : shownWidth(cell));
  for (const row of rows)
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, counted(cell))));
  const gap = " ".repeat(options.gap ?? 2);
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const room = " ".repeat(Math.max(0, widths[i]! - shownWidth(cell)));
        // Colours around nothing would keep the blanks at the end of a line.
        if (shownWidth(cell) === 0 && cell !== endMark) return room;
        return options.align?.[i] === "right" ? room + cell : cell + room;
      })
      .join(gap)
      .trimEnd(),
  );
}

const leastTail = 16;

function withTails(
  rows: readonly (readonly string[])[],
  options: TableOptions,
  { width, paint }: NonNullable<TableOptions["tail"]>,
): string[] {
  // A mark that takes no room keeps the blanks in front of a tail.
  const heads = table(
    rows.map((row) => [...row.slice(0, -1), endMark]),
    options,
  );
  return heads.map((head, i) => {
    const start = head.slice(0, head.lastIndexOf(endMark));
    const room = width - shownWidth(start);
    const text = rows[i]!.at(-1) ?? "";
    return room < leastTail || text === "" ? start.trimEnd() : start + paint(shortened(text, room));
  });
}

/** Of width zero, as colours are. */
const endMark = "\u001b[0m";

export function shownWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** At most `width` columns, the end replaced by one mark. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
