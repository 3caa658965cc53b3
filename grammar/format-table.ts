// `variants` -> a table whose columns stand below one another, numbers to the right and all else to the left.
import type { Spread } from "./format-spread.ts";
import type * as s from "./syntax.ts";

export function printVariants(node: s.VariantsDeclaration, spread: Spread): string {
  const head = `variants ${node.of.text} (${node.columns.map((column) => column.text).join(", ")})`;
  if (node.rows.length === 0 && !spread.comments.isInside(node.span)) return `${head} {}`;
  const name = Math.max(0, ...node.rows.map((row) => row.name.text.length));
  const cells = alignColumns(
    node.rows.map((row) => row.values.map((value) => cellOf(value, spread))),
  );
  const items = node.rows.map((row, i) => ({
    span: row.span,
    print: () => `${row.name.text.padEnd(name)} (${cells[i]!.join(", ")})`,
  }));
  const open = { start: node.columns.at(-1)?.span.end ?? node.of.span.end, end: node.span.end };
  return `${head} ${spread.rows("{", items, "}", open, 0)}`;
}

interface Cell {
  readonly text: string;
  /** The entries of a list of numbers, which line up with those above and below. */
  readonly entries: readonly string[] | undefined;
  readonly isNumber: boolean;
}

function cellOf(argument: s.Argument, spread: Spread): Cell {
  const text = spread.flat.argument(argument) ?? spread.argumentWithoutComments(argument);
  const value = argument.kind === "argument" && !argument.name ? argument.value : undefined;
  const isNumber = value?.kind === "number";
  const isList =
    value?.kind === "list" && value.elements.every((element) => element.kind === "number");
  const entries = isList
    ? value.elements.map((element) => (element as s.NumberExpression).text)
    : undefined;
  return { text, entries, isNumber };
}

function alignColumns(rows: readonly (readonly Cell[])[]): string[][] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const texts: string[][] = rows.map(() => []);
  for (let column = 0; column < columns; column++) {
    const cells = rows.map((row) => row[column]);
    alignColumn(cells).forEach((text, i) => {
      if (text !== undefined) texts[i]!.push(text);
    });
  }
  return texts;
}

function alignColumn(cells: readonly (Cell | undefined)[]): (string | undefined)[] {
  const present = cells.filter((cell) => cell !== undefined);
  const inner = alignLists(present);
  const shown = cells.map((cell) => (cell ? (inner.get(cell) ?? cell.text) : undefined));
  if (!present.every((cell) => cell.isNumber)) return shown;
  const width = Math.max(...shown.map((text) => text?.length ?? 0));
  return shown.map((text) => text?.padStart(width));
}

/** Lists of as many numbers each: entry below entry. */
function alignLists(cells: readonly Cell[]): Map<Cell, string> {
  const lists = cells.map((cell) => cell.entries);
  const length = lists[0]?.length;
  if (length === undefined || !lists.every((list) => list?.length === length)) return new Map();
  const widths = Array.from({ length }, (_, i) =>
    Math.max(...lists.map((list) => list![i]!.length)),
  );
  return new Map(
    cells.map((cell) => [
      cell,
      `[${cell.entries!.map((text, i) => text.padStart(widths[i]!)).join(", ")}]`,
    ]),
  );
}
