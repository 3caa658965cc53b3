// Errors of every case <-> the table in docs/parity.md.

export interface ParityRow {
  readonly name: string;
  /** `timm 1.0.31`. */
  readonly reference: string;
  /** By column, `outputs wasm`; absent where a case has none. */
  readonly errors: Readonly<Record<string, number>>;
}

const kinds = ["outputs", "gradients", "steps"] as const;
const columns = kinds.flatMap((kind) =>
  ["interpret", "wasm", "webgpu"].map((target) => `${kind} ${target}`),
);

const introduction = `# Parity

How far Vitrail is from implementations that others wrote, at reduced size: outputs (largest difference over the largest output), the loss and every gradient, and what one and two optimizer steps change (norms and inner products, each over the tensor's own norm; also statistics and twins). The largest of each case is here. The references run in float64, as \`interpret\` does; \`wasm\` and \`webgpu\` (SwiftShader) in float32. At most 1e-6 is allowed on \`interpret\`; elsewhere 1e-4 for outputs and 1e-3 for the rest.

Written by \`npm run parity\`; [test/oracle](../test/oracle/README.md) says what stands behind each row. An empty place: the case compares no such thing.
`;

export function writeParity(rows: readonly ParityRow[]): string {
  const cells = [
    ["case", "reference", ...columns],
    ...rows.map(({ name, reference, errors }) => [
      name,
      reference,
      ...columns.map((column) => shown(errors[column])),
    ]),
  ];
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => row[i]!.length), 3));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const [head, ...body] = cells.map(line);
  return `${introduction}\n${[head, rule, ...body].join("\n")}\n`;
}

/** The rows of what \`writeParity\` wrote. */
export function readRows(text: string): readonly ParityRow[] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) => {
    const [name = "", reference = "", ...cells] = line.split("|").slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
    const errors = columns.flatMap((column, i) =>
      cells[i] ? [[column, Number(cells[i])] as const] : [],
    );
    return { name, reference, errors: Object.fromEntries(errors) };
  });
}

/** One digit: more would differ from machine to machine. */
function shown(error: number | undefined): string {
  return error === undefined ? "" : error.toExponential(0);
}
