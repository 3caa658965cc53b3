// An expression in a map of names (`i + 1`, `pool == mean`, `sum(depths[..s]) + b`) and what its names stand for ->
// its value. Maps are read beside a model that is lowered already, so its settings are plain values here.
import { parse } from "../../grammar/parse.ts";
import type { BinaryOperator, Expression } from "../../grammar/syntax.ts";

/** `null` is `none`; a word that nothing else explains is the word itself, as in `pool == mean`. */
export type Plain = number | boolean | string | null | readonly Plain[];

export type Lookup = (name: string) => Plain | undefined;

/** Undefined where it is no value that a map knows. */
export function plainValue(expression: Expression, lookup: Lookup): Plain | undefined {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "string":
      return expression.value;
    case "name":
      return valueOfName(expression.name, lookup);
    case "list":
    case "tuple":
      return allOf(expression.elements.map((each) => plainValue(each, lookup)));
    case "unary":
      return unary(expression.operator, plainValue(expression.operand, lookup));
    case "binary":
      return binary(
        expression.operator,
        plainValue(expression.left, lookup),
        plainValue(expression.right, lookup),
      );
    case "if":
      return isTrue(plainValue(expression.condition, lookup))
        ? plainValue(expression.then, lookup)
        : plainValue(expression.else, lookup);
    case "index":
      return indexed(expression, lookup);
    case "call":
      return called(expression, lookup);
    default:
      return undefined;
  }
}

/** `when classes` asks whether it is there, as everywhere. */
export function isTrue(value: Plain | undefined): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** A setting as lowering prints it. What is no plain value (a block, say) is its text. */
export function readSetting(text: string): Plain {
  const { file, diagnostics } = parse(`let value = ${text}`, "setting");
  const [declaration] = file.declarations;
  if (declaration?.kind !== "let" || diagnostics.length > 0) return text;
  const value = plainValue(declaration.value, () => undefined);
  return value === undefined ? text : value;
}

function valueOfName(name: string, lookup: Lookup): Plain {
  const known = lookup(name);
  if (known !== undefined) return known;
  return name === "none" ? null : name === "true" ? true : name === "false" ? false : name;
}

function allOf(values: readonly (Plain | undefined)[]): Plain | undefined {
  return values.includes(undefined) ? undefined : (values as readonly Plain[]);
}

function unary(operator: "-" | "not", value: Plain | undefined): Plain | undefined {
  if (operator === "not") return value === undefined ? undefined : !isTrue(value);
  return typeof value === "number" ? -value : undefined;
}

function binary(
  operator: BinaryOperator,
  left: Plain | undefined,
  right: Plain | undefined,
): Plain | undefined {
  if (left === undefined || right === undefined) return undefined;
  switch (operator) {
    case "and":
      return isTrue(left) && isTrue(right);
    case "or":
      return isTrue(left) || isTrue(right);
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "in":
      return Array.isArray(right) ? right.includes(left) : undefined;
    default:
      return typeof left === "number" && typeof right === "number"
        ? arithmetic(operator, left, right)
        : undefined;
  }
}

function arithmetic(operator: BinaryOperator, a: number, b: number): Plain | undefined {
  const results: Partial<Record<BinaryOperator, Plain>> = {
    "+": a + b,
    "-": a - b,
    "*": a * b,
    "/": a / b,
    "%": a % b,
    "^": a ** b,
    "<": a < b,
    "<=": a <= b,
    ">": a > b,
    ">=": a >= b,
  };
  return results[operator];
}

/** `depths[s]`, `depths[..s]`. */
function indexed(
  { target, indices }: Extract<Expression, { kind: "index" }>,
  lookup: Lookup,
): Plain | undefined {
  const list = plainValue(target, lookup);
  const [index] = indices;
  if (!Array.isArray(list) || index?.kind !== "index-position") return undefined;
  const end = (part: Expression | undefined, otherwise: number): Plain | undefined =>
    part === undefined ? otherwise : plainValue(part, lookup);
  if (index.value.kind !== "range") {
    const at = plainValue(index.value, lookup);
    return typeof at === "number" ? list.at(at) : undefined;
  }
  const from = end(index.value.from, 0);
  const to = end(index.value.to, list.length);
  return typeof from === "number" && typeof to === "number" ? list.slice(from, to) : undefined;
}

function called(
  { callee, arguments: given }: Extract<Expression, { kind: "call" }>,
  lookup: Lookup,
): Plain | undefined {
  const [first] = given;
  if (callee.kind !== "name" || first?.kind !== "argument") return undefined;
  const value = plainValue(first.value, lookup);
  const numbers = Array.isArray(value) ? value.filter((each) => typeof each === "number") : [];
  switch (callee.name) {
    case "len":
      return Array.isArray(value) ? value.length : undefined;
    case "sum":
      return Array.isArray(value) ? numbers.reduce((sum, each) => sum + each, 0) : undefined;
    case "floor":
      return typeof value === "number" ? Math.floor(value) : undefined;
    default:
      return undefined;
  }
}
