// Rules for the clauses of a recipe.
import { StatementRules } from "./statement-rules.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

const d = t.declarationWords;
const w = t.statementWords;

export abstract class ClauseRules extends StatementRules {
  protected readonly clause = this.recoveringRule<s.Clause | undefined>(
    "clause",
    (): s.Clause =>
      this.OR({
        ERR_MSG: "a clause",
        IGNORE_AMBIGUITIES: true, // the words are names too, so order decides: `loss = …` before `name = …`
        DEF: [
          { ALT: () => this.SUBRULE(this.letStatement) },
          { ALT: () => this.SUBRULE(this.paramStatement) },
          { ALT: () => this.SUBRULE(this.stateStatement) },
          { ALT: () => this.SUBRULE(this.drawStatement) },
          { ALT: () => this.SUBRULE(this.nextStatement) },
          { ALT: () => this.SUBRULE(this.initStatement) },
          { ALT: () => this.SUBRULE(this.requireStatement) },
          { ALT: () => this.SUBRULE(this.namedClause) },
          { ALT: () => this.SUBRULE(this.lossClause) },
          { ALT: () => this.SUBRULE(this.loadClause) },
          { ALT: () => this.SUBRULE(this.freezeClause) },
          { ALT: () => this.SUBRULE(this.recomputeClause) },
          { ALT: () => this.SUBRULE(this.clampClause) },
          { ALT: () => this.SUBRULE(this.exceptClause) },
          { ALT: () => this.SUBRULE(this.evaluateClause) },
          { ALT: () => this.SUBRULE(this.expectClause) },
          { ALT: () => this.SUBRULE(this.assignClause) },
        ],
      }),
    () => undefined,
  );

  protected readonly namedClause = this.RULE("namedClause", (): s.NamedClause => {
    const first = this.LA(1);
    const kind = this.OR([
      { ALT: () => (this.CONSUME(w.net), "net" as const) },
      { ALT: () => (this.CONSUME(w.twin), "twin" as const) },
      { ALT: () => (this.CONSUME(w.data), "data" as const) },
      { ALT: () => (this.CONSUME(w.view), "view" as const) },
      { ALT: () => (this.CONSUME(w.metric), "metric" as const) },
    ]);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind, name, value, span: this.since(first) };
  });

  protected readonly lossClause = this.RULE("loss", (): s.LossClause => {
    const first = this.CONSUME(w.loss);
    const name = this.OPTION(() => this.SUBRULE(this.identifier));
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "loss", name, value, span: this.since(first) };
  });

  protected readonly loadClause = this.RULE("load", (): s.LoadClause => {
    const first = this.CONSUME(w.load);
    const path = this.SUBRULE(this.path);
    this.consumeWord("from");
    const from = this.OR([
      {
        GATE: () => this.isWord("none"),
        ALT: () => {
          this.CONSUME(t.Name);
          return undefined;
        },
      },
      { ALT: () => this.stringExpression(this.CONSUME(t.StringLiteral)) },
    ]);
    const as = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    const changes = this.OPTION1(() => this.SUBRULE(this.record));
    return { kind: "load", path, from, as, changes, span: this.since(first) };
  });

  protected readonly freezeClause = this.RULE("freeze", (): s.FreezeClause => {
    const first = this.CONSUME(w.freeze);
    const paths = [this.SUBRULE(this.path)];
    this.MANY(() => {
      this.CONSUME(t.Comma);
      paths.push(this.SUBRULE1(this.path));
    });
    return { kind: "freeze", paths, span: this.since(first) };
  });

  protected readonly recomputeClause = this.RULE("recompute", (): s.RecomputeClause => {
    const first = this.CONSUME(w.recompute);
    const what = this.OR<s.RecomputeClause["what"]>({
      ERR_MSG: "`layers` or `to 2 GB`",
      DEF: [
        { ALT: () => ({ kind: "word", word: this.SUBRULE(this.identifier) }) },
        {
          ALT: () => {
            this.CONSUME(t.To);
            const amount = this.numberExpression(this.CONSUME(t.NumberLiteral));
            return { kind: "size", amount, unit: this.SUBRULE1(this.identifier) };
          },
        },
      ],
    });
    return { kind: "recompute", what, span: this.since(first) };
  });

  protected readonly clampClause = this.RULE("clamp", (): s.ClampClause => {
    const first = this.CONSUME(w.clamp);
    const path = this.SUBRULE(this.path);
    this.CONSUME(t.To);
    const range = this.SUBRULE(this.operation);
    return { kind: "clamp", path, range, span: this.since(first) };
  });

  protected readonly exceptClause = this.RULE("except", (): s.ExceptClause => {
    const first = this.CONSUME(w.except);
    const condition = this.SUBRULE(this.operation);
    const index = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    const settings = this.SUBRULE(this.record);
    return { kind: "except", condition, index, settings, span: this.since(first) };
  });

  protected readonly evaluateClause = this.RULE("evaluate", (): s.EvaluateClause => {
    const first = this.CONSUME(w.evaluate);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    this.consumeWord("every");
    const every = this.SUBRULE(this.operation);
    return { kind: "evaluate", name, value, every, span: this.since(first) };
  });

  protected readonly expectClause = this.RULE("expectClause", (): s.ExpectClause => {
    const first = this.CONSUME(d.expect);
    const claim = this.SUBRULE(this.operation);
    const figures = this.OPTION(() => this.SUBRULE(this.record));
    return { kind: "expect", claim, figures, span: this.since(first) };
  });

  protected readonly assignClause = this.RULE("assign", (): s.AssignClause => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "assign", name, value, span: this.since(first) };
  });
}
