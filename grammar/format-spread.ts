// A piece of the syntax tree -> its canonical text where one line is not enough, or where the author spread it out.
// `indent` is the column that lines after the first hang from, `column` where the first begins.
import type { Comments } from "./format-comments.ts";
import {
  Flat,
  join,
  leftLevel,
  level,
  needsParens,
  operandLevel,
  rightLevel,
} from "./format-flat.ts";
import { binding } from "./format-flat.ts";
import { after, widest } from "./format-lines.ts";
import { spreadPipe } from "./format-pipes.ts";
import { beginsWithOperator, branchLevel, chainOf } from "./format-operators.ts";
import { precedence } from "./operators.ts";
import type * as s from "./syntax.ts";
import type { Comment } from "./syntax.ts";
import { pathText } from "./syntax.ts";

export interface Item {
  readonly span: s.Span;
  /** The text of the item, which begins at column `indent`. */
  readonly print: (indent: number) => string;
}

export class Spread {
  readonly flat: Flat;
  readonly comments: Comments;

  constructor(comments: Comments) {
    this.comments = comments;
    this.flat = new Flat(comments);
  }

  /** An expression: on one line where it fits and may, else spread out. */
  expression(node: s.Expression, place: number, indent: number, column: number): string {
    const flat = this.flat.expression(node, place);
    if (flat !== undefined && column + flat.length <= widest) return flat;
    if (!needsParens(node, place)) return this.inside(node, flat, indent, column);
    return `(${this.inside(node, undefined, column - 1, column + 1)})`;
  }

  private inside(
    node: s.Expression,
    flat: string | undefined,
    indent: number,
    column: number,
  ): string {
    switch (node.kind) {
      case "pipe":
        return spreadPipe(this, node, indent, column);
      case "binary":
        return this.binary(node, indent, column);
      case "unary": {
        const operator = node.operator === "-" ? "-" : "not ";
        return (
          operator +
          this.expression(node.operand, operandLevel(node), indent, column + operator.length)
        );
      }
      case "range":
        return `${this.rangeEnd(node.from, indent, column)}..${this.rangeEnd(node.to, indent, column)}`;
      case "course": {
        const from = this.expression(node.from, precedence.course + 1, indent, column);
        return `${from} to ${this.expression(node.to, precedence.course + 1, indent, after(from, column) + 4)}`;
      }
      case "if":
        return this.conditional(node, indent, column);
      case "match":
        return this.match(node, indent, column);
      case "record":
        return this.record(node, indent);
      case "braces":
        return this.braces(node, indent);
      case "braced": {
        const target = this.expression(node.target, level.operation, indent, column);
        return `${target} ${this.braces(node.braces, indent)}`;
      }
      case "call": {
        const callee = this.expression(node.callee, level.target, indent, column);
        return callee + this.callArguments(node, indent, after(callee, column));
      }
      case "member":
        return `${this.expression(node.target, level.target, indent, column)}.${node.member.text}`;
      case "index":
        return this.index(node, indent, column);
      case "tuple":
        return this.bracketed(
          "(",
          node.elements.map((item) => this.element(item)),
          ")",
          node.span,
          indent,
        );
      case "list":
        return this.bracketed(
          "[",
          node.elements.map((item) => this.element(item)),
          "]",
          node.span,
          indent,
        );
      case "comprehension":
        return this.comprehension(node, indent);
      case "shape":
      case "number":
      case "quantity":
      case "string":
      case "name":
      case "next-value":
      case "wildcard":
      case "missing":
        // These do not break. A comment inside was found by the caller and goes above the line.
        return flat ?? this.withoutComments(node);
    }
  }

  private rangeEnd(node: s.Expression | undefined, indent: number, column: number): string {
    return node === undefined ? "" : this.expression(node, precedence.range + 1, indent, column);
  }

  /** The text of something that cannot break, although a comment stands in it: whoever prints the line around takes that. */
  withoutComments(node: s.Expression): string {
    return new Flat(noComments).expression(node, level.pipe)!;
  }

  typeWithoutComments(node: s.Type): string {
    return new Flat(noComments).type(node)!;
  }

  argumentWithoutComments(node: s.Argument): string {
    return new Flat(noComments).argument(node)!;
  }

  /** Whether a comment stands on a line of its own between two offsets. */
  hasOwnLineComment(start: number, end: number): boolean {
    return this.comments.isOnOwnLine(start, end);
  }

  /** The comment that ends a line. */
  trailing(offset: number): string {
    const comment = this.comments.takeTrailing(offset);
    return comment ? comment.text : "";
  }

  braces(node: s.Braces, indent: number): string {
    const items: Item[] = [
      ...node.lets.map((statement) => ({
        span: statement.span,
        print: (at: number) => this.letStatement(statement, at),
      })),
      {
        span: node.result.span,
        print: (at: number) => this.result(node.result, node.lets.length > 0, at),
      },
    ];
    return this.block("{", items, "}", node.span, indent);
  }

  /** What a body or braces give. After a statement it must not begin with what would go on with that. */
  result(node: s.Expression, hasStatements: boolean, indent: number): string {
    if (!hasStatements || !beginsWithOperator(node))
      return this.expression(node, level.pipe, indent, indent);
    return `(${this.expression(node, level.pipe, indent + 2, indent + 1)})`;
  }

  letStatement(node: s.LetStatement, indent: number): string {
    return this.assignment(`let ${binding(node.binding)} =`, node.value, indent);
  }

  /** `start value`, the value on the lines below where it is a ladder of choices. */
  assignment(start: string, value: s.Expression, indent: number): string {
    const flat = this.flat.expression(value, level.pipe);
    if (flat !== undefined && indent + start.length + 1 + flat.length <= widest)
      return `${start} ${flat}`;
    if (value.kind === "if") {
      const inner = indent + 2;
      return `${start}\n${" ".repeat(inner)}${this.expression(value, level.pipe, inner, inner)}`;
    }
    return `${start} ${this.expression(value, level.pipe, indent, indent + start.length + 1)}`;
  }

  // ------------------------------------------------------------------------------------------ operators

  /** Breaks before each operator of the loosest level; a short rest may follow a long first operand. */
  private binary(node: s.BinaryExpression, indent: number, column: number): string {
    const [first, ...rest] = chainOf(node);
    let text = this.expression(first!.operand, leftLevel(node.operator), indent, column);
    const flat = rest.map(
      ({ operator, operand }) =>
        join` ${operator} ${this.flat.expression(operand, rightLevel(operator))}`,
    );
    const tail = flat.includes(undefined) ? undefined : flat.join("");
    if (text.includes("\n") && tail !== undefined && after(text, column) + tail.length <= widest)
      return text + tail;
    for (const { operator, operand } of rest) {
      const inner = indent + 2 + operator.length + 1;
      text += `\n${" ".repeat(indent + 2)}${operator} ${this.expression(operand, rightLevel(operator), inner, inner)}`;
    }
    return text;
  }

  /** A rung of the ladder on each line. */
  private conditional(node: s.IfExpression, indent: number, column: number): string {
    const lines: string[] = [];
    let rest: s.Expression = node;
    for (let word = "if"; rest.kind === "if"; word = "else if") {
      const at = lines.length === 0 ? column : indent;
      lines.push(this.rung(word, rest, indent, at));
      rest = rest.else;
    }
    lines.push(`else ${this.expression(rest, level.operation, indent + 2, indent + 5)}`);
    return lines.join(`\n${" ".repeat(indent)}`);
  }

  private rung(word: string, node: s.IfExpression, indent: number, column: number): string {
    const condition = this.expression(
      node.condition,
      branchLevel(node.condition),
      indent + 2,
      column + word.length + 1,
    );
    const start = `${word} ${condition} then`;
    const value = this.flat.expression(node.then, branchLevel(node.then));
    if (value !== undefined && after(start, column) + 1 + value.length <= widest)
      return `${start} ${value}`;
    const below = " ".repeat(indent + 2);
    return `${start}\n${below}${this.expression(node.then, branchLevel(node.then), indent + 2, indent + 2)}`;
  }

  // ------------------------------------------------------------------------------------------ brackets

  private callArguments(node: s.CallExpression, indent: number, column: number): string {
    const flat = this.flat.callArguments(node.arguments);
    const span = { start: node.callee.span.end, end: node.span.end };
    if (flat !== undefined && column + flat.length <= widest && !this.comments.isInside(span))
      return flat;
    return this.bracketed(
      "(",
      node.arguments.map((item) => this.argument(item)),
      ")",
      span,
      indent,
    );
  }

  private argument(node: s.Argument): Item {
    const print = (indent: number): string => {
      if (node.kind === "initializer") {
        const start = `${pathText(node.path)} ~ `;
        return (
          start + this.expression(node.distribution, level.operation, indent, indent + start.length)
        );
      }
      return node.name
        ? this.assignment(`${node.name.text} =`, node.value, indent)
        : this.expression(node.value, level.pipe, indent, indent);
    };
    return { span: node.span, print };
  }

  private element(node: s.Expression): Item {
    return {
      span: node.span,
      print: (indent) => this.expression(node, level.pipe, indent, indent),
    };
  }

  private index(node: s.IndexExpression, indent: number, column: number): string {
    const target = this.expression(node.target, level.target, indent, column);
    const items = node.indices.map((item): Item => ({
      span: item.span,
      print: (at) => this.indexItem(item, at),
    }));
    const flat = this.flat.wrap(
      "[",
      node.indices.map((item) => this.flat.index(item)),
      "]",
    );
    const span = { start: node.target.span.end, end: node.span.end };
    if (
      flat !== undefined &&
      after(target, column) + flat.length <= widest &&
      !this.comments.isInside(span)
    )
      return target + flat;
    return target + this.bracketed("[", items, "]", span, indent);
  }

  private indexItem(node: s.Index, indent: number): string {
    if (node.kind === "index-rename") return `${node.from.text} as ${node.to.text}`;
    if (node.kind === "index-position")
      return this.expression(node.value, level.operation, indent, indent);
    const start = `${node.axis.text} = `;
    return start + this.expression(node.range, level.operation, indent, indent + start.length);
  }

  private comprehension(node: s.ComprehensionExpression, indent: number): string {
    const inner = indent + 2;
    const element = this.expression(node.element, level.pipe, inner, inner);
    const loop = `for ${binding(node.binding)} in ${this.expression(node.over, level.operation, inner, inner + 8)}`;
    const below = `\n${" ".repeat(inner)}`;
    return `[${below}${element}${below}${loop}\n${" ".repeat(indent)}]`;
  }

  private match(node: s.MatchExpression, indent: number, column: number): string {
    const subject = this.expression(node.subject, level.operation, indent, column + 6);
    const patterns = node.arms.map((arm) =>
      arm.pattern === undefined
        ? "else"
        : this.expression(arm.pattern, level.operation, indent + 2, indent + 2),
    );
    const width = Math.max(0, ...patterns.map((pattern) => pattern.length));
    const items = node.arms.map((arm, i): Item => ({
      span: arm.span,
      print: (at) =>
        this.assignment(`${patterns[i]!.padEnd(width <= 24 ? width : 0)} =>`, arm.value, at),
    }));
    const span = { start: node.subject.span.end, end: node.span.end };
    return `match ${subject} ${this.bracketed("{", items, "}", span, indent)}`;
  }

  record(node: s.RecordExpression, indent: number): string {
    const names = node.fields.map((field) => pathText(field.path));
    const items = node.fields.map((field, i): Item => ({
      span: field.span,
      print: (at) =>
        this.assignment(
          `${names[i]!.padEnd(Math.max(...names.map((name) => name.length)))} =`,
          field.value,
          at,
        ),
    }));
    return this.bracketed("{", items, "}", node.span, indent);
  }

  /** An item a line, each with a comma, the author's empty lines and the comments kept. */
  bracketed(
    open: string,
    items: readonly Item[],
    close: string,
    span: s.Span,
    indent: number,
  ): string {
    return this.block(open, items, close, span, indent, ",");
  }

  /** An item a line, without commas. */
  rows(open: string, items: readonly Item[], close: string, span: s.Span, indent: number): string {
    return this.block(open, items, close, span, indent);
  }

  private block(
    open: string,
    items: readonly Item[],
    close: string,
    span: s.Span,
    indent: number,
    end = "",
  ): string {
    const inner = " ".repeat(indent + 2);
    const lines: string[] = [];
    let previous: number | undefined;
    for (const item of items) {
      const above = this.comments.takeBefore(item.span.start);
      const text = item.print(indent + 2);
      lines.push(...this.commentLines(this.comments.takeInside(item.span), inner));
      previous = this.weave(lines, previous, above, inner);
      if (previous !== undefined && this.comments.hasBlankLine(previous, item.span.start))
        lines.push("");
      const trailing = this.trailing(item.span.end);
      lines.push(inner + text + end + (trailing && `  ${trailing}`));
      previous = item.span.end;
    }
    this.weave(lines, previous, this.comments.takeBefore(span.end), inner);
    return [open, ...lines, " ".repeat(indent) + close].join("\n");
  }

  /** Adds comments on lines of their own, with the author's empty lines. Gives where the last of them ended. */
  weave(
    lines: string[],
    previous: number | undefined,
    comments: readonly Comment[],
    inner: string,
  ): number | undefined {
    let end = previous;
    for (const comment of comments) {
      if (end !== undefined && this.comments.hasBlankLine(end, comment.span.start)) lines.push("");
      lines.push(inner + comment.text);
      end = comment.span.end;
    }
    return end;
  }

  commentLines(comments: readonly Comment[], inner: string): string[] {
    return comments.map((comment) => inner + comment.text);
  }
}

const noComments = { isInside: () => false, hasBreak: () => false } as unknown as Comments;
