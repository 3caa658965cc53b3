// `npm run report`: what a training step of every model variant is made of -> the tables of docs/report.md, whose text
// above them is kept. With names of files only theirs are measured and printed; `--json` prints what was measured instead;
// `--from FILE` (lines of JSON, as `--json` prints them) measures nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { specFiles, specNames } from "../runtime/host/node-specs.ts";
import { listModels } from "../runtime/spec/list-models.ts";
import { isYardstick, reportTables, yardstick } from "./report-tables.ts";
import { trainingFigures } from "./training-figures.ts";
import type { VariantReport } from "./training-figures.ts";

const page = "docs/report.md";
const mark = "<!-- The tables below are written by `npm run report`. -->";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, from: { type: "string" } },
});

const reports = values.from === undefined ? measured(positionals) : read(values.from);
if (!values.json) {
  const tables = reportTables(reports, reports.find(isYardstick) ?? trainingFigures(yardstick));
  if (positionals.length > 0) console.log(tables);
  else {
    const text = `${readFileSync(page, "utf8").split(mark)[0]}${mark}\n\n${tables}`;
    writeFileSync(page, await format(text, { parser: "markdown" }));
  }
}

function measured(names: readonly string[]): VariantReport[] {
  const files = (names.length > 0 ? names : ["specs"]).flatMap(specNames);
  return files.flatMap((file) =>
    listModels(specFiles(), file).models.map((model) => {
      const report = trainingFigures(model);
      if (values.json) console.log(JSON.stringify(report));
      else
        console.error(`${file}:${model.name}${model.variant === null ? "" : `@${model.variant}`}`);
      return report;
    }),
  );
}

function read(path: string): VariantReport[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as VariantReport);
}
