// Rules for bodies and the statements in them; the value that a body gives comes last.
import { EOF } from "chevrotain";
import type { IToken } from "chevrotain";
import * as errors from "./errors.ts";
import { textSpan } from "./recovery.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";
import { TypeRules } from "./type-rules.ts";

const w = t.statementWords;

const statementStarts = new Set([t.Let, t.Param, w.net, w.state, w.draw, w.init, w.require]);

export abstract class StatementRules extends TypeRules {
  protected readonly body = this.RULE("body", (): s.Body => {
    const first = this.CONSUME(t.LeftCurly);
    const statements: s.Statement[] = [];
    let result: s.Expression | undefined;
    do {
      this.MANY({
        GATE: () => this.startsStatement(),
        DEF: () => this.keep(statements, this.SUBRULE(this.statement)),
      });
      this.OPTION({
        GATE: () => !this.is(1, t.RightCurly),
        DEF: () => {
          const value = this.SUBRULE(this.result);
          result ??= value;
        },
      });
    } while (this.ACTION(() => this.goOnAfterResult(result !== undefined)));
    const closing = this.CONSUME(t.RightCurly);
    return {
      statements,
      result: result ?? this.missingResult(closing, statements.at(-1)),
      span: this.since(first),
    };
  });

  private missingResult(closing: IToken, last: s.Statement | undefined): s.Expression {
    return this.ACTION(() => {
      const span = textSpan(closing, this.endOfLast());
      const isBroken = closing.isInsertedInRecovery || this.resynced.has(closing);
      if (!isBroken && !this.reportSwallower(last))
        this.report(errors.missingResult(this.fileName, span));
      return { kind: "missing", span };
    });
  }

  /** `let a =` whose value began on another line took what was meant as the result. */
  private reportSwallower(last: s.Statement | undefined): boolean {
    if (last?.kind !== "let" && last?.kind !== "net") return false;
    const opening = this.textOf({ start: last.span.start, end: last.value.span.start });
    if (!opening.includes("\n")) return false;
    const written = opening.slice(0, opening.lastIndexOf("=") + 1);
    const place = { image: "=", startOffset: last.span.start + written.length - 1 };
    const hint = "the lines below were read as its value, so the body gives none";
    this.report(errors.missingValue(this.fileName, place, written.replace(/\s+/g, " "), hint));
    return true;
  }

  /** After the result only `}` may come. A statement there is reported once, and read, so that its errors show too. */
  private goOnAfterResult(hasResult: boolean): boolean {
    const next = this.ahead();
    if (!hasResult || next.tokenType === EOF || next.tokenType === t.RightCurly) return false;
    if (!this.resynced.has(next)) this.reportStray("`}`");
    return statementStarts.has(next.tokenType) || this.skipToLine();
  }

  private startsStatement(): boolean {
    return (
      this.LA(1).tokenType !== t.Next || (this.is(2, t.Name) && this.LA(3).tokenType === t.Equals)
    );
  }

  protected readonly statement = this.recoveringRule<s.Statement | undefined>(
    "statement",
    (): s.Statement =>
      this.OR([
        { ALT: () => this.SUBRULE(this.letStatement) },
        { ALT: () => this.SUBRULE(this.netStatement) },
        { ALT: () => this.SUBRULE(this.paramStatement) },
        { ALT: () => this.SUBRULE(this.stateStatement) },
        { ALT: () => this.SUBRULE(this.drawStatement) },
        { ALT: () => this.SUBRULE(this.nextStatement) },
        { ALT: () => this.SUBRULE(this.initStatement) },
        { ALT: () => this.SUBRULE(this.requireStatement) },
      ]),
    () => undefined,
  );

  protected readonly netStatement = this.RULE("net", (): s.NetStatement => {
    const first = this.CONSUME(w.net);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "net", name, value, span: this.since(first) };
  });

  protected readonly paramStatement = this.RULE("param", (): s.ParamStatement => {
    const first = this.CONSUME(t.Param);
    const name = this.SUBRULE(this.identifier);
    const shape = this.SUBRULE(this.shape);
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "param", name, shape, distribution, when, span: this.since(first) };
  });

  protected readonly stateStatement = this.RULE("state", (): s.StateStatement => {
    const first = this.CONSUME(w.state);
    const name = this.SUBRULE(this.identifier);
    const type = this.OPTION({
      GATE: () => !this.isWord("like"),
      DEF: () => this.SUBRULE(this.type),
    });
    const like = this.OPTION1({
      GATE: () => this.isWord("like"),
      DEF: () => {
        this.CONSUME(t.Name);
        return this.SUBRULE(this.operation);
      },
    });
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE1(this.operation);
    const when = this.OPTION2(() => this.SUBRULE(this.condition));
    return { kind: "state", name, type, like, distribution, when, span: this.since(first) };
  });

  protected readonly drawStatement = this.RULE("draw", (): s.DrawStatement => {
    const first = this.CONSUME(w.draw);
    const name = this.SUBRULE(this.identifier);
    return this.OR({
      ERR_MSG: "`~` or `from`",
      DEF: [
        {
          GATE: () => this.isWord("from"),
          ALT: (): s.DrawStatement => {
            this.CONSUME(t.Name);
            const from = this.SUBRULE(this.operation);
            return { kind: "draw-setting", name, from, span: this.since(first) };
          },
        },
        {
          ALT: (): s.DrawStatement => {
            const shape = this.OPTION(() => this.SUBRULE(this.shape));
            this.CONSUME(t.Tilde);
            const distribution = this.SUBRULE1(this.operation);
            const when = this.OPTION1(() => this.SUBRULE(this.condition));
            return { kind: "draw", name, shape, distribution, when, span: this.since(first) };
          },
        },
      ],
    });
  });

  protected readonly nextStatement = this.RULE("next", (): s.NextStatement => {
    const first = this.CONSUME(t.Next);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "next", name, value, when, span: this.since(first) };
  });

  protected readonly initStatement = this.RULE("init", (): s.InitStatement => {
    const first = this.CONSUME(w.init);
    const path = this.SUBRULE(this.path);
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "init", path, distribution, when, span: this.since(first) };
  });

  protected readonly requireStatement = this.RULE("require", (): s.RequireStatement => {
    const first = this.CONSUME(w.require);
    const condition = this.SUBRULE(this.operation);
    const message = this.stringExpression(this.CONSUME(t.StringLiteral));
    return { kind: "require", condition, message, span: this.since(first) };
  });
}
