// `npm run memory`: what the memory of the example recipes and of some at full size is for -> the table of docs/memory.md,
// whose text above it is kept.
import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { measure, measuredRecipes, memoryTable } from "./memory-table.ts";

const page = "docs/memory.md";
const mark = "<!-- The table below is written by `npm run memory`. -->";

const rows = measuredRecipes.flatMap((recipe) => {
  console.error(recipe.target, recipe.batch ?? "");
  return measure(recipe);
});
const text = `${readFileSync(page, "utf8").split(mark)[0]}${mark}\n\n${memoryTable(rows)}\n`;
writeFileSync(page, await format(text, { parser: "markdown" }));
