// Rules for names, paths and literals, the words that all other rules are made of.
import type { IToken, TokenType } from "chevrotain";
import * as errors from "./errors.ts";
import { readNumber, readString } from "./literals.ts";
import type { Operator } from "./operators.ts";
import { RecoveringParser, textSpan } from "./recovery.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

export abstract class LiteralRules extends RecoveringParser {
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

  protected nameExpression(token: IToken): s.Expression {
    return { kind: "name", name: token.image, span: textSpan(token, this.endOfLast()) };
  }

  protected numberExpression(token: IToken): s.NumberExpression {
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

  protected operatorOf(token: IToken): Operator {
    return { text: token.image, span: textSpan(token, this.endOfLast()) };
  }

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

  /** A bracket at the start of a line begins something new and does not go on with what stands before. */
  protected bracketGoesOn(type: TokenType): boolean {
    return this.is(1, type) && !this.ahead().startsLine;
  }
}
