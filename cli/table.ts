// Rows of cells -> lines with aligned columns. Cells may carry colours, which take no room.
import { stripVTControlCharacters } from "node:util";

export type Align = "left" | "right";

export interface TableOptions {
  /** Of each column; left where it is not said. */
  readonly align?: readonly Align[];
  readonly gap?: number;
  /** A cell that is wider does not widen its column. */
  readonly widest?: number;
}

export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
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
        return options.align?.[i] === "right" ? room + cell : cell + room;
      })
      .join(gap)
      .trimEnd(),
  );
}

export function shownWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** At most `width` columns, the end replaced by one mark. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
