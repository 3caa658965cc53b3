// A row of operands and operators -> a tree, by precedence, without recursion however long the row is.
import type { BinaryOperator, Expression, Span } from "./syntax.ts";

export interface Operator {
  readonly text: string;
  readonly span: Span;
}

/** `not`s and minus signs, then the operand they stand before. */
export interface Term {
  readonly prefixes: readonly Operator[];
  readonly operand: Expression;
}

/** What follows in the row: an operator and its right side, which only an open range (`1..`) lacks. */
export interface Continuation {
  readonly operator: Operator;
  readonly term: Term | undefined;
}

/** Higher binds tighter. The formatter asks the same table where parentheses are needed. */
export const precedence = {
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  course: 5,
  range: 6,
  sum: 7,
  product: 8,
  negative: 9,
  power: 10,
} as const;

const precedences = new Map<string, number>([
  ["or", precedence.or],
  ["and", precedence.and],
  ...["==", "!=", "<", "<=", ">", ">=", "in"].map((text): [string, number] => [
    text,
    precedence.comparison,
  ]),
  ["to", precedence.course],
  ["..", precedence.range],
  ["+", precedence.sum],
  ["-", precedence.sum],
  ["*", precedence.product],
  ["/", precedence.product],
  ["%", precedence.product],
  ["^", precedence.power],
]);

export function infixPrecedence(text: string): number {
  return precedences.get(text)!;
}

export function prefixPrecedence(text: string): number {
  return text === "not" ? precedence.not : precedence.negative;
}

/** `a < b < c`, `a..b..c` and `a to b to c` mean nothing here. */
export function chains(level: number): boolean {
  return (
    level !== precedence.comparison && level !== precedence.course && level !== precedence.range
  );
}

interface Pending {
  readonly operator: Operator;
  readonly level: number;
  readonly isPrefix: boolean;
}

/**
 * `opening` is the `..` that starts the row, as in `..n`; then `first` may be absent (`..`).
 * `reportChain` hears of operators that do not chain, such as the second `<` in `a < b < c`.
 */
export function buildOperation(
  opening: Operator | undefined,
  first: Term | undefined,
  rest: readonly Continuation[],
  reportChain: (operator: Operator) => void,
): Expression {
  if (
    first !== undefined &&
    opening === undefined &&
    rest.length === 0 &&
    first.prefixes.length === 0
  ) {
    return first.operand;
  }
  const row = new Row(reportChain);
  if (opening) row.operator(opening);
  row.term(first);
  for (const { operator, term } of rest) {
    row.operator(operator);
    row.term(term);
  }
  return row.finish();
}

class Row {
  /** An absent operand stands at the open end of a range. */
  private readonly operands: (Expression | undefined)[] = [];
  private readonly pending: Pending[] = [];
  private readonly reportChain: (operator: Operator) => void;

  constructor(reportChain: (operator: Operator) => void) {
    this.reportChain = reportChain;
  }

  term(term: Term | undefined): void {
    for (const operator of term?.prefixes ?? []) {
      this.pending.push({ operator, level: prefixPrecedence(operator.text), isPrefix: true });
    }
    this.operands.push(term?.operand);
  }

  operator(operator: Operator): void {
    const level = infixPrecedence(operator.text);
    if (this.operands.length === 0) this.operands.push(undefined);
    const rightward = level === precedence.power;
    for (let top = this.pending.at(-1); top !== undefined; top = this.pending.at(-1)) {
      if (rightward ? top.level <= level : top.level < level) break;
      if (top.level === level && !top.isPrefix && !chains(level)) this.reportChain(operator);
      this.reduce();
    }
    this.pending.push({ operator, level, isPrefix: false });
  }

  finish(): Expression {
    while (this.pending.length > 0) this.reduce();
    return this.operands[0]!;
  }

  private reduce(): void {
    const { operator, isPrefix } = this.pending.pop()!;
    const right = this.operands.pop();
    this.operands.push(
      isPrefix ? unary(operator, right!) : binary(operator, this.operands.pop(), right),
    );
  }
}

function unary(operator: Operator, operand: Expression): Expression {
  const span = { start: operator.span.start, end: operand.span.end };
  return { kind: "unary", operator: operator.text as "-" | "not", operand, span };
}

function binary(
  operator: Operator,
  left: Expression | undefined,
  right: Expression | undefined,
): Expression {
  const span = {
    start: left?.span.start ?? operator.span.start,
    end: right?.span.end ?? operator.span.end,
  };
  if (operator.text === "..") return { kind: "range", from: left, to: right, span };
  if (operator.text === "to") return { kind: "course", from: left!, to: right!, span };
  const text = operator.text as BinaryOperator;
  return {
    kind: "binary",
    operator: text,
    left: left!,
    right: right!,
    operatorSpan: operator.span,
    span,
  };
}
