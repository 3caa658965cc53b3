// Rules for what others call our parameters: `names timm of ViT { "class_token" = "cls_token" [1, 1, width] -> [width] }`.
import { ClauseRules } from "./clause-rules.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

const d = t.declarationWords;

export abstract class NamesRules extends ClauseRules {
  /** `names torch`, `names timm from torch`, `names flax by "/"`, or, with `of`, a map of lines. */
  protected readonly namesDeclaration = this.RULE(
    "names",
    (documentation: string | undefined): s.NamesDeclaration => {
      const first = this.CONSUME(d.names);
      const format = this.SUBRULE(this.identifier);
      const of = this.OPTION({
        GATE: () => this.isWord("of"),
        DEF: () => {
          this.CONSUME(t.Name);
          return this.SUBRULE1(this.identifier);
        },
      });
      const from = this.OPTION1({
        GATE: () => this.isWord("from"),
        DEF: () => {
          this.CONSUME1(t.Name);
          return this.SUBRULE2(this.identifier);
        },
      });
      const separator = this.OPTION2({
        GATE: () => this.isWord("by"),
        DEF: () => {
          this.CONSUME2(t.Name);
          return this.stringExpression(this.CONSUME(t.StringLiteral));
        },
      });
      const lines = this.OPTION3(() => this.SUBRULE(this.nameLines)) ?? [];
      return {
        kind: "names",
        documentation,
        format,
        of,
        from,
        separator,
        lines,
        span: this.since(first),
      };
    },
  );

  protected readonly nameLines = this.RULE("nameLines", (): s.NameLine[] => {
    const lines: s.NameLine[] = [];
    this.CONSUME(t.LeftCurly);
    do this.MANY(() => this.keep(lines, this.SUBRULE(this.nameLine)));
    while (this.ACTION(() => this.skipStray('a name such as "weight"')));
    this.CONSUME(t.RightCurly);
    return lines;
  });

  /** `"qkv.weight" = ("q", "k", "v") 3 * [out, in] -> [in, (3 out)]  when split`, `none = "count" int[] ~ zeros`. */
  protected readonly nameLine = this.recoveringRule<s.NameLine | undefined>(
    "nameLine",
    (): s.NameLine => {
      const first = this.LA(1);
      const ours = this.SUBRULE(this.nameSide);
      this.CONSUME(t.Equals);
      const theirs = this.SUBRULE1(this.nameSide);
      const layout = this.OPTION({
        GATE: () => !this.ahead().startsLine,
        DEF: () => this.SUBRULE(this.nameLayout),
      });
      const filling = this.OPTION1(() => {
        this.CONSUME(t.Tilde);
        return this.SUBRULE(this.operation);
      });
      const when = this.OPTION2(() => this.SUBRULE(this.condition));
      return { ours, theirs, layout, filling, when, span: this.since(first) };
    },
    () => undefined,
  );

  /** `"weight"`, `("q", "k", "v")` or `none`. */
  protected readonly nameSide = this.RULE("nameSide", (): s.NameSide => {
    const first = this.LA(1);
    const names: s.StringExpression[] = this.OR({
      ERR_MSG: 'a name such as "weight"',
      DEF: [
        { ALT: () => [this.stringExpression(this.CONSUME(t.StringLiteral))] },
        { GATE: () => this.isWord("none"), ALT: () => (this.CONSUME(t.Name), []) },
        {
          ALT: () => {
            this.CONSUME(t.LeftParen);
            const list = this.commaSeparated(
              () => this.stringExpression(this.CONSUME1(t.StringLiteral)),
              t.RightParen,
            );
            this.CONSUME(t.RightParen);
            return list;
          },
        },
      ],
    });
    return { names, span: this.since(first) };
  });

  /** `[1, width] -> [width]`, `3 * [out, in] -> [in, (3 out)]`, `int[]`; a slice of theirs may stand in front. */
  protected readonly nameLayout = this.RULE("nameLayout", (): s.NameLayout => {
    const first = this.LA(1);
    const element = this.OPTION(() => this.SUBRULE(this.identifier));
    const fromCount = this.OPTION1(() => this.SUBRULE(this.copies));
    const one = this.SUBRULE(this.shape);
    const two = this.OPTION2({
      GATE: () => !this.ahead().startsLine,
      DEF: () => this.SUBRULE1(this.shape),
    });
    const to = this.OPTION3(() => {
      this.CONSUME(t.ThinArrow);
      const count = this.OPTION4(() => this.SUBRULE1(this.copies));
      return { count, shape: this.SUBRULE2(this.shape) };
    });
    return {
      element,
      slice: two && one,
      from: { count: fromCount, shape: two ?? one },
      to,
      span: this.since(first),
    };
  });

  protected readonly copies = this.RULE("copies", (): s.NumberExpression => {
    const number = this.CONSUME(t.NumberLiteral);
    this.CONSUME(t.Star);
    return this.numberExpression(number);
  });
}
