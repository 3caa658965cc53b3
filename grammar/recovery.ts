// Chevrotain's parser with recovery that follows the layout of `.vit`.
// After an error a recovering rule (a statement, a stage, an argument, …) gives up its own text: tokens are skipped up
// to the next comma or `|>` at the rule's own depth, the next line that begins something, or the bracket that closes
// what is around it. Then its neighbours are read as if nothing had happened, so each mistake is one message.
import {
  EmbeddedActionsParser,
  EOF,
  MismatchedTokenException,
  NoViableAltException,
} from "chevrotain";
import type {
  IParserErrorMessageProvider,
  IRecognitionException,
  IToken,
  TokenType,
} from "chevrotain";
import type { Diagnostic } from "./diagnostic.ts";
import { beginsSomething, deepest, indexAt, isCloser } from "./layout.ts";
import type { Token } from "./layout.ts";
import { LazyLookahead } from "./lazy-lookahead.ts";
import type { Binding, Span } from "./syntax.ts";
import * as t from "./tokens.ts";

/** Thrown where `if` or `match` stand in one another too deep, and caught by `parse`. */
export class NestingError extends Error {
  readonly token: IToken;

  constructor(token: IToken) {
    super("nested too deep");
    this.token = token;
  }
}

// The messages of chevrotain's exceptions carry only what was expected; `explain.ts` makes sentences of it.
const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: () => "a declaration",
  buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? "",
  buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? "",
};

/** What chevrotain has and does not declare. */
interface Internals {
  readonly RULE_STACK_IDX: number;
  recoveryEnabled: boolean;
  consumeToken(): void;
  SAVE_ERROR(error: IRecognitionException): IRecognitionException;
  attemptInRepetitionRecovery: unknown;
}

const parent = EmbeddedActionsParser.prototype as unknown as {
  ruleInvocationStateUpdate(shortName: unknown, fullName: string, occurrence: number): void;
  SAVE_ERROR(error: IRecognitionException): IRecognitionException;
};

/** Tokens that decide. */
const maxLookahead = 2;
const rootRule = "declaration";
/** Gives up at the next `|>` too. */
const stageRule = "stage";
/** These give up at the next line that begins something; others, elements of lists, at the next comma. */
const lineRules = new Set(["statement", "clause", "variantRow", "nameLine", "result", "let"]);
/** Gives up at the body. */
const signatureRule = "signature";

export class RecoveringParser extends EmbeddedActionsParser {
  fileName = "";
  private text = "";
  /** What is wrong in ways that the grammar itself allows. */
  readonly reports: Diagnostic[] = [];
  /** Errors at these tokens follow from the error that was skipped to reach them. */
  readonly resynced = new Set<IToken>();
  private readonly ruleStarts: IToken[] = [];
  private readonly recovering = new Set([rootRule]);
  private lastErrorAt: IToken | undefined;
  private level = 0;

  /** @param isChecked whether the grammar is looked through for mistakes of ours: slow, and a test does it */
  constructor(isChecked: boolean) {
    super(t.vocabulary, {
      recoveryEnabled: true,
      lookaheadStrategy: new LazyLookahead({ maxLookahead }),
      maxLookahead,
      errorMessageProvider: expectations,
      skipValidations: !isChecked,
    });
    // Chevrotain would skip tokens to get into another round of a loop, past the ends of lines and brackets.
    this.internals.attemptInRepetitionRecovery = () => {};
  }

  /**
   * Chevrotain's analysis, without what may follow each rule: no hook below asks for that, and it is slow to collect,
   * which is done only where the parser recovers.
   */
  protected learnGrammar(): void {
    this.internals.recoveryEnabled = false;
    this.performSelfAnalysis();
    this.internals.recoveryEnabled = true;
  }

  begin(fileName: string, text: string, tokens: IToken[]): void {
    this.input = tokens;
    this.fileName = fileName;
    this.text = text;
    this.reports.length = 0;
    this.resynced.clear();
    this.lastErrorAt = undefined;
    this.level = 0;
  }

  private get internals(): Internals {
    return this as unknown as Internals;
  }

  // ------------------------------------------------------------------------------------------ hooks of chevrotain

  ruleInvocationStateUpdate(shortName: unknown, fullName: string, occurrence: number): void {
    parent.ruleInvocationStateUpdate.call(this, shortName, fullName, occurrence);
    this.ruleStarts[this.internals.RULE_STACK_IDX] = this.LA(1);
  }

  /** The expected paths that chevrotain would collect for its message are not used, and are slow to collect. */
  raiseNoAltException(_occurrence: number, description: string | undefined): never {
    const error = new NoViableAltException(description ?? "", this.LA(1), this.LA(0));
    throw this.internals.SAVE_ERROR(error);
  }

  getFollowsForInRuleRecovery(): [] {
    return [];
  }

  /** Goes on as if a missing `)` were there, or without one stray token where the next is what was expected. */
  tryInRuleRecovery(expected: TokenType): IToken {
    const found = this.ahead();
    if (isCloser(expected) && this.closesElsewhere(found)) return inserted(expected);
    const second = this.LA(2) as Token;
    if (
      second.tokenType === expected &&
      !second.startsLine &&
      !found.startsLine &&
      !isCloser(found.tokenType)
    ) {
      this.internals.consumeToken();
      this.internals.consumeToken();
      return this.LA(0);
    }
    const refusal = new Error();
    refusal.name = "InRuleRecoveryException";
    throw refusal;
  }

  private closesElsewhere(found: Token): boolean {
    return found.tokenType === EOF || isCloser(found.tokenType) || found.startsLine;
  }

  findReSyncTokenType(): TokenType {
    return EOF;
  }

  isInCurrentRuleReSyncSet(): boolean {
    return this.recovering.has(this.ruleName());
  }

  /** Keeps an error unless it follows from another: at a token that was skipped to, or at the same token. */
  SAVE_ERROR(error: IRecognitionException): IRecognitionException {
    if (this.resynced.has(error.token) || error.token === this.lastErrorAt) return error;
    this.lastErrorAt = error.token;
    return parent.SAVE_ERROR.call(this, error);
  }

  reSyncTo(): IToken[] {
    const start = this.ruleStarts[this.internals.RULE_STACK_IDX] as Token;
    const rule = this.ruleName();
    if (start.tokenType !== EOF) {
      while (!this.isSyncPoint(this.ahead(), start, rule)) this.internals.consumeToken();
    }
    this.resynced.add(this.LA(1));
    return [];
  }

  private ruleName(): string {
    return (this as unknown as { getCurrRuleFullName(): string }).getCurrRuleFullName();
  }

  private isSyncPoint(token: Token, start: Token, rule: string): boolean {
    if (token.tokenType === EOF) return true;
    if (rule === rootRule) return false;
    if (token.depth < start.depth) return true;
    if (token.depth > start.depth) return false;
    if (rule === signatureRule) return token.tokenType === t.LeftCurly && !this.is(0, t.ThinArrow);
    // Any other closing bracket at this depth closes what was opened inside.
    if (isCloser(token.tokenType)) return token === start;
    if (rule === stageRule && token.tokenType === t.PipeArrow) return true;
    const isLine = lineRules.has(rule);
    if (!isLine && token.tokenType === t.Comma) return true;
    return (isLine || rule === stageRule) && token !== start && beginsSomething(token);
  }

  // ------------------------------------------------------------------------------------------ for the rules

  /** A rule that, after an error in it, gives up its own text and goes on with `stand`. */
  protected recoveringRule<T>(
    name: string,
    rule: () => T,
    stand: (span: Span) => NoInfer<T>,
  ): () => T {
    this.recovering.add(name);
    return this.RULE(name, rule, {
      resyncEnabled: true,
      recoveryValueFunc: () => stand(this.since(this.ruleStarts[this.internals.RULE_STACK_IDX]!)),
    }) as () => T;
  }

  /** `a, b, c` with or without a last comma, up to a closing bracket that the caller consumes. */
  protected commaSeparated<T>(element: () => T, close: TokenType): T[] {
    const opener = this.LA(0) as Token;
    const elements: T[] = [];
    let goesOn: boolean;
    do {
      goesOn = true;
      this.MANY9({
        GATE: () => goesOn,
        DEF: () => {
          elements.push(element());
          goesOn = this.OPTION9(() => this.CONSUME9(t.Comma)) !== undefined;
        },
      });
    } while (this.ACTION(() => this.skipStrayElement(opener, close)));
    return elements;
  }

  /** Reports what neither goes on with a list nor ends it, and skips it. True if another element follows. */
  private skipStrayElement(opener: Token, close: TokenType): boolean {
    const token = this.ahead();
    if (this.endsList(token, opener) || token.tokenType === t.For) return false;
    if (!this.resynced.has(token)) this.reportStray(close.LABEL ?? close.name);
    do this.internals.consumeToken();
    while (!this.endsList(this.ahead(), opener) && !this.isCommaOf(opener));
    if (!this.isCommaOf(opener)) {
      this.resynced.add(this.ahead());
      return false;
    }
    this.internals.consumeToken();
    return true;
  }

  private isCommaOf(opener: Token): boolean {
    return this.is(1, t.Comma) && this.ahead().depth === opener.depth + 1;
  }

  private endsList(token: Token, opener: Token): boolean {
    if (token.tokenType === EOF || token.depth <= opener.depth) return true;
    return opener.closer === undefined && beginsSomething(token);
  }

  /** A word that is no keyword but must stand here, such as the `of` of a sweep. */
  protected consumeWord(word: string): void {
    this.OR9({
      ERR_MSG: `\`${word}\``,
      DEF: [{ GATE: () => this.isWord(word), ALT: () => this.CONSUME9(t.Name) }],
    });
  }

  protected keep<T>(list: T[], item: T | undefined): void {
    if (item !== undefined) list.push(item);
  }

  protected ahead(): Token {
    return this.LA(1) as Token;
  }

  protected is(ahead: number, type: TokenType): boolean {
    return this.LA(ahead).tokenType === type;
  }

  protected isWord(word: string): boolean {
    return this.LA(1).image === word;
  }

  /** From a token to the last one consumed. */
  protected since(first: IToken): Span {
    const end = this.endOfLast();
    const start = Number.isNaN(first.startOffset) ? end : first.startOffset;
    return { start, end: Math.max(start, end) };
  }

  protected endOfLast(): number {
    const last = this.LA(0);
    return Number.isNaN(last.startOffset) ? 0 : last.startOffset + last.image.length;
  }

  protected textOf(span: Span): string {
    return this.text.slice(span.start, span.end);
  }

  protected report(diagnostic: Diagnostic): void {
    this.reports.push(diagnostic);
  }

  /** Reports what stands where only something else may, as an error that chevrotain would have raised. */
  protected reportStray(expected: string): void {
    const error = new MismatchedTokenException(expected, this.LA(1), this.LA(0));
    this.internals.SAVE_ERROR(error);
  }

  /** Skips a line that begins nothing known, and says so. False at `}` and at the end: nothing is left to skip. */
  protected skipStray(expected: string): boolean {
    const token = this.ahead();
    if (token.tokenType === EOF || token.tokenType === t.RightCurly) return false;
    if (!this.resynced.has(token)) this.reportStray(expected);
    return this.skipToLine();
  }

  /** To the next line that begins something at the depth of this one. False if there is none before the `}`. */
  protected skipToLine(): boolean {
    const start = this.ahead();
    do this.internals.consumeToken();
    while (!this.isSyncPoint(this.ahead(), start, "statement"));
    const found = this.ahead();
    this.resynced.add(found);
    return (
      found.tokenType !== EOF && found.depth >= start.depth && found.tokenType !== t.RightCurly
    );
  }

  /** The names of a `let` whose value is broken: what was read before the `=`. */
  protected bindingInBrokenText(span: Span): Binding {
    const names = [];
    let at = indexAt(this.input, span.start);
    for (at += 1; at < this.input.length && this.input[at]!.startOffset < span.end; at++) {
      const token = this.input[at]!;
      if (token.tokenType === t.Equals) break;
      if (token.tokenType === t.Name) names.push({ text: token.image, span: textSpan(token, 0) });
    }
    return { isTuple: names.length > 1, names, span };
  }

  protected enter(): void {
    if (++this.level > deepest) throw new NestingError(this.LA(1));
  }

  protected leave(): void {
    this.level--;
  }
}

/** A token that is not there; its place is the end of what stands before it. */
function inserted(type: TokenType): IToken {
  return {
    image: "",
    startOffset: NaN,
    tokenType: type,
    tokenTypeIdx: type.tokenTypeIdx!,
    isInsertedInRecovery: true,
  };
}

/** The span of a token, or the given place if it was inserted in recovery. */
export function textSpan(token: IToken, otherwise: number): Span {
  if (Number.isNaN(token.startOffset)) return { start: otherwise, end: otherwise };
  return { start: token.startOffset, end: token.startOffset + token.image.length };
}
