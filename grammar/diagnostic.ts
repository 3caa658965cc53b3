// A diagnostic: what is wrong in a `.vit` file, as data, and the one renderer that turns it into text.
// Errors of the author are values, never exceptions: every stage returns all of its own, in source order.

/** A place in a named file; offsets as in the syntax tree, `end` exclusive. */
export interface FileSpan {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** A stable word, `shape-mismatch`, that `vit explain` knows. */
  readonly code: string;
  /** One sentence, lower case, names in backticks, no full stop. */
  readonly message: string;
  readonly span: FileSpan;
  /** Said beside the carets: `in ViT("B/16") at `position``. */
  readonly note?: string;
  /** Further places that explain the first one. */
  readonly labels?: readonly DiagnosticLabel[];
  /** Why we think so: rows whose columns are aligned, `["the pipe carries", "[batch]", "`take` at 3:8"]`. */
  readonly because?: readonly (string | readonly string[])[];
  /** What to try; text that can be pasted where possible. */
  readonly hints?: readonly string[];
}

export interface DiagnosticLabel {
  readonly span: FileSpan;
  readonly message: string;
}

/** Texts by file name. A file that is missing here is shown without its line. */
export type Sources = ReadonlyMap<string, string>;

export interface RenderOptions {
  readonly color: boolean;
}

/**
 * One diagnostic as lines of text, without a line end at the end:
 *
 *     error[shape-mismatch]: `add` needs equal axes, but `tokens` differs
 *       specs/vit.vit:31:8
 *        31 |     |> add(position)
 *           |        ^^^^^^^^^^^^^  in ViT("B/16") at `position`
 *        the pipe carries   [batch, tokens = 197]     `prepend` at 30:8
 *        hint: count the class token
 */
export function renderDiagnostic(
  diagnostic: Diagnostic,
  sources: Sources,
  options: RenderOptions = { color: false },
): string {
  const paint = painter(options.color);
  const tone = diagnostic.severity === "error" ? paint.red : paint.yellow;
  const lines = [
    `${tone(`${diagnostic.severity}[${diagnostic.code}]`)}: ${paint.bold(diagnostic.message)}`,
    ...renderPlace(diagnostic.span, diagnostic.note, sources, tone, paint),
  ];
  for (const label of diagnostic.labels ?? []) {
    lines.push(...renderPlace(label.span, label.message, sources, paint.blue, paint));
  }
  lines.push(...alignRows(diagnostic.because ?? []).map((row) => `   ${row}`));
  for (const hint of diagnostic.hints ?? []) {
    const [first, ...rest] = hint.split("\n");
    lines.push(`   ${paint.green("hint:")} ${first}`, ...rest.map((line) => `         ${line}`));
  }
  return lines.join("\n");
}

/** All diagnostics, an empty line between two. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: Sources,
  options: RenderOptions = { color: false },
): string {
  return diagnostics
    .map((diagnostic) => renderDiagnostic(diagnostic, sources, options))
    .join("\n\n");
}

/** Line and column of an offset, both counted from 1; a column is one UTF-16 unit. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: end - lineStart + 1 };
}

/** In the order of the source: by file, then by place. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort(
    (a, b) =>
      compareText(a.span.file, b.span.file) ||
      a.span.start - b.span.start ||
      a.span.end - b.span.end ||
      compareText(a.code, b.code),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// A line longer than this is shown as a window around the mark: minified text must not flood the terminal.
const longestLine = 160;

function renderPlace(
  span: FileSpan,
  note: string | undefined,
  sources: Sources,
  tone: (text: string) => string,
  paint: Painter,
): string[] {
  const text = sources.get(span.file);
  if (text === undefined) return [`  ${span.file}${note ? `  ${note}` : ""}`];
  const { line, column } = positionAt(text, span.start);
  const shown = visibleLine(text, span);
  const number = String(line).padStart(5);
  const gutter = " ".repeat(number.length);
  const caret = tone(shown.carets) + (note ? `  ${note}` : "");
  return [
    paint.dim(`  ${span.file}:${line}:${column}`),
    `${paint.dim(`${number} |`)} ${shown.line}`,
    `${paint.dim(`${gutter} |`)} ${shown.indent}${caret}`,
  ];
}

/** The first line that the span marks, tabs kept in the indent so that the carets stand under their text. */
function visibleLine(
  text: string,
  span: FileSpan,
): { line: string; indent: string; carets: string } {
  const start = Math.max(0, Math.min(span.start, text.length));
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", start);
  const lineEnd = newline === -1 ? text.length : newline;
  const end = Math.min(Math.max(span.end, start + 1), Math.max(lineEnd, start + 1));

  const from =
    start - lineStart > longestLine / 2 ? start - Math.floor(longestLine / 2) : lineStart;
  const to = Math.min(lineEnd, from + longestLine);
  const before = from > lineStart ? "…" : "";
  const after = to < lineEnd ? "…" : "";
  const line = printable(before + text.slice(from, to) + after).trimEnd();
  const indent = (before + text.slice(from, start)).replace(/[^\t]/g, " ");
  return { line, indent, carets: "^".repeat(Math.max(1, Math.min(end, to) - start)) };
}

/** Control characters would move the cursor or ring the bell; each is shown as one mark. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\u00b7");
}

/** Rows of columns, padded so that columns align; three blanks stand between two. A string is a row by itself. */
function alignRows(rows: readonly (string | readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    if (typeof row === "string") continue;
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    typeof row === "string"
      ? row
      : row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("   ")
          .trimEnd(),
  );
}

interface Painter {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly green: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

function painter(color: boolean): Painter {
  const style = (open: number, close: number) => (text: string) =>
    color ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    red: style(31, 39),
    yellow: style(33, 39),
    blue: style(34, 39),
    green: style(32, 39),
    dim: style(2, 22),
    bold: style(1, 22),
  };
}
