// Tokens -> shapes, pipes and expressions.
// The half of the grammar that declarations, bodies and clauses are made of; see `parser.ts` for those.
import type { IToken, TokenType } from "chevrotain";
import * as errors from "./errors.ts";
import { beginsSomething, isOpener } from "./layout.ts";
import { readNumber, readString } from "./literals.ts";
import { buildOperation } from "./operators.ts";
import type { Continuation, Operator, Term } from "./operators.ts";
import { RecoveringParser, textSpan } from "./recovery.ts";
import type * as s from "./syntax.ts";
import { units } from "./syntax.ts";
import * as t from "./tokens.ts";

export abstract class ExpressionParser extends RecoveringParser {
  // ------------------------------------------------------------------------------------------ names and literals

  protected readonly identifier = this.RULE("identifier", (): s.Identifier =>
    this.identifierOf(this.CONSUME(t.Name)),
  );

  protected readonly path = this.RULE("path", (): s.Path => {
    const first = this.LA(1);
    const segments = [this.SUBRULE(this.segment)];
    this.MANY(() => {
      this.CONSUME(t.Dot);
      segments.push(this.SUBRULE1(this.segment));
    });
    return { segments, span: this.since(first) };
  });

  protected readonly segment = this.RULE("segment", (): s.Identifier =>
    this.OR({
      ERR_MSG: "a name",
      DEF: [
        { ALT: () => this.identifierOf(this.CONSUME(t.Name)) },
        { ALT: () => this.identifierOf(this.CONSUME(t.NumberLiteral)) },
      ],
    }),
  );

  protected identifierOf(token: IToken): s.Identifier {
    return { text: token.image, span: textSpan(token, this.endOfLast()) };
  }

  protected quotedIdentifier(token: IToken): s.Identifier {
    return { text: readString(token.image).value, span: textSpan(token, this.endOfLast()) };
  }

  private nameExpression(token: IToken): s.Expression {
    return { kind: "name", name: token.image, span: textSpan(token, this.endOfLast()) };
  }

  private numberExpression(token: IToken): s.NumberExpression {
    return readNumber(token.image, textSpan(token, this.endOfLast()));
  }

  protected stringExpression(token: IToken): s.StringExpression {
    const span = textSpan(token, this.endOfLast());
    const { value, text, badEscape } = readString(token.image);
    if (badEscape !== undefined) {
      const start = span.start + badEscape;
      this.report(errors.badEscape(this.fileName, { start, end: start + 2 }));
    }
    return { kind: "string", value, text, span };
  }

  private operatorOf(token: IToken): Operator {
    return { text: token.image, span: textSpan(token, this.endOfLast()) };
  }

  // ------------------------------------------------------------------------------------------ shapes

  protected readonly shape: () => s.Shape = this.RULE("shape", (): s.Shape => {
    const first = this.CONSUME(t.LeftBracket);
    const axes = this.commaSeparated(() => this.SUBRULE(this.axis), t.RightBracket);
    this.CONSUME(t.RightBracket);
    return { kind: "shape", axes, span: this.since(first) };
  });

  protected readonly axis = this.recoveringRule<s.Axis>(
    "axis",
    (): s.Axis => {
      const first = this.LA(1);
      return this.OR({
        IGNORE_AMBIGUITIES: true, // the gates tell them apart
        ERR_MSG: "an axis",
        DEF: [
          {
            GATE: () => this.is(2, t.Comma) || this.is(2, t.RightBracket),
            ALT: (): s.Axis => {
              this.CONSUME(t.DotDot);
              return { kind: "axis-rest", span: this.since(first) };
            },
          },
          { GATE: () => this.ahead().isSpecial, ALT: () => this.SUBRULE(this.axisGroup) },
          { GATE: () => this.is(2, t.As), ALT: () => this.SUBRULE(this.axisRename) },
          { GATE: () => this.is(2, t.Equals), ALT: () => this.SUBRULE(this.axisName) },
          {
            ALT: () => {
              const size = this.SUBRULE(this.operation);
              return this.ACTION(() => sizeAxis(size));
            },
          },
        ],
      });
    },
    (span) => ({ kind: "axis-size", size: { kind: "missing", span }, span }),
  );

  protected readonly axisRename = this.RULE("axisRename", (): s.Axis => {
    const first = this.LA(1);
    const from = this.SUBRULE(this.identifier);
    this.CONSUME(t.As);
    const to = this.SUBRULE1(this.identifier);
    return { kind: "axis-renamed", from, to, span: this.since(first) };
  });

  protected readonly axisName = this.RULE("axisName", (): s.Axis => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const size = this.OR({
      ERR_MSG: "a size",
      DEF: [
        {
          ALT: (): s.Expression => ({
            kind: "wildcard",
            span: textSpan(this.CONSUME(t.Wildcard), 0),
          }),
        },
        { ALT: () => this.SUBRULE(this.operation) },
      ],
    });
    return { kind: "axis-name", name, size, span: this.since(first) };
  });

  protected readonly axisGroup = this.RULE("axisGroup", (): s.Axis => {
    const first = this.CONSUME(t.LeftParen);
    const factors: s.AxisFactor[] = [];
    this.AT_LEAST_ONE({
      ERR_MSG: "an axis",
      DEF: () => factors.push(this.SUBRULE(this.axisFactor)),
    });
    this.CONSUME(t.RightParen);
    const as = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    return { kind: "axis-group", factors, as, span: this.since(first) };
  });

  protected readonly axisFactor = this.RULE("axisFactor", (): s.AxisFactor => {
    const first = this.LA(1);
    return this.OR([
      {
        ALT: () => {
          const size = this.numberExpression(this.CONSUME(t.NumberLiteral));
          return { name: undefined, size, span: this.since(first) };
        },
      },
      {
        ALT: () => {
          const name = this.SUBRULE(this.identifier);
          const size = this.OPTION(() => {
            this.CONSUME(t.Equals);
            return this.SUBRULE(this.factorSize);
          });
          return { name, size, span: this.since(first) };
        },
      },
    ]);
  });

  /** A number, and no unit: in `(a = 2 samples)` the second word is the next axis. */
  protected readonly factorSize = this.RULE("factorSize", (): s.Expression =>
    this.OR({
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: "a size",
      DEF: [
        { ALT: () => this.numberExpression(this.CONSUME(t.NumberLiteral)) },
        { ALT: () => this.SUBRULE(this.operand) },
      ],
    }),
  );

  // ------------------------------------------------------------------------------------------ pipes

  protected readonly pipe: () => s.Expression = this.RULE("pipe", (): s.Expression => {
    const first = this.LA(1);
    const head = this.SUBRULE(this.head);
    const stages: s.Stage[] = [];
    this.MANY(() => {
      this.CONSUME(t.PipeArrow);
      stages.push(this.SUBRULE(this.stage));
    });
    return this.ACTION(() => {
      const { label, operation, when } = head;
      if (
        stages.length === 0 &&
        !label &&
        !when &&
        operation.kind !== "repeat" &&
        operation.kind !== "arrow"
      ) {
        return operation;
      }
      if (stages.length > 0 && first.tokenType === t.If)
        this.report(errors.pipeAfterIf(this.fileName, head.span));
      return { kind: "pipe", head, stages, span: this.since(first) };
    });
  });

  protected readonly head = this.RULE("head", (): s.Stage => {
    const first = this.LA(1);
    const label = this.OPTION({
      GATE: () => this.is(2, t.Colon),
      DEF: () => this.SUBRULE(this.label),
    });
    const operation = this.OR({
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: "a value",
      DEF: [
        { ALT: (): s.StageOperation => this.SUBRULE(this.repeat) },
        { GATE: () => this.ahead().isArrowSource, ALT: () => this.SUBRULE(this.arrow) },
        { ALT: () => this.SUBRULE(this.braced) },
      ],
    });
    const when = this.OPTION1(() => this.SUBRULE(this.condition));
    return this.finishStage(first, label, operation, when);
  });

  protected readonly stage = this.recoveringRule<s.Stage>(
    "stage",
    (): s.Stage => {
      const first = this.LA(1);
      const label = this.OPTION({
        GATE: () => this.is(2, t.Colon),
        DEF: () => this.SUBRULE(this.label),
      });
      const operation = this.OR({
        IGNORE_AMBIGUITIES: true,
        ERR_MSG: "a stage",
        DEF: [
          { ALT: (): s.StageOperation => this.SUBRULE(this.repeat) },
          { GATE: () => this.ahead().isArrowSource, ALT: () => this.SUBRULE(this.arrow) },
          { ALT: () => this.SUBRULE(this.shape) },
          { ALT: () => this.SUBRULE(this.braced) },
        ],
      });
      this.ACTION(() => this.checkApplicable(operation, label));
      const when = this.OPTION1(() => this.SUBRULE(this.condition));
      return this.finishStage(first, label, operation, when);
    },
    (span) => ({
      kind: "stage",
      label: undefined,
      operation: { kind: "missing", span },
      when: undefined,
      span,
    }),
  );

  private finishStage(
    first: IToken,
    label: s.Identifier | undefined,
    operation: s.StageOperation,
    when: s.Expression | undefined,
  ): s.Stage {
    const span = this.since(first);
    if (this.ACTION(() => operation.kind === "repeat" && !label))
      this.report(errors.unlabelledRepeat(this.fileName, textSpan(first, span.start)));
    return { kind: "stage", label, operation, when, span };
  }

  /** `x |> f + 1` reads as if 1 were added to what `f` gives; it is not, so it is not allowed. */
  private checkApplicable(operation: s.StageOperation, label: s.Identifier | undefined): void {
    switch (operation.kind) {
      case "binary":
      case "unary":
      case "range":
      case "course":
      case "if":
      case "number":
      case "quantity":
      case "string":
      case "tuple":
      case "list":
      case "comprehension":
      case "record":
      case "next-value":
        this.report(
          errors.notAStage(this.fileName, operation, this.textOf(operation.span), label?.text),
        );
    }
  }

  protected readonly label = this.RULE("label", (): s.Identifier => {
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Colon);
    return name;
  });

  protected readonly repeat = this.RULE("repeat", (): s.Repeat => {
    const first = this.CONSUME(t.Repeat);
    const over = this.SUBRULE(this.operation);
    const binding = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.binding);
    });
    const body = this.SUBRULE(this.braces);
    return { kind: "repeat", over, binding, body, span: this.since(first) };
  });

  protected readonly arrow = this.RULE("arrow", (): s.Arrow => {
    const first = this.LA(1);
    const from = this.SUBRULE(this.shape);
    this.CONSUME(t.ThinArrow);
    const count = this.OPTION(() => {
      const number = this.CONSUME(t.NumberLiteral);
      this.CONSUME(t.Star);
      return this.numberExpression(number);
    });
    const to = this.SUBRULE1(this.shape);
    return { kind: "arrow", from, count, to, span: this.since(first) };
  });

  /** Braces behind a name or a call, on its line, are its last setting. */
  protected readonly braced = this.RULE("braced", (): s.Expression => {
    const first = this.LA(1);
    const target = this.SUBRULE(this.operation);
    const braces = this.OPTION({
      GATE: () => this.bracketGoesOn(t.LeftCurly) && takesBraces(target),
      DEF: () => this.SUBRULE(this.braces),
    });
    return braces ? { kind: "braced", target, braces, span: this.since(first) } : target;
  });

  protected readonly braces: () => s.Braces = this.RULE("braces", (): s.Braces => {
    const first = this.CONSUME(t.LeftCurly);
    const lets: s.LetStatement[] = [];
    this.MANY(() => lets.push(this.SUBRULE(this.letStatement)));
    const result = this.SUBRULE(this.result);
    this.CONSUME(t.RightCurly);
    return { kind: "braces", lets, result, span: this.since(first) };
  });

  protected readonly result = this.recoveringRule<s.Expression>(
    "result",
    (): s.Expression => this.SUBRULE(this.pipe),
    (span) => ({ kind: "missing", span }),
  );

  protected readonly letStatement = this.recoveringRule<s.LetStatement>(
    "let",
    (): s.LetStatement => {
      const first = this.CONSUME(t.Let);
      const binding = this.SUBRULE(this.binding);
      this.CONSUME(t.Equals);
      const value = this.SUBRULE(this.pipe);
      return { kind: "let", binding, value, span: this.since(first) };
    },
    // The names are still bound, so that their uses are not errors too.
    (span) => ({
      kind: "let",
      binding: this.bindingInBrokenText(span),
      value: { kind: "missing", span },
      span,
    }),
  );

  protected readonly condition = this.RULE("when", (): s.Expression => {
    this.CONSUME(t.When);
    return this.SUBRULE(this.operation);
  });

  protected readonly binding = this.RULE("binding", (): s.Binding => {
    const first = this.LA(1);
    return this.OR({
      ERR_MSG: "a name",
      DEF: [
        {
          ALT: () => {
            const name = this.SUBRULE(this.identifier);
            return { isTuple: false, names: [name], span: this.since(first) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.LeftParen);
            const names = this.commaSeparated(() => this.SUBRULE1(this.identifier), t.RightParen);
            this.CONSUME(t.RightParen);
            return { isTuple: true, names, span: this.since(first) };
          },
        },
      ],
    });
  });

  // ------------------------------------------------------------------------------------------ expressions

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

  // ------------------------------------------------------------------------------------------ gates

  private isUnit(): boolean {
    const token = this.ahead();
    return !token.startsLine && (units as readonly string[]).includes(token.image);
  }

  private isPathBefore(type: TokenType): boolean {
    let at = 1;
    while (this.LA(at + 1).tokenType === t.Dot) at += 2;
    return this.LA(at + 1).tokenType === type;
  }

  /** A bracket at the start of a line begins something new and does not go on with what stands before. */
  protected bracketGoesOn(type: TokenType): boolean {
    return this.is(1, type) && !this.ahead().startsLine;
  }

  /** Behind an open range: nothing that could be its end follows. */
  private isAtNewThing(): boolean {
    const token = this.ahead();
    return isOpener(token.tokenType) ? token.startsLine : beginsSomething(token);
  }
}

function takesBraces(target: s.Expression): boolean {
  return (
    target.kind === "name" ||
    target.kind === "call" ||
    target.kind === "member" ||
    target.kind === "missing"
  );
}

/** A lone name in a shape is an axis; anything else there is a size. */
function sizeAxis(size: s.Expression): s.Axis {
  if (size.kind !== "name") return { kind: "axis-size", size, span: size.span };
  return {
    kind: "axis-name",
    name: { text: size.name, span: size.span },
    size: undefined,
    span: size.span,
  };
}
