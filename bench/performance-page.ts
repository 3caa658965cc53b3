// Figures of the suite -> docs/performance.md and its plots: `npm run bench:page -- bench/figures/*.json`.
// What the page says by hand is left alone; later files stand in place of earlier ones.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { intervalPlot } from "./page/interval-plot.ts";
import { compilationsText, floorsText, kernelsText, machineText, memoryText, plotFile, profilesText, workloadsText } from "./page/markdown.ts"; // prettier-ignore
import { mergeFigures } from "./page/merge-figures.ts";
import { workloadPlot } from "./page/plots.ts";
import { fillRegions } from "./page/regions.ts";
import type { SuiteFigures } from "./suite/figures.ts";

const files = process.argv.slice(2);
if (files.length === 0) throw new Error("name the files that `npm run bench -- --json FILE` wrote");
const figures = mergeFigures(files.map((file) => JSON.parse(readFileSync(file, "utf8")) as SuiteFigures)); // prettier-ignore

const docs = new URL("../docs/", import.meta.url).pathname;
mkdirSync(`${docs}performance`, { recursive: true });
for (const result of figures.workloads)
  writeFileSync(docs + plotFile(result.workload.name), intervalPlot(workloadPlot(result)));

const page = `${docs}performance.md`;
const filled = fillRegions(readFileSync(page, "utf8"), {
  machine: machineText(figures),
  floors: floorsText(figures),
  workloads: workloadsText(figures),
  kernels: kernelsText(figures),
  compilations: compilationsText(figures),
  memory: memoryText(figures),
  profiles: profilesText(figures),
});
writeFileSync(page, await format(filled, { parser: "markdown", printWidth: 100 }));
console.log(`${page} and ${figures.workloads.length} plots`);
