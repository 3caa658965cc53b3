// What operators ask of the formatter: rows of operands, and texts that must not begin a line.
import { leftLevel, level, needsParens } from "./format-flat.ts";
import type * as s from "./syntax.ts";

/** `a + b - c` as its operands, each with the operator before it. */
export function chainOf(
  node: s.BinaryExpression,
): { operator: s.BinaryOperator; operand: s.Expression }[] {
  const terms: { operator: s.BinaryOperator; operand: s.Expression }[] = [];
  let rest: s.Expression = node;
  while (
    rest.kind === "binary" &&
    leftLevel(rest.operator) === leftLevel(node.operator) &&
    node.operator !== "^"
  ) {
    terms.unshift({ operator: rest.operator, operand: rest.right });
    rest = rest.left;
    if (rest.kind === "binary" && needsParens(rest, leftLevel(node.operator))) break;
  }
  if (terms.length === 0) {
    terms.push({ operator: node.operator, operand: node.right });
    rest = node.left;
  }
  return [{ operator: node.operator, operand: rest }, ...terms];
}

/** An `if` in a branch stands in parentheses, for the reader. */
export function branchLevel(node: s.Expression): number {
  return node.kind === "if" ? level.operand : level.operation;
}

/** Whether the text of an expression begins with `-` or `..`, which would go on with the line before. */
export function beginsWithOperator(node: s.Expression): boolean {
  switch (node.kind) {
    case "unary":
      return node.operator === "-";
    case "range":
      return node.from === undefined || beginsWithOperator(node.from);
    case "course":
      return beginsWithOperator(node.from);
    case "binary":
      return !needsParens(node.left, leftLevel(node.operator)) && beginsWithOperator(node.left);
    case "pipe": {
      const { label, operation } = node.head;
      return (
        !label &&
        operation.kind !== "repeat" &&
        operation.kind !== "arrow" &&
        beginsWithOperator(operation)
      );
    }
    default:
      return false;
  }
}
