// Tokens of one declaration -> its node of the syntax tree.
// The grammar, a rule a method, written with chevrotain's embedded actions: each rule returns a finished node.
// Recovery is by layout (see `recovery.ts`): after an error, the rule at fault gives up its own text and no more.
import { EOF } from "chevrotain";
import type { IToken } from "chevrotain";
import * as errors from "./errors.ts";
import { ExpressionParser } from "./expressions.ts";
import { textSpan } from "./recovery.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

const d = t.declarationWords;
const w = t.statementWords;

const statementStarts = new Set([t.Let, t.Param, w.net, w.state, w.draw, w.init, w.require]);

// Chevrotain runs every rule once to learn the grammar; in that run tokens and results are blank. What must not run
// then stands inside `this.ACTION`.
export class Parser extends ExpressionParser {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  // ------------------------------------------------------------------------------------------ declarations

  readonly declaration = this.RULE(
    "declaration",
    (documentation: string | undefined): s.Declaration =>
      this.OR({
        ERR_MSG: "a declaration",
        DEF: [
          { ALT: () => this.SUBRULE(this.useDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.blockDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.functionDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.optimizerDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.variantsDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.expectDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.recipeDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.sweepDeclaration, { ARGS: [documentation] }) },
          { ALT: () => this.SUBRULE(this.constantDeclaration, { ARGS: [documentation] }) },
        ],
      }),
  );

  private readonly useDeclaration = this.RULE(
    "use",
    (documentation: string | undefined): s.UseDeclaration => {
      const first = this.CONSUME(d.use);
      let isQuoted = false;
      const source = this.OR({
        ERR_MSG: "a file",
        DEF: [
          {
            ALT: () => {
              isQuoted = true;
              return this.quotedIdentifier(this.CONSUME(t.StringLiteral));
            },
          },
          { ALT: () => this.SUBRULE(this.useSource) },
        ],
      });
      this.CONSUME(t.Dot);
      this.CONSUME(t.LeftCurly);
      const names = this.commaSeparated(() => this.SUBRULE(this.identifier), t.RightCurly);
      this.CONSUME(t.RightCurly);
      return { kind: "use", documentation, source, isQuoted, names, span: this.since(first) };
    },
  );

  /** `vit`, `specs.vit`: the names before the last dot. */
  private readonly useSource = this.RULE("useSource", (): s.Identifier => {
    const first = this.LA(1);
    const names = [this.CONSUME(t.Name).image];
    this.MANY({
      GATE: () => !this.is(2, t.LeftCurly),
      DEF: () => {
        this.CONSUME(t.Dot);
        names.push(this.CONSUME1(t.Name).image);
      },
    });
    return { text: names.join("."), span: this.since(first) };
  });

  private readonly blockDeclaration = this.RULE(
    "block",
    (documentation: string | undefined): s.BlockDeclaration => {
      const first = this.LA(1);
      const kind = this.OR([
        { ALT: () => (this.CONSUME(d.block), "block" as const) },
        { ALT: () => (this.CONSUME(d.model), "model" as const) },
      ]);
      const name = this.SUBRULE(this.identifier);
      const { lists, result } = this.SUBRULE(this.signature);
      const body = this.SUBRULE(this.body);
      const { settings, inputs } = this.ACTION(() => this.splitLists(lists)) ?? noLists;
      return {
        kind,
        documentation,
        name,
        settings,
        inputs,
        result,
        body,
        span: this.since(first),
      };
    },
  );

  /** `(settings)(inputs) -> result`, one list or two. */
  private readonly signature = this.recoveringRule<Signature>(
    "signature",
    (): Signature => {
      const lists = [this.SUBRULE(this.fields)];
      this.MANY(() => lists.push(this.SUBRULE1(this.fields)));
      this.CONSUME(t.ThinArrow);
      return { lists, result: this.SUBRULE(this.type) };
    },
    (span) => ({ lists: [], result: { kind: "type-name", name: "", span } }),
  );

  /** The last list holds the inputs, the one before it the settings. */
  private splitLists(lists: readonly s.Field[][]): { settings: s.Field[]; inputs: s.Field[] } {
    this.limitLists(lists, 2);
    return lists.length < 2
      ? { settings: [], inputs: lists[0] ?? [] }
      : { settings: lists[0]!, inputs: lists[1]! };
  }

  private limitLists(lists: readonly s.Field[][], most: number): void {
    const first = lists[most]?.[0];
    if (first) this.report(errors.tooManyLists(this.fileName, first.span, most));
  }

  private readonly functionDeclaration = this.RULE(
    "function",
    (documentation: string | undefined): s.FunctionDeclaration => {
      const first = this.CONSUME(d.function);
      const name = this.SUBRULE(this.identifier);
      const { lists, result } = this.SUBRULE(this.signature);
      const fields = this.ACTION(() => lists[0]) ?? [];
      this.ACTION(() => this.limitLists(lists, 1));
      const body = this.SUBRULE(this.body);
      return {
        kind: "function",
        documentation,
        name,
        fields,
        result,
        body,
        span: this.since(first),
      };
    },
  );

  private readonly optimizerDeclaration = this.RULE(
    "optimizer",
    (documentation: string | undefined): s.OptimizerDeclaration => {
      const first = this.CONSUME(d.optimizer);
      const name = this.SUBRULE(this.identifier);
      const one = this.SUBRULE1(this.fields);
      const two = this.OPTION(() => this.SUBRULE2(this.fields));
      const body = this.SUBRULE(this.body);
      const settings = two === undefined ? [] : one;
      return {
        kind: "optimizer",
        documentation,
        name,
        settings,
        inputs: two ?? one,
        body,
        span: this.since(first),
      };
    },
  );

  private readonly variantsDeclaration = this.RULE(
    "variants",
    (documentation: string | undefined): s.VariantsDeclaration => {
      const first = this.CONSUME(d.variants);
      const of = this.SUBRULE(this.identifier);
      this.CONSUME(t.LeftParen);
      const columns = this.commaSeparated(() => this.SUBRULE1(this.identifier), t.RightParen);
      this.CONSUME(t.RightParen);
      this.CONSUME(t.LeftCurly);
      const rows: s.VariantRow[] = [];
      do this.MANY(() => rows.push(this.SUBRULE(this.variantRow)));
      while (this.ACTION(() => this.skipStray("a row of the table")));
      this.CONSUME(t.RightCurly);
      return { kind: "variants", documentation, of, columns, rows, span: this.since(first) };
    },
  );

  private readonly variantRow = this.recoveringRule<s.VariantRow>(
    "variantRow",
    (): s.VariantRow => {
      const first = this.LA(1);
      const name = this.stringExpression(this.CONSUME(t.StringLiteral));
      const values = this.SUBRULE(this.argumentList);
      return { name, values, span: this.since(first) };
    },
    (span) => ({ name: { kind: "string", value: "", text: '""', span }, values: [], span }),
  );

  private readonly expectDeclaration = this.RULE(
    "expect",
    (documentation: string | undefined): s.ExpectDeclaration => {
      const first = this.CONSUME(d.expect);
      const claim = this.SUBRULE(this.operation);
      const figures = this.OPTION(() => this.SUBRULE(this.record));
      return { kind: "expect", documentation, claim, figures, span: this.since(first) };
    },
  );

  private readonly recipeDeclaration = this.RULE(
    "recipe",
    (documentation: string | undefined): s.RecipeDeclaration => {
      const first = this.CONSUME(d.recipe);
      const name = this.SUBRULE(this.identifier);
      const settings = this.OPTION(() => this.SUBRULE(this.fields)) ?? [];
      const parent = this.OPTION1({
        GATE: () => this.isWord("from"),
        DEF: () => {
          this.CONSUME(t.Name);
          return this.SUBRULE(this.operand);
        },
      });
      this.CONSUME(t.LeftCurly);
      const clauses: s.Clause[] = [];
      do this.MANY(() => this.keep(clauses, this.SUBRULE(this.clause)));
      while (this.ACTION(() => this.skipStray("a clause")));
      this.CONSUME(t.RightCurly);
      return {
        kind: "recipe",
        documentation,
        name,
        settings,
        parent,
        clauses,
        span: this.since(first),
      };
    },
  );

  private readonly sweepDeclaration = this.RULE(
    "sweep",
    (documentation: string | undefined): s.SweepDeclaration => {
      const first = this.CONSUME(d.sweep);
      const name = this.SUBRULE(this.identifier);
      this.consumeWord("of");
      const of = this.SUBRULE1(this.identifier);
      this.CONSUME(t.LeftCurly);
      const axes = this.commaSeparated(() => this.SUBRULE(this.sweepAxis), t.RightCurly);
      this.CONSUME(t.RightCurly);
      return { kind: "sweep", documentation, name, of, axes, span: this.since(first) };
    },
  );

  private readonly sweepAxis = this.recoveringRule<s.SweepAxis>(
    "sweepAxis",
    (): s.SweepAxis => {
      const first = this.LA(1);
      const binding = this.SUBRULE(this.binding);
      this.CONSUME(t.In);
      const values = this.SUBRULE(this.operation);
      return { binding, values, span: this.since(first) };
    },
    (span) => ({
      binding: { isTuple: false, names: [], span },
      values: { kind: "missing", span },
      span,
    }),
  );

  private readonly constantDeclaration = this.RULE(
    "constant",
    (documentation: string | undefined): s.ConstantDeclaration => {
      const first = this.CONSUME(t.Let);
      const binding = this.SUBRULE(this.binding);
      this.CONSUME(t.Equals);
      const value = this.SUBRULE(this.pipe);
      return { kind: "let", documentation, binding, value, span: this.since(first) };
    },
  );

  // ------------------------------------------------------------------------------------------ fields and types

  private readonly fields = this.RULE("fields", (): s.Field[] => {
    this.CONSUME(t.LeftParen);
    const fields = this.commaSeparated(() => this.SUBRULE(this.field), t.RightParen);
    this.CONSUME(t.RightParen);
    return fields;
  });

  private readonly field = this.recoveringRule<s.Field>(
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

  private readonly type: () => s.Type = this.RULE("type", (): s.Type => {
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

  private readonly typeAtom = this.RULE("typeAtom", (): TypeAtom => {
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

  private readonly namedType = this.RULE("namedType", (): TypeAtom => {
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

  private readonly tupleType = this.RULE("tupleType", (): s.Type => {
    const first = this.CONSUME(t.LeftParen);
    const elements = this.commaSeparated(() => this.SUBRULE(this.type), t.RightParen);
    this.CONSUME(t.RightParen);
    const span = this.since(first);
    return elements.length === 1
      ? { ...elements[0]!, span }
      : { kind: "type-tuple", elements, span };
  });

  private readonly recordType = this.RULE("recordType", (): s.Type => {
    const first = this.CONSUME(t.LeftCurly);
    const fields = this.commaSeparated(() => this.SUBRULE(this.recordTypeField), t.RightCurly);
    this.CONSUME(t.RightCurly);
    return { kind: "type-record", fields, span: this.since(first) };
  });

  private readonly recordTypeField = this.recoveringRule<s.RecordTypeField>(
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

  // ------------------------------------------------------------------------------------------ bodies

  private readonly body = this.RULE("body", (): s.Body => {
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

  private readonly statement = this.recoveringRule<s.Statement | undefined>(
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

  private readonly netStatement = this.RULE("net", (): s.NetStatement => {
    const first = this.CONSUME(w.net);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "net", name, value, span: this.since(first) };
  });

  private readonly paramStatement = this.RULE("param", (): s.ParamStatement => {
    const first = this.CONSUME(t.Param);
    const name = this.SUBRULE(this.identifier);
    const shape = this.SUBRULE(this.shape);
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "param", name, shape, distribution, when, span: this.since(first) };
  });

  private readonly stateStatement = this.RULE("state", (): s.StateStatement => {
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

  private readonly drawStatement = this.RULE("draw", (): s.DrawStatement => {
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

  private readonly nextStatement = this.RULE("next", (): s.NextStatement => {
    const first = this.CONSUME(t.Next);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "next", name, value, when, span: this.since(first) };
  });

  private readonly initStatement = this.RULE("init", (): s.InitStatement => {
    const first = this.CONSUME(w.init);
    const path = this.SUBRULE(this.path);
    this.CONSUME(t.Tilde);
    const distribution = this.SUBRULE(this.operation);
    const when = this.OPTION(() => this.SUBRULE(this.condition));
    return { kind: "init", path, distribution, when, span: this.since(first) };
  });

  private readonly requireStatement = this.RULE("require", (): s.RequireStatement => {
    const first = this.CONSUME(w.require);
    const condition = this.SUBRULE(this.operation);
    const message = this.stringExpression(this.CONSUME(t.StringLiteral));
    return { kind: "require", condition, message, span: this.since(first) };
  });

  // ------------------------------------------------------------------------------------------ clauses of a recipe

  private readonly clause = this.recoveringRule<s.Clause | undefined>(
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
          { ALT: () => this.SUBRULE(this.clampClause) },
          { ALT: () => this.SUBRULE(this.exceptClause) },
          { ALT: () => this.SUBRULE(this.evaluateClause) },
          { ALT: () => this.SUBRULE(this.expectClause) },
          { ALT: () => this.SUBRULE(this.assignClause) },
        ],
      }),
    () => undefined,
  );

  private readonly namedClause = this.RULE("namedClause", (): s.NamedClause => {
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

  private readonly lossClause = this.RULE("loss", (): s.LossClause => {
    const first = this.CONSUME(w.loss);
    const name = this.OPTION(() => this.SUBRULE(this.identifier));
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "loss", name, value, span: this.since(first) };
  });

  private readonly loadClause = this.RULE("load", (): s.LoadClause => {
    const first = this.CONSUME(w.load);
    const path = this.SUBRULE(this.path);
    this.consumeWord("from");
    const from = this.stringExpression(this.CONSUME(t.StringLiteral));
    const as = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    const changes = this.OPTION1(() => this.SUBRULE(this.record));
    return { kind: "load", path, from, as, changes, span: this.since(first) };
  });

  private readonly freezeClause = this.RULE("freeze", (): s.FreezeClause => {
    const first = this.CONSUME(w.freeze);
    const paths = [this.SUBRULE(this.path)];
    this.MANY(() => {
      this.CONSUME(t.Comma);
      paths.push(this.SUBRULE1(this.path));
    });
    return { kind: "freeze", paths, span: this.since(first) };
  });

  private readonly clampClause = this.RULE("clamp", (): s.ClampClause => {
    const first = this.CONSUME(w.clamp);
    const path = this.SUBRULE(this.path);
    this.CONSUME(t.To);
    const range = this.SUBRULE(this.operation);
    return { kind: "clamp", path, range, span: this.since(first) };
  });

  private readonly exceptClause = this.RULE("except", (): s.ExceptClause => {
    const first = this.CONSUME(w.except);
    const condition = this.SUBRULE(this.operation);
    const index = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    const settings = this.SUBRULE(this.record);
    return { kind: "except", condition, index, settings, span: this.since(first) };
  });

  private readonly evaluateClause = this.RULE("evaluate", (): s.EvaluateClause => {
    const first = this.CONSUME(w.evaluate);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    this.consumeWord("every");
    const every = this.SUBRULE(this.operation);
    return { kind: "evaluate", name, value, every, span: this.since(first) };
  });

  private readonly expectClause = this.RULE("expectClause", (): s.ExpectClause => {
    const first = this.CONSUME(d.expect);
    const claim = this.SUBRULE(this.operation);
    const figures = this.OPTION(() => this.SUBRULE(this.record));
    return { kind: "expect", claim, figures, span: this.since(first) };
  });

  private readonly assignClause = this.RULE("assign", (): s.AssignClause => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.pipe);
    return { kind: "assign", name, value, span: this.since(first) };
  });
}

interface Signature {
  readonly lists: readonly s.Field[][];
  readonly result: s.Type;
}

const noLists = { settings: [], inputs: [] };

interface TypeAtom {
  readonly type: s.Type;
  /** What the atom says in a choice; types such as tuples say nothing there. */
  readonly option: s.Identifier | undefined;
  readonly isQuoted: boolean;
}

function plain(type: s.Type): TypeAtom {
  return { type, option: undefined, isQuoted: false };
}
