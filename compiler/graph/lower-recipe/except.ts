// The condition of an `except` -> which parameters it describes: by `rank`, `block == BatchNorm`, `path in model.layers`.
// With `as i`, the index of the repeat at that path is a number in the braces, so each index is a case of its own.
import type { ExceptClause, Expression, Span } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { findName, namesInReach } from "../../model/library.ts";
import type { Parameter } from "../graph.ts";
import { isUnder } from "../lower/path-frame.ts";
import { dottedName } from "./free-names.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";

/** Whether a parameter is described, and by which index of the repeat. */
export interface Described {
  readonly holds: boolean;
  readonly index?: number;
}

const no: Described = { holds: false };

interface Where {
  readonly context: RecipeContext;
  readonly file: FileScope;
  readonly parameters: readonly Parameter[];
}

/** Checks the condition once (names, paths that match nothing) and gives the test. */
export function describedBy(
  clause: ExceptClause,
  where: Where,
): (parameter: Parameter) => Described {
  checkCondition(clause.condition, where);
  if (clause.index && !mentionsPath(clause.condition)) {
    where.context.problems.error(
      "wrong-condition",
      "`as` names the index of a repeat, so the condition needs a path: `path in model.layers as i`",
      where.file.name,
      clause.index.span,
    );
  }
  return (parameter) => test(clause.condition, parameter, where);
}

function test(condition: Expression, parameter: Parameter, where: Where): Described {
  switch (condition.kind) {
    case "unary":
      return condition.operator === "not"
        ? { holds: !test(condition.operand, parameter, where).holds }
        : no;
    case "binary": {
      const { operator, left, right } = condition;
      if (operator === "and" || operator === "or") {
        const a = test(left, parameter, where);
        const b = test(right, parameter, where);
        const holds = operator === "and" ? a.holds && b.holds : a.holds || b.holds;
        const index = a.holds && a.index !== undefined ? a.index : b.index;
        return index === undefined ? { holds } : { holds, index };
      }
      return testComparison(condition, parameter, where);
    }
    default:
      return no;
  }
}

function testComparison(
  condition: Expression & { kind: "binary" },
  parameter: Parameter,
  where: Where,
): Described {
  const { operator, left, right } = condition;
  if (left.kind !== "name") return no;
  if (left.name === "rank")
    return { holds: compare(operator, parameter.shape.length, numberOf(right, where)) };
  if (left.name === "block") {
    const blocks = listed(right).map((item) => (item.kind === "name" ? item.name : ""));
    return { holds: blocks.includes(parameter.block) === (operator !== "!=") };
  }
  for (const path of listed(right).map(pathOf)) {
    if (path === undefined || !isUnder(parameter.path, path)) continue;
    const next = parameter.path.slice(path.length + 1).split(".")[0]!;
    return /^\d+$/.test(next) ? { holds: true, index: Number(next) } : { holds: true };
  }
  return no;
}

/** `(a, b)` is each of them. */
function listed(expression: Expression): readonly Expression[] {
  return expression.kind === "tuple" || expression.kind === "list"
    ? expression.elements
    : [expression];
}

function pathOf(expression: Expression): string | undefined {
  return expression.kind === "string" ? expression.value : dottedName(expression)?.join(".");
}

function numberOf(expression: Expression, { context, file }: Where): number | undefined {
  return knownNumber(evaluateSetting(expression, context.scope(file)));
}

function compare(operator: string, a: number, b: number | undefined): boolean {
  if (b === undefined) return false;
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "!=":
      return a !== b;
    default:
      return a === b;
  }
}

function mentionsPath(condition: Expression): boolean {
  if (condition.kind === "unary") return mentionsPath(condition.operand);
  if (condition.kind !== "binary") return false;
  return (
    (condition.left.kind === "name" && condition.left.name === "path") ||
    mentionsPath(condition.left) ||
    mentionsPath(condition.right)
  );
}

function checkCondition(condition: Expression, where: Where): void {
  if (condition.kind === "missing") return;
  if (condition.kind === "unary" && condition.operator === "not")
    return checkCondition(condition.operand, where);
  if (condition.kind !== "binary") return refuse(condition.span, where);
  const { operator, left, right } = condition;
  if (operator === "and" || operator === "or") {
    checkCondition(left, where);
    return checkCondition(right, where);
  }
  if (left.kind !== "name" || !["rank", "block", "path"].includes(left.name)) {
    const hint = left.kind === "name" ? nearestHint(left.name, ["rank", "block", "path"]) : {};
    return refuse(left.span, where, hint.hints);
  }
  if (left.name === "rank") return void numberOf(right, where);
  if (left.name === "block") return listed(right).forEach((block) => checkBlock(block, where));
  if (operator !== "in") return refuse(condition.span, where, ["`path in model.layers`"]);
  listed(right).forEach((path) => checkPath(pathOf(path), path.span, where));
}

function refuse(span: Span, { context, file }: Where, hints?: readonly string[]): void {
  context.problems.error(
    "wrong-condition",
    "`except` describes parameters by `rank`, `block` and `path`",
    file.name,
    span,
    {
      hints: hints ?? ["`rank < 2`, `block == BatchNorm`, `path in model.layers`"],
    },
  );
}

function checkBlock(block: Expression, { context, file, parameters }: Where): void {
  const name = block.kind === "name" ? block.name : "";
  const used = [...new Set(parameters.map((parameter) => parameter.block))].filter(
    (known) => known !== "",
  );
  if (used.includes(name) || !context.hasAllPaths) return;
  const found = findName(context.library, file, name);
  const isBlock = found?.declaration.kind === "block" || found?.declaration.kind === "model";
  const message = isBlock
    ? `no parameter of this recipe belongs to a \`${name}\``
    : `there is no block \`${name}\``;
  context.problems.error(
    "matches-nothing",
    message,
    file.name,
    block.span,
    nearestHint(name, isBlock ? used : [...used, ...namesInReach(context.library, file)]),
  );
}

/** The path stands above at least one parameter, else it is misspelt. */
export function checkPath(
  path: string | undefined,
  span: Span,
  { context, file, parameters }: Where,
): boolean {
  if (path === undefined) {
    context.problems.error(
      "wrong-condition",
      "a path is needed here, such as `model.layers`",
      file.name,
      span,
    );
    return false;
  }
  if (!context.hasAllPaths) return true;
  if (parameters.some((parameter) => isUnder(parameter.path, path))) return true;
  context.problems.error(
    "matches-nothing",
    `no parameter has the path \`${path}\``,
    file.name,
    span,
    nearestHint(path, pathsAbove(parameters)),
  );
  return false;
}

/** Every path at which something with parameters stands, parameters included. */
function pathsAbove(parameters: readonly Parameter[]): readonly string[] {
  const paths = new Set<string>();
  for (const { path } of parameters) {
    const segments = path.split(".");
    segments.forEach((_, i) => paths.add(segments.slice(0, i + 1).join(".")));
  }
  return [...paths];
}
