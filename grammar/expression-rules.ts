// Rules for expressions: operands and operators in a row, calls, lists, records, choices.
import type { IToken, TokenType } from "chevrotain";
import * as errors from "./errors.ts";
import { beginsSomething, isOpener } from "./layout.ts";
import { buildOperation } from "./operators.ts";
import type { Continuation, Operator, Term } from "./operators.ts";
import { ShapeRules } from "./shape-rules.ts";
import type * as s from "./syntax.ts";
import { units } from "./syntax.ts";
import * as t from "./tokens.ts";

export abstract class ExpressionRules extends ShapeRules {
  protected abstract readonly pipe: () => s.Expression;
  protected abstract readonly braces: () => s.Braces;

  /** Operands and operators in a row; `operators.ts` makes the tree. */
  protected readonly operation: () => s.Expression = this.RULE("operation", (): s.Expression => {
    let opening: Operator | undefined;
    let first: Term | undefined;
    // A range that is open at its end ends the row.
    let isOpen = false;
    this.OR({
      ERR_MSG: "a value",
      DEF: [
        {
          ALT: () => {
            opening = this.operatorOf(this.CONSUME(t.DotDot));
            first = this.OPTION({
              GATE: () => !this.isAtNewThing(),
              DEF: () => this.SUBRULE(this.term),
            });
            isOpen = first === undefined;
          },
        },
        { ALT: () => (first = this.SUBRULE1(this.term)) },
      ],
    });
    const rest: Continuation[] = [];
    this.MANY({
      GATE: () => !isOpen,
      DEF: () =>
        this.OR1([
          {
            ALT: () => {
              const operator = this.operatorOf(this.CONSUME(t.InfixOperator));
              rest.push({ operator, term: this.SUBRULE2(this.term) });
            },
          },
          {
            ALT: () => {
              const operator = this.operatorOf(this.CONSUME1(t.DotDot));
              const term = this.OPTION1({
                GATE: () => !this.isAtNewThing(),
                DEF: () => this.SUBRULE3(this.term),
              });
              isOpen = term === undefined;
              rest.push({ operator, term });
            },
          },
        ]),
    });
    return this.ACTION(() =>
      buildOperation(opening, first, rest, (operator) =>
        this.report(errors.noChain(this.fileName, operator)),
      ),
    );
  });

  protected readonly term = this.RULE("term", (): Term => {
    const prefixes: Operator[] = [];
    this.MANY(() => prefixes.push(this.operatorOf(this.CONSUME(t.PrefixOperator))));
    return { prefixes, operand: this.SUBRULE(this.operand) };
  });

  protected readonly operand: () => s.Expression = this.RULE("operand", (): s.Expression => {
    const first = this.LA(1);
    let target = this.SUBRULE(this.primary);
    this.MANY({
      GATE: () => this.is(1, t.Dot) || !this.ahead().startsLine,
      DEF: () =>
        (target = this.OR([
          { ALT: () => this.memberOf(first, target) },
          { ALT: () => this.callOf(first, target) },
          { ALT: () => this.indexOf(first, target) },
        ])),
    });
    return target;
  });

  private memberOf(first: IToken, target: s.Expression): s.Expression {
    this.CONSUME(t.Dot);
    const member = this.SUBRULE(this.segment);
    return { kind: "member", target, member, span: this.since(first) };
  }

  private callOf(first: IToken, callee: s.Expression): s.Expression {
    const list = this.SUBRULE(this.argumentList);
    return { kind: "call", callee, arguments: list, span: this.since(first) };
  }

  private indexOf(first: IToken, target: s.Expression): s.Expression {
    this.CONSUME(t.LeftBracket);
    const indices = this.commaSeparated(() => this.SUBRULE(this.index), t.RightBracket);
    this.CONSUME(t.RightBracket);
    return { kind: "index", target, indices, span: this.since(first) };
  }

  protected readonly argumentList = this.RULE("argumentList", (): s.Argument[] => {
    this.CONSUME(t.LeftParen);
    const list = this.commaSeparated(() => this.SUBRULE(this.argument), t.RightParen);
    this.CONSUME(t.RightParen);
    return list;
  });

  protected readonly argument = this.recoveringRule<s.Argument>(
    "argument",
    (): s.Argument => {
      const first = this.LA(1);
      return this.OR({
        IGNORE_AMBIGUITIES: true, // the gates tell them apart
        ERR_MSG: "a value",
        DEF: [
          { GATE: () => this.is(2, t.Equals), ALT: () => this.SUBRULE(this.namedArgument) },
          { GATE: () => this.isPathBefore(t.Tilde), ALT: () => this.SUBRULE(this.initializer) },
          {
            ALT: (): s.Argument => {
              const value = this.SUBRULE(this.pipe);
              return { kind: "argument", name: undefined, value, span: this.since(first) };
            },
          },
        ],
      });
    },
    (span) => ({ kind: "argument", name: undefined, value: { kind: "missing", span }, span }),
  );

  protected readonly namedArgument = this.RULE("namedArgument", (): s.Argument => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "argument", name, value, span: this.since(first) };
  });

  protected readonly initializer = this.RULE("initializer", (): s.Argument => {
    const first = this.LA(1);
    const path = this.SUBRULE(this.path);
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE(this.operation);
    return { kind: "initializer", path, distribution, span: this.since(first) };
  });

  protected readonly index = this.recoveringRule<s.Index>(
    "index",
    (): s.Index => {
      const first = this.LA(1);
      return this.OR({
        IGNORE_AMBIGUITIES: true, // the gates tell them apart
        ERR_MSG: "an index",
        DEF: [
          {
            GATE: () => this.is(2, t.Equals),
            ALT: (): s.Index => {
              const axis = this.SUBRULE(this.identifier);
              this.CONSUME(t.Equals);
              const range = this.SUBRULE(this.operation);
              return { kind: "index-slice", axis, range, span: this.since(first) };
            },
          },
          {
            GATE: () => this.is(2, t.As),
            ALT: () => {
              const from = this.SUBRULE1(this.identifier);
              this.CONSUME(t.As);
              const to = this.SUBRULE2(this.identifier);
              return { kind: "index-rename", from, to, span: this.since(first) };
            },
          },
          {
            ALT: () => {
              const value = this.SUBRULE1(this.operation);
              return { kind: "index-position", value, span: this.since(first) };
            },
          },
        ],
      });
    },
    (span) => ({ kind: "index-position", value: { kind: "missing", span }, span }),
  );

  protected readonly primary = this.RULE("primary", (): s.Expression =>
    this.OR({
      IGNORE_AMBIGUITIES: true, // the gates tell records from braces and shapes from lists
      ERR_MSG: "a value",
      DEF: [
        { ALT: () => this.nameExpression(this.CONSUME(t.Name)) },
        { ALT: () => this.SUBRULE(this.number) },
        { ALT: () => this.stringExpression(this.CONSUME(t.StringLiteral)) },
        { ALT: () => this.SUBRULE(this.parens) },
        { GATE: () => this.ahead().isSpecial, ALT: () => this.SUBRULE(this.shape) },
        { ALT: () => this.SUBRULE(this.list) },
        { GATE: () => this.ahead().isSpecial, ALT: () => this.SUBRULE(this.record) },
        { ALT: () => this.SUBRULE(this.braces) },
        { ALT: () => this.SUBRULE(this.conditional) },
        { ALT: () => this.SUBRULE(this.match) },
        { ALT: () => this.SUBRULE(this.nextValue) },
      ],
    }),
  );

  protected readonly number = this.RULE("number", (): s.Expression => {
    const first = this.CONSUME(t.NumberLiteral);
    const amount = this.numberExpression(first);
    const unit = this.OPTION({ GATE: () => this.isUnit(), DEF: () => this.CONSUME(t.Name) });
    if (unit === undefined) return amount;
    return { kind: "quantity", amount, unit: unit.image as s.Unit, span: this.since(first) };
  });

  protected readonly nextValue = this.RULE("nextValue", (): s.Expression => {
    const first = this.CONSUME(t.Next);
    const name = this.SUBRULE(this.identifier);
    return { kind: "next-value", name, span: this.since(first) };
  });

  protected readonly parens = this.RULE("parens", (): s.Expression => {
    const first = this.CONSUME(t.LeftParen);
    const elements = this.commaSeparated(() => this.SUBRULE(this.element), t.RightParen);
    this.CONSUME(t.RightParen);
    const span = this.since(first);
    return elements.length === 1 ? { ...elements[0]!, span } : { kind: "tuple", elements, span };
  });

  protected readonly element = this.recoveringRule<s.Expression>(
    "element",
    (): s.Expression => this.SUBRULE(this.pipe),
    (span) => ({ kind: "missing", span }),
  );

  protected readonly list = this.RULE("list", (): s.Expression => {
    const first = this.CONSUME(t.LeftBracket);
    const elements = this.commaSeparated(() => this.SUBRULE(this.element), t.RightBracket);
    const loop = this.OPTION(() => {
      this.CONSUME(t.For);
      const binding = this.SUBRULE(this.binding);
      this.CONSUME(t.In);
      return { binding, over: this.SUBRULE(this.operation) };
    });
    this.CONSUME(t.RightBracket);
    const span = this.since(first);
    if (loop === undefined) return { kind: "list", elements, span };
    if (this.ACTION(() => elements.length !== 1))
      this.report(errors.forAfterOne(this.fileName, span));
    const element = elements[0] ?? { kind: "missing", span };
    return { kind: "comprehension", element, ...loop, span };
  });

  protected readonly record = this.RULE("record", (): s.RecordExpression => {
    const first = this.CONSUME(t.LeftCurly);
    const fields = this.commaSeparated(() => this.SUBRULE(this.recordField), t.RightCurly);
    this.CONSUME(t.RightCurly);
    return { kind: "record", fields, span: this.since(first) };
  });

  protected readonly recordField = this.recoveringRule<s.RecordField>(
    "recordField",
    (): s.RecordField => {
      const first = this.LA(1);
      const path = this.SUBRULE(this.path);
      this.CONSUME(t.Equals);
      const value = this.SUBRULE(this.pipe);
      return { path, value, span: this.since(first) };
    },
    (span) => ({ path: { segments: [], span }, value: { kind: "missing", span }, span }),
  );

  /** `else if` goes on in a loop, so that a long ladder is not deep for the parser. */
  protected readonly conditional = this.RULE("if", (): s.Expression => {
    const first = this.CONSUME(t.If);
    const ladder: { first: IToken; condition: s.Expression; then: s.Expression }[] = [];
    const rung = this.SUBRULE(this.rung);
    ladder.push({ first, ...rung });
    this.MANY({
      GATE: () => this.is(2, t.If),
      DEF: () => {
        this.CONSUME(t.Else);
        const next = this.CONSUME1(t.If);
        ladder.push({ first: next, ...this.SUBRULE1(this.rung) });
      },
    });
    this.CONSUME1(t.Else);
    const last = this.SUBRULE1(this.operation);
    return this.ACTION(() =>
      ladder.reduceRight<s.Expression>(
        (otherwise, { first: start, condition, then }) => ({
          kind: "if",
          condition,
          then, // oxlint-disable-line unicorn/no-thenable -- a node of a tree, never awaited
          else: otherwise,
          span: { start: start.startOffset, end: otherwise.span.end },
        }),
        last,
      ),
    );
  });

  protected readonly rung = this.RULE(
    "rung",
    (): { condition: s.Expression; then: s.Expression } => {
      this.ACTION(() => this.enter());
      const condition = this.SUBRULE(this.operation);
      this.CONSUME(t.Then);
      const then = this.SUBRULE1(this.operation);
      this.ACTION(() => this.leave());
      return { condition, then }; // oxlint-disable-line unicorn/no-thenable
    },
  );

  protected readonly match = this.RULE("match", (): s.Expression => {
    const first = this.CONSUME(t.Match);
    this.ACTION(() => this.enter());
    const subject = this.SUBRULE(this.operation);
    this.ACTION(() => this.leave());
    this.CONSUME(t.LeftCurly);
    const arms = this.commaSeparated(() => this.SUBRULE(this.matchArm), t.RightCurly);
    this.CONSUME(t.RightCurly);
    return { kind: "match", subject, arms, span: this.since(first) };
  });

  protected readonly matchArm = this.recoveringRule<s.MatchArm>(
    "matchArm",
    (): s.MatchArm => {
      const first = this.LA(1);
      const pattern = this.OR({
        ERR_MSG: "a case",
        DEF: [
          {
            ALT: (): s.Expression | undefined => {
              this.CONSUME(t.Else);
              return undefined;
            },
          },
          { ALT: () => this.SUBRULE(this.operation) },
        ],
      });
      this.CONSUME(t.FatArrow);
      const value = this.SUBRULE(this.pipe);
      return { pattern, value, span: this.since(first) };
    },
    (span) => ({ pattern: { kind: "missing", span }, value: { kind: "missing", span }, span }),
  );

  private isUnit(): boolean {
    const token = this.ahead();
    return !token.startsLine && (units as readonly string[]).includes(token.image);
  }

  private isPathBefore(type: TokenType): boolean {
    let at = 1;
    while (this.LA(at + 1).tokenType === t.Dot) at += 2;
    return this.LA(at + 1).tokenType === type;
  }

  /** Behind an open range: nothing that could be its end follows. */
  private isAtNewThing(): boolean {
    const token = this.ahead();
    return isOpener(token.tokenType) ? token.startsLine : beginsSomething(token);
  }
}
