// Rules for the fields of a declaration and for types: `heads: int = 4`, `int[batch, tokens]?`, `token | mean`.
import * as errors from "./errors.ts";
import { PipeRules } from "./pipe-rules.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

export abstract class TypeRules extends PipeRules {
  protected readonly fields = this.RULE("fields", (): s.Field[] => {
    this.CONSUME(t.LeftParen);
    const fields = this.commaSeparated(() => this.SUBRULE(this.field), t.RightParen);
    this.CONSUME(t.RightParen);
    return fields;
  });

  protected readonly field = this.recoveringRule<s.Field>(
    "field",
    (): s.Field => {
      const first = this.LA(1);
      const name = this.SUBRULE(this.identifier);
      const type = this.OPTION(() => {
        this.CONSUME(t.Colon);
        return this.SUBRULE(this.type);
      });
      const value = this.OPTION1(() => {
        this.CONSUME(t.Equals);
        return this.SUBRULE(this.pipe);
      });
      return { name, type, default: value, span: this.since(first) };
    },
    (span) => ({ name: { text: "", span }, type: undefined, default: undefined, span }),
  );

  protected readonly type: () => s.Type = this.RULE("type", (): s.Type => {
    const first = this.LA(1);
    const atoms = [this.SUBRULE(this.typeAtom)];
    this.MANY(() => {
      this.CONSUME(t.Bar);
      atoms.push(this.SUBRULE1(this.typeAtom));
    });
    const chosen = this.ACTION(() =>
      atoms.length === 1 ? atoms[0]!.type : this.choice(atoms, this.since(first)),
    );
    const question = this.OPTION(() => this.CONSUME(t.Question));
    return question ? { kind: "type-optional", of: chosen, span: this.since(first) } : chosen;
  });

  private choice(atoms: readonly TypeAtom[], span: s.Span): s.Type {
    const wrong = atoms.find((atom) => atom.option === undefined);
    if (wrong) this.report(errors.choiceOfNames(this.fileName, wrong.type.span));
    const options = atoms.flatMap((atom) => (atom.option ? [atom.option] : []));
    const areQuoted = atoms.some((atom) => atom.isQuoted);
    if (!wrong && atoms.some((atom) => atom.isQuoted !== areQuoted))
      this.report(errors.choiceOfNames(this.fileName, span));
    return { kind: "type-choice", options, areQuoted, span };
  }

  protected readonly typeAtom = this.RULE("typeAtom", (): TypeAtom => {
    const first = this.LA(1);
    return this.OR({
      ERR_MSG: "a type",
      DEF: [
        {
          ALT: () => {
            const option = this.quotedIdentifier(this.CONSUME(t.StringLiteral));
            return {
              option,
              isQuoted: true,
              type: { kind: "type-name", name: option.text, span: option.span },
            };
          },
        },
        {
          ALT: () => {
            const shape = this.SUBRULE(this.shape);
            return plain({
              kind: "type-tensor",
              element: undefined,
              shape,
              span: this.since(first),
            });
          },
        },
        { ALT: () => plain(this.SUBRULE(this.tupleType)) },
        { ALT: () => plain(this.SUBRULE(this.recordType)) },
        { ALT: () => this.SUBRULE(this.namedType) },
      ],
    });
  });

  protected readonly namedType = this.RULE("namedType", (): TypeAtom => {
    const first = this.LA(1);
    const name = this.identifierOf(this.CONSUME(t.Name));
    return this.OR([
      {
        GATE: () => name.text === "list" && this.bracketGoesOn(t.LeftBracket),
        ALT: () => {
          this.CONSUME1(t.LeftBracket);
          const element = this.SUBRULE(this.type);
          this.CONSUME1(t.RightBracket);
          return plain({ kind: "type-list", element, span: this.since(first) });
        },
      },
      {
        GATE: () => this.bracketGoesOn(t.LeftBracket),
        ALT: () => {
          const shape = this.SUBRULE(this.shape);
          return plain({ kind: "type-tensor", element: name, shape, span: this.since(first) });
        },
      },
      {
        ALT: () => ({
          option: name,
          isQuoted: false,
          type: { kind: "type-name", name: name.text, span: name.span },
        }),
      },
    ]);
  });

  protected readonly tupleType = this.RULE("tupleType", (): s.Type => {
    const first = this.CONSUME(t.LeftParen);
    const elements = this.commaSeparated(() => this.SUBRULE(this.type), t.RightParen);
    this.CONSUME(t.RightParen);
    const span = this.since(first);
    return elements.length === 1
      ? { ...elements[0]!, span }
      : { kind: "type-tuple", elements, span };
  });

  protected readonly recordType = this.RULE("recordType", (): s.Type => {
    const first = this.CONSUME(t.LeftCurly);
    const fields = this.commaSeparated(() => this.SUBRULE(this.recordTypeField), t.RightCurly);
    this.CONSUME(t.RightCurly);
    return { kind: "type-record", fields, span: this.since(first) };
  });

  protected readonly recordTypeField = this.recoveringRule<s.RecordTypeField>(
    "recordTypeField",
    (): s.RecordTypeField => {
      const first = this.LA(1);
      const name = this.SUBRULE(this.identifier);
      this.CONSUME(t.Colon);
      const type = this.SUBRULE(this.type);
      return { name, type, span: this.since(first) };
    },
    (span) => ({ name: { text: "", span }, type: { kind: "type-name", name: "", span }, span }),
  );
}

interface TypeAtom {
  readonly type: s.Type;
  /** What the atom says in a choice; types such as tuples say nothing there. */
  readonly option: s.Identifier | undefined;
  readonly isQuoted: boolean;
}

function plain(type: s.Type): TypeAtom {
  return { type, option: undefined, isQuoted: false };
}
