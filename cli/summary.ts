// `vit summary FILE:NAME@VARIANT`: modules, parameters and multiply-adds for one example.
import { summaryRows } from "../compiler/diff/summary-rows.ts";
import type { SummaryRow } from "../compiler/diff/summary-rows.ts";
import type { LoweredModel } from "../compiler/graph/lowered.ts";
import { summarize } from "../runtime/spec/summarize.ts";
import type { SpecSummary } from "../runtime/spec/summarize.ts";
import { exit } from "./exit-codes.ts";
import { count, short } from "./figures.ts";
import { openTarget } from "./open-target.ts";
import { shownWidth, table } from "./table.ts";
import { colors, say, sayJson, widthOf } from "./terminal.ts";

export interface SummaryOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
  readonly all?: boolean;
}

export function summary(target: string, options: SummaryOptions): number {
  const spec = openTarget(target, options);
  if (spec === undefined) return exit.wrongInput;
  const figures = summarize(spec);
  if (options.json) {
    sayJson(figures);
    return exit.fine;
  }
  const { modules, parameters } =
    spec.kind === "model"
      ? { modules: spec.model.modules, parameters: spec.model.graph.parameters }
      : spec.recipe;
  // A twin's parts are copies: they cost no parameters of their own.
  const shown =
    spec.kind === "model"
      ? modules
      : modules.filter(({ parameters: own, macs }) => own > 0 || macs > 0);
  const rows = summaryRows(shown, parameters, { unfolded: options.all ?? false });
  const name = spec.kind === "model" ? spec.model.name : spec.recipe.name;
  const lines = treeLines(rows, name);
  const isNarrow = Math.max(...lines.map(shownWidth)) > widthOf();
  say((isNarrow ? treeLines(rows.map(withoutAxes), name) : lines).join("\n"));
  say("");
  say(footer(figures).join("\n"));
  return exit.fine;
}

/** `[batch, 197, 768]`: the sizes of a shape alone. */
function withoutAxes(row: SummaryRow): SummaryRow {
  return { ...row, output: row.output.replaceAll(/\w+ = (?=\d)/g, "") };
}

function treeLines(rows: readonly SummaryRow[], name: string): string[] {
  const paint = colors();
  const head = ["module", "block", "output", "parameters", "multiply-adds"].map((title) =>
    paint.dim(title),
  );
  const body = rows.map((row) => {
    const indent = "  ".repeat(row.depth);
    if (row.kind === "parameter") {
      return [
        paint.dim(`${indent}${row.label}`),
        "",
        paint.dim(row.output),
        paint.dim(count(row.parameters)),
        "",
      ];
    }
    const label = row.label === "" ? name : row.label;
    const times = row.count > 1 ? paint.dim(`  x ${row.count}`) : "";
    return [
      `${indent}${row.depth === 0 ? paint.bold(label) : label}${times}`,
      paint.cyan(row.block === name && row.depth === 0 ? "" : row.block),
      row.output,
      row.parameters === 0 ? "" : count(row.parameters),
      row.macs === 0 ? "" : short(row.macs),
    ];
  });
  return table([head, ...body], { align: ["left", "left", "left", "right", "right"] });
}

function footer(figures: SpecSummary): string[] {
  const paint = colors();
  const { parameters, trainable, macs, inputs, outputs } = figures;
  const learning = trainable === parameters ? "" : `, ${count(trainable)} of them learn`;
  return [
    `${paint.bold(count(parameters))} parameters${learning} (${short(parameters * 4)}B as f32)`,
    `${paint.bold(short(macs))} multiply-adds for one example`,
    ...table([
      ...inputs.map((input) => [paint.dim("in"), input.name, shapeOf(input)]),
      ...outputs.map((output) => [paint.dim("out"), output.name, shapeOf(output)]),
    ]),
  ];
}

function shapeOf({ axes, shape, dtype }: LoweredModel["inputs"][number]): string {
  const shown = shape.map((size, i) => {
    const name = axes[i] ?? "";
    return name === "" ? String(size) : name === "batch" ? name : `${name} = ${size}`;
  });
  return `${dtype}[${shown.join(", ")}]`;
}
