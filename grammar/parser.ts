// Tokens of one declaration -> its node of the syntax tree.
// The grammar, a rule a method, written with chevrotain's embedded actions: each rule returns a finished node.
// The rules stand in a ladder of classes, from the smallest parts up: literals, shapes, expressions, pipes, types,
// statements, clauses, names of others, and the declarations here. Recovery is by layout, see `recovery.ts`.
import * as errors from "./errors.ts";
import { NamesRules } from "./names-rules.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

const d = t.declarationWords;

// Chevrotain runs every rule once to learn the grammar; in that run tokens and results are blank. What must not run
// then stands inside `this.ACTION`.
export class Parser extends NamesRules {
  constructor(isChecked = false) {
    super(isChecked);
    this.learnGrammar();
  }

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
          { ALT: () => this.SUBRULE(this.namesDeclaration, { ARGS: [documentation] }) },
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
}

interface Signature {
  readonly lists: readonly s.Field[][];
  readonly result: s.Type;
}

const noLists = { settings: [], inputs: [] };
