// `expect` clauses of a recipe: `expect model { parameters = 139_018 }` counts a net anew, `expect batch <= 4096` is a claim.
import type { ExpectClause, RecordField } from "../../../grammar/syntax.ts";
import { pathText } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { elementCount } from "../graph.ts";
import type { Parameter } from "../graph.ts";
import * as errors from "../expect-errors.ts";
import { isUnder } from "../lower/path-frame.ts";
import type { Module } from "../lowered.ts";
import { dottedName } from "./free-names.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { knownNumber } from "./recipe-value.ts";
import { truthOf } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";

export function checkExpectations(
  context: RecipeContext,
  parameters: readonly Parameter[],
  modules: readonly Module[],
): void {
  for (const { clause, file } of context.effective.clauses) {
    if (clause.kind !== "expect") continue;
    if (clause.figures) checkFigures(clause, file, context, parameters, modules);
    else checkClaim(clause, file, context);
  }
}

function checkClaim({ claim }: ExpectClause, file: FileScope, context: RecipeContext): void {
  const value = evaluateSetting(claim, context.scope(file));
  if (value.kind === "unknown" || truthOf(value) === true) return;
  context.problems.error(
    "requirement",
    "this is expected to hold, and does not",
    file.name,
    claim.span,
  );
}

function checkFigures(
  { claim, figures }: ExpectClause,
  file: FileScope,
  context: RecipeContext,
  parameters: readonly Parameter[],
  modules: readonly Module[],
): void {
  const path = dottedName(claim)?.join(".");
  const under = parameters.filter(
    (parameter) => path !== undefined && isUnder(parameter.path, path),
  );
  if (path === undefined || under.length === 0) {
    if (!context.hasAllPaths) return;
    const names = modules.map((module) => module.path);
    context.problems.error(
      "matches-nothing",
      "an expectation speaks of a net or a part of one",
      file.name,
      claim.span,
      nearestHint(path ?? "", names),
    );
    return;
  }
  const count = (list: readonly Parameter[]): number =>
    list.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const found: Readonly<Record<string, number>> = {
    parameters: count(under),
    trainable: count(under.filter(({ trainable }) => trainable)),
    macs: Math.round(modules.find((module) => module.path === path)?.macs ?? 0),
  };
  for (const figure of figures!.fields) checkFigure(figure, found, file, context);
}

/** To as many digits as were written: 17.6G stands for anything that rounds to it. */
function checkFigure(
  figure: RecordField,
  found: Readonly<Record<string, number>>,
  file: FileScope,
  context: RecipeContext,
): void {
  const name = pathText(figure.path);
  const at = { file: file.name, start: figure.value.span.start, end: figure.value.span.end };
  const actual = found[name];
  if (actual === undefined)
    return context.problems.add(errors.unknownFigure(name, { ...at, ...figure.path.span }));
  const { value } = figure;
  const expected = knownNumber(evaluateSetting(value, context.scope(file)));
  if (value.kind !== "number" || expected === undefined)
    return context.problems.add(errors.figureForm(name, at));
  const tolerance = value.isWhole
    ? 0
    : expected * 10 ** -(value.text.replace(/\D/g, "").length - 1) * 0.5;
  if (Math.abs(actual - expected) <= tolerance) return;
  context.problems.add(
    errors.unexpectedFigure(
      name,
      value.text,
      actual.toLocaleString("en-US").replaceAll(",", "_"),
      actual,
      at,
    ),
  );
}
