// What a model's text says of the axis that its positions go along: how many tokens stand before the grid, and whether
// the grid is square. `param position [tokens = grid ^ 2 + extra, width]` says both; a bare number says nothing, and then
// whoever resizes must say it. Nothing is guessed from sizes.
import type { Expression, ParamStatement, Shape, Statement } from "../../grammar/syntax.ts";
import type { FileScope } from "../model/library.ts";
import { plainValue, type Lookup } from "./plain-value.ts";

export interface TokenLayout {
  /** Tokens before the grid. */
  readonly before: number;
  /** Rows and columns of our own grid. */
  readonly grid: readonly number[];
}

export interface DeclaredAxis {
  /** The size of the first axis, as written. */
  readonly size: Expression;
  /** `let`s of the body around it. */
  readonly lets: ReadonlyMap<string, Expression>;
}

/** The first axis of the parameter that is declared at a place of a file. */
export function declaredAxis(file: FileScope, start: number): DeclaredAxis | undefined {
  for (const declaration of file.syntax.declarations) {
    if (!("body" in declaration)) continue;
    const { statements } = declaration.body;
    const statement = statements.find((each) => isParameterAt(each, start));
    if (statement === undefined) continue;
    const size = firstSize((statement as ParamStatement).shape);
    return size && { size, lets: letsOf(statements) };
  }
  return undefined;
}

function isParameterAt(statement: Statement, start: number): boolean {
  const { span } = statement;
  return statement.kind === "param" && span.start <= start && start < span.end;
}

function firstSize({ axes }: Shape): Expression | undefined {
  const [first] = axes;
  if (first?.kind === "axis-size") return first.size;
  return first?.kind === "axis-name" ? first.size : undefined;
}

function letsOf(statements: readonly Statement[]): ReadonlyMap<string, Expression> {
  return new Map(
    statements.flatMap((each) =>
      each.kind === "let" && !each.binding.isTuple
        ? [[each.binding.names[0]!.text, each.value] as const]
        : [],
    ),
  );
}

/** Undefined where the text does not say it. `tokens` is how many there are in all. */
export function tokenLayout(
  { size, lets }: DeclaredAxis,
  tokens: number,
  settings: Lookup,
): TokenLayout | undefined {
  const open = new Set<string>();
  const lookup: Lookup = (name) => {
    const known = settings(name);
    const written = lets.get(name);
    if (known !== undefined || written === undefined || open.has(name)) return known;
    open.add(name);
    const value = plainValue(written, lookup);
    open.delete(name);
    return value;
  };
  for (const { product, before } of sums(size)) {
    const count = before === undefined ? 0 : plainValue(before, lookup);
    if (typeof count !== "number") continue;
    const grid = gridOf(product, tokens - count, lookup);
    if (grid !== undefined) return { before: count, grid };
  }
  return undefined;
}

/** `product + before`, either way around, or the product alone. */
function sums(
  size: Expression,
): readonly { readonly product: Expression; readonly before: Expression | undefined }[] {
  if (size.kind !== "binary" || size.operator !== "+")
    return [{ product: size, before: undefined }];
  return [
    { product: size.left, before: size.right },
    { product: size.right, before: size.left },
  ];
}

/** `grid ^ 2` is square; of `rows * cols` one must be known. */
function gridOf(product: Expression, count: number, lookup: Lookup): readonly number[] | undefined {
  if (product.kind !== "binary") return undefined;
  if (product.operator === "^") {
    const side = Math.round(Math.sqrt(count));
    const isSquare = plainValue(product.right, lookup) === 2 && side * side === count;
    return isSquare ? [side, side] : undefined;
  }
  if (product.operator !== "*") return undefined;
  const [rows, cols] = [plainValue(product.left, lookup), plainValue(product.right, lookup)];
  if (typeof rows === "number" && count % rows === 0) return [rows, count / rows];
  return typeof cols === "number" && count % cols === 0 ? [count / cols, cols] : undefined;
}
