// Rules for pipes: stages with labels and conditions, arrows, `repeat`, braces and the `let`s in them.
import type { IToken } from "chevrotain";
import * as errors from "./errors.ts";
import { ExpressionRules } from "./expression-rules.ts";
import type * as s from "./syntax.ts";
import { textSpan } from "./recovery.ts";
import * as t from "./tokens.ts";

export abstract class PipeRules extends ExpressionRules {
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
}

function takesBraces(target: s.Expression): boolean {
  return (
    target.kind === "name" ||
    target.kind === "call" ||
    target.kind === "member" ||
    target.kind === "missing"
  );
}
