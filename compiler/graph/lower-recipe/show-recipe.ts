// A recipe as one flat text, for `vit show`: every setting with where its value comes from, every clause with the recipe
// that says it, and what follows from them in numbers.
import { positionAt } from "../../../grammar/diagnostic.ts";
import type { Span } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { elementCount } from "../graph.ts";
import type { Parameter } from "../graph.ts";
import { groupedDigits } from "../grouped-digits.ts";
import { printHost } from "../host-expression.ts";
import type { LoweredRecipe } from "../lowered.ts";
import type { EffectiveRecipe, PlacedClause } from "./effective-recipe.ts";

/** Rows of text and origin, aligned by whoever prints them. */
export interface ShownLine {
  readonly text: string;
  readonly origin: string;
}

export function showRecipe(
  effective: EffectiveRecipe,
  recipe: LoweredRecipe,
): readonly ShownLine[] {
  return [
    {
      text: `recipe ${effective.name}`,
      origin: placeOf(effective.file, effective.declaration.name.span),
    },
    ...effective.fields.map(({ field, file, given }, i): ShownLine => {
      const value = recipe.settings[i]?.value ?? "";
      const at = given ? placeOf(given.file, given.expression.span) : placeOf(file, field.span);
      return {
        text: `  ${field.name.text} = ${value}`,
        origin: given ? (given.by === "--set" ? given.by : `${given.by}, ${at}`) : `default, ${at}`,
      };
    }),
    ...effective.clauses.flatMap((placed) => showClause(placed, effective)),
    ...showNumbers(recipe),
  ];
}

/** As written, its layout taken out of further lines. */
function showClause(
  { clause, file, recipe }: PlacedClause,
  effective: EffectiveRecipe,
): readonly ShownLine[] {
  const at = placeOf(file, clause.span);
  const origin = recipe === effective.name ? at : `${recipe}, ${at}`;
  const lines = file.syntax.text.slice(clause.span.start, clause.span.end).split("\n");
  return lines.map((line, i) => ({
    text: i === 0 ? `  ${line}` : `  ${line.replace(/^ {0,2}/, "")}`,
    origin: i === 0 ? origin : "",
  }));
}

function showNumbers(recipe: LoweredRecipe): readonly ShownLine[] {
  const learning = recipe.parameters.filter(({ trainable }) => trainable);
  const count = (list: readonly Parameter[]): string =>
    groupedDigits(list.reduce((sum, { shape }) => sum + elementCount(shape), 0));
  return [
    {
      text: `  // ${recipe.steps} steps of ${recipe.batch}`,
      origin: `${round(recipe.stepsPerEpoch)} steps an epoch`,
    },
    {
      text: `  // ${count(recipe.parameters)} parameters`,
      origin: `${count(learning)} of them learn`,
    },
    ...recipe.groups.map(({ paths, optimizer, lr }) => ({
      text: `  // ${optimizer.name}(${optimizer.settings.map(({ name, value }) => `${name} = ${value}`).join(", ")}), lr = ${printHost(lr)}`,
      origin: `${paths.length} parameters: ${summary(paths)}`,
    })),
  ];
}

function summary(paths: readonly string[]): string {
  return paths.length <= 3
    ? paths.join(", ")
    : `${paths.slice(0, 2).join(", ")}, …, ${paths.at(-1)}`;
}

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function placeOf(file: FileScope, span: Span): string {
  const { line, column } = positionAt(file.syntax.text, span.start);
  return `${file.name}:${line}:${column}`;
}
