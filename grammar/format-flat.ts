// A piece of the syntax tree -> its canonical text on one line, or undefined where it must not stand on one.
// Puts parentheses exactly where the tree needs them, by the same table of precedences that the parser uses.
import type { Comments } from "./format-comments.ts";
import { infixPrecedence, precedence, prefixPrecedence } from "./operators.ts";
import type * as s from "./syntax.ts";
import { pathText } from "./syntax.ts";

// Places in the grammar, by how tightly what stands there must bind. A pipe may stand only at `pipe`.
export const level = { pipe: -1, operation: 0, operand: 100, target: 101 } as const;

export class Flat {
  private readonly comments: Comments;
  private readonly known = new Map<object, string | undefined>();

  constructor(comments: Comments) {
    this.comments = comments;
  }

  /** An expression in a place of the given level, in parentheses if it must be. */
  expression(node: s.Expression, place: number): string | undefined {
    const text = this.bare(node);
    return text !== undefined && needsParens(node, place) ? `(${text})` : text;
  }

  private bare(node: s.Expression): string | undefined {
    if (this.known.has(node)) return this.known.get(node);
    const text = this.comments.isInside(node.span) ? undefined : this.inside(node);
    this.known.set(node, text);
    return text;
  }

  private inside(node: s.Expression): string | undefined {
    switch (node.kind) {
      case "number":
      case "string":
        return node.text;
      case "quantity":
        return `${node.amount.text} ${node.unit}`;
      case "name":
        return node.name;
      case "next-value":
        return `next ${node.name.text}`;
      case "wildcard":
        return "_";
      case "missing":
        return "";
      case "tuple":
        return this.wrap(
          "(",
          node.elements.map((item) => this.expression(item, level.pipe)),
          ")",
        );
      case "list":
        return this.wrap(
          "[",
          node.elements.map((item) => this.expression(item, level.pipe)),
          "]",
        );
      case "comprehension":
        return join`[${this.expression(node.element, level.pipe)} for ${binding(node.binding)} in ${this.expression(node.over, level.operation)}]`;
      case "record":
        return this.record(node);
      case "shape":
        return this.shape(node);
      case "braces":
        return this.braces(node);
      case "braced":
        return join`${this.expression(node.target, level.operation)} ${this.braces(node.braces)}`;
      case "call":
        return join`${this.expression(node.callee, level.target)}${this.callArguments(node.arguments)}`;
      case "member":
        return join`${this.expression(node.target, level.target)}.${node.member.text}`;
      case "index":
        return join`${this.expression(node.target, level.target)}${this.wrap(
          "[",
          node.indices.map((item) => this.index(item)),
          "]",
        )}`;
      case "unary":
        return join`${node.operator === "-" ? "-" : "not "}${this.expression(node.operand, operandLevel(node))}`;
      case "binary":
        return join`${this.expression(node.left, leftLevel(node.operator))} ${node.operator} ${this.expression(node.right, rightLevel(node.operator))}`;
      case "range":
        return join`${this.rangeEnd(node.from)}..${this.rangeEnd(node.to)}`;
      case "course":
        return join`${this.expression(node.from, precedence.course + 1)} to ${this.expression(node.to, precedence.course + 1)}`;
      case "if":
        return join`if ${this.branch(node.condition)} then ${this.branch(node.then)} else ${this.expression(node.else, level.operation)}`;
      case "match":
        return this.match(node);
      case "pipe":
        return this.pipe(node);
    }
  }

  /** A condition or first branch: an `if` there stands in parentheses, for the reader. */
  branch(node: s.Expression): string | undefined {
    return this.expression(node, node.kind === "if" ? level.operand : level.operation);
  }

  private rangeEnd(node: s.Expression | undefined): string | undefined {
    return node === undefined ? "" : this.expression(node, precedence.range + 1);
  }

  record(node: s.RecordExpression): string | undefined {
    if (node.fields.length === 0) return "{}";
    if (this.isSpread(node, node.fields[0]!)) return undefined;
    return this.wrap(
      "{ ",
      node.fields.map((field) => this.recordField(field)),
      " }",
    );
  }

  recordField(field: s.RecordField): string | undefined {
    return join`${pathText(field.path)} = ${this.expression(field.value, level.pipe)}`;
  }

  private match(node: s.MatchExpression): string | undefined {
    const subject = this.expression(node.subject, level.operation);
    if (node.arms.length === 0) return join`match ${subject} {}`;
    if (this.comments.hasBreak(node.subject.span.end, node.arms[0]!.span.start)) return undefined;
    return join`match ${subject} ${this.wrap(
      "{ ",
      node.arms.map((arm) => this.matchArm(arm)),
      " }",
    )}`;
  }

  matchArm(arm: s.MatchArm): string | undefined {
    const pattern =
      arm.pattern === undefined ? "else" : this.expression(arm.pattern, level.operation);
    return join`${pattern} => ${this.expression(arm.value, level.pipe)}`;
  }

  braces(node: s.Braces): string | undefined {
    if (node.lets.length > 0 || this.isSpread(node, node.result)) return undefined;
    return join`{ ${this.expression(node.result, level.pipe)} }`;
  }

  /** Written with a line end behind the opening brace: the author wants it spread out. */
  private isSpread(node: { span: s.Span }, first: { span: s.Span }): boolean {
    return (
      this.comments.isInside(node.span) || this.comments.hasBreak(node.span.start, first.span.start)
    );
  }

  pipe(node: s.Pipe): string | undefined {
    if (this.isBrokenPipe(node)) return undefined;
    const head = this.stage(node.head, node.stages.length > 0);
    return all([head, ...node.stages.map((stage) => this.stage(stage))])?.join(" |> ");
  }

  /** A pipe that the author broke stays broken, and a stage with `when` ends its line. */
  private isBrokenPipe(node: s.Pipe): boolean {
    const stages = [node.head, ...node.stages];
    return stages.some((stage, i) => {
      const next = stages[i + 1];
      if (next === undefined) return false;
      return stage.when !== undefined || this.comments.hasBreak(stage.span.end, next.span.start);
    });
  }

  /** `isHead`: further stages follow. */
  stage(node: s.Stage, isHead = false): string | undefined {
    const when =
      node.when === undefined ? "" : join` when ${this.expression(node.when, level.operation)}`;
    return join`${this.stageStart(node, isHead)}${when}`;
  }

  /** Label and operation, without `when`. */
  stageStart(node: s.Stage, isHead: boolean): string | undefined {
    return join`${node.label ? `${node.label.text}: ` : ""}${this.operation(node.operation, isHead)}`;
  }

  private operation(node: s.StageOperation, isHead: boolean): string | undefined {
    if (this.comments.isInside(node.span)) return undefined;
    if (node.kind === "repeat") return join`${this.repeatHead(node)} ${this.braces(node.body)}`;
    if (node.kind !== "arrow") return this.expression(node, stageLevel(node, isHead));
    const count = node.count ? `${node.count.text} * ` : "";
    return join`${this.shape(node.from)} -> ${count}${this.shape(node.to)}`;
  }

  repeatHead(node: s.Repeat): string | undefined {
    const names = node.binding ? ` as ${binding(node.binding)}` : "";
    return join`repeat ${this.expression(node.over, level.operation)}${names}`;
  }

  callArguments(list: readonly s.Argument[]): string | undefined {
    return this.wrap(
      "(",
      list.map((item) => this.argument(item)),
      ")",
    );
  }

  argument(node: s.Argument): string | undefined {
    if (node.kind === "initializer") {
      return join`${pathText(node.path)} ~ ${this.expression(node.distribution, level.operation)}`;
    }
    return join`${node.name ? `${node.name.text} = ` : ""}${this.expression(node.value, level.pipe)}`;
  }

  index(node: s.Index): string | undefined {
    if (node.kind === "index-rename") return `${node.from.text} as ${node.to.text}`;
    if (node.kind === "index-slice")
      return join`${node.axis.text} = ${this.expression(node.range, level.operation)}`;
    return this.expression(node.value, level.operation);
  }

  shape(node: s.Shape): string | undefined {
    return this.wrap(
      "[",
      node.axes.map((axis) => this.axis(axis)),
      "]",
    );
  }

  private axis(node: s.Axis): string | undefined {
    switch (node.kind) {
      case "axis-rest":
        return "..";
      case "axis-size":
        return this.expression(node.size, level.operation);
      case "axis-renamed":
        return `${node.from.text} as ${node.to.text}`;
      case "axis-name":
        return node.size
          ? join`${node.name.text} = ${this.expression(node.size, level.operation)}`
          : node.name.text;
      case "axis-group": {
        const factors = all(node.factors.map((factor) => this.factor(factor)))?.join(" ");
        return join`(${factors})${node.as ? ` as ${node.as.text}` : ""}`;
      }
    }
  }

  private factor(node: s.AxisFactor): string | undefined {
    const size =
      node.size && this.expression(node.size, node.size.kind === "quantity" ? 999 : level.operand);
    return node.name && node.size ? join`${node.name.text} = ${size}` : (node.name?.text ?? size);
  }

  field(node: s.Field): string | undefined {
    const type = node.type ? join`: ${this.type(node.type)}` : "";
    const value = node.default ? join` = ${this.expression(node.default, level.pipe)}` : "";
    return join`${node.name.text}${type}${value}`;
  }

  type(node: s.Type): string | undefined {
    switch (node.kind) {
      case "type-name":
        return node.name;
      case "type-list":
        return join`list[${this.type(node.element)}]`;
      case "type-tensor":
        return join`${node.element?.text ?? ""}${this.shape(node.shape)}`;
      case "type-tuple":
        return this.wrap(
          "(",
          node.elements.map((item) => this.type(item)),
          ")",
        );
      case "type-record":
        return this.wrap(
          "{ ",
          node.fields.map((item) => join`${item.name.text}: ${this.type(item.type)}`),
          " }",
        );
      case "type-choice":
        return node.options
          .map((option) => (node.areQuoted ? JSON.stringify(option.text) : option.text))
          .join(" | ");
      case "type-optional":
        return join`${this.type(node.of)}?`;
    }
  }

  wrap(open: string, parts: readonly (string | undefined)[], close: string): string | undefined {
    const inside = all(parts)?.join(", ");
    return inside === undefined ? undefined : `${open}${inside}${close}`;
  }
}

export function binding(node: s.Binding): string {
  const names = node.names.map((name) => name.text).join(", ");
  return node.isTuple ? `(${names})` : names;
}

/** Braces may follow a stage; and a bare `if` at the head would take the rest of the pipe into its `else`. */
export function stageLevel(node: s.Expression, isHead: boolean): number {
  if (node.kind === "braced") return level.pipe;
  return isHead && node.kind === "if" ? level.operand : level.operation;
}

/** How tightly an expression binds by itself. */
function tightness(node: s.Expression): number {
  switch (node.kind) {
    case "pipe":
    case "braced":
      return level.pipe;
    case "if":
      return level.operation;
    case "binary":
      return infixPrecedence(node.operator);
    case "unary":
      return prefixPrecedence(node.operator);
    case "range":
      return node.from && node.to ? precedence.range : level.operation;
    case "course":
      return precedence.course;
    case "number":
    case "quantity":
    case "match":
    case "record":
    case "braces":
      return level.operand;
    default:
      return level.target;
  }
}

export function needsParens(node: s.Expression, place: number): boolean {
  return tightness(node) < place;
}

export function leftLevel(operator: s.BinaryOperator): number {
  const own = infixPrecedence(operator);
  const chains = own !== precedence.comparison && own !== precedence.power;
  return chains ? own : own + 1;
}

/** A minus sign may stand behind any operator: `2 ^ -x`. */
export function rightLevel(operator: s.BinaryOperator): number {
  return operator === "^" ? precedence.negative : infixPrecedence(operator) + 1;
}

export function operandLevel(node: s.UnaryExpression): number {
  return node.operator === "-" ? precedence.negative + 1 : precedence.not;
}

function all(parts: readonly (string | undefined)[]): string[] | undefined {
  return parts.includes(undefined) ? undefined : (parts as string[]);
}

/** A template that is undefined if one of its parts is. */
export function join(
  texts: TemplateStringsArray,
  ...parts: (string | undefined)[]
): string | undefined {
  let whole = texts[0]!;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (part === undefined) return undefined;
    whole += part + texts[i + 1]!;
  }
  return whole;
}
