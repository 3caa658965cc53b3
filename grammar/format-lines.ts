// Lines of text: how wide they are, and how the conditions of a pipe are set below one another.

/** No line should be longer than this. */
export const widest = 120;

/** A line of a pipe, with the condition and the comment behind it. */
export interface Line {
  text: string;
  when: string;
  comment: string;
}

/** The conditions of a pipe stand below one another if there is room; one that has none goes to a line of its own. */
export function alignWhens(lines: readonly Line[], column: number, indent: number): string {
  const widths = lines.map(
    (line, i) => (i === 0 && !line.text.includes("\n") ? column : 0) + lastWidth(line.text),
  );
  const isIn = lines.map(
    (line, i) => line.when !== "" && widths[i]! + 1 + line.when.length <= widest,
  );
  const target = Math.max(...widths.filter((_, i) => isIn[i]));
  const aligns = lines.every((line, i) => !isIn[i] || target + 1 + line.when.length <= widest);
  return lines
    .map((line, i) => {
      const pad = aligns && isIn[i] ? target - widths[i]! : 0;
      const gap = isIn[i] ? " ".repeat(pad + 1) : `\n${" ".repeat(indent)}`;
      return line.text + (line.when && gap + line.when) + (line.comment && `  ${line.comment}`);
    })
    .join("\n");
}

/** The width of the last line of a text. */
export function lastWidth(text: string): number {
  return text.length - text.lastIndexOf("\n") - 1;
}

/** The column behind a text that begins at `column`. */
export function after(text: string, column: number): number {
  const newline = text.lastIndexOf("\n");
  return newline === -1 ? column + text.length : text.length - newline - 1;
}
