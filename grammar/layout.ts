// Tokens -> tokens that know their place, cut into declarations.
// One walk with a stack of brackets finds what a parser with two tokens of lookahead cannot see: whether a token
// starts its line, how deep it lies, which bracket closes which, whether `[` opens a shape or a list and `{` a record
// or braces, which words open a statement, and where the next declaration begins even if a `}` is missing.
// Linear in the number of tokens, whatever they are.
import type { IToken, TokenType } from "chevrotain";
import * as t from "./tokens.ts";

export interface Token extends IToken {
  /** Whether only blanks and comments stand before it on its line. */
  startsLine: boolean;
  /** How many brackets are open around it; a bracket has the depth of what is outside of it. */
  depth: number;
  /** Of an opening bracket: the one that closes it, unless there is none. */
  closer: Token | undefined;
  /** Of a closing bracket: the one that it closes. */
  opener: Token | undefined;
  /** Of `[`: it holds something that only a shape has. Of `{`: it is a record. Of `(`: it is a group of axes. */
  isSpecial: boolean;
  /** Of `[`: `->` follows what closes it. */
  isArrowSource: boolean;
}

/** The tokens of one declaration, or of what stands where one should. */
export interface Chunk {
  readonly tokens: Token[];
  /** The first token nested deeper than `deepest`, if any: such a chunk is not parsed. */
  readonly tooDeep: Token | undefined;
}

/** Brackets nested deeper than this are refused: the parser, and all who walk its tree, recurse. */
export const deepest = 64;

export function layOut(tokens: readonly IToken[], text: string): Chunk[] {
  const first = new Walk(tokens as Token[], text, new Set());
  const chunks = first.run();
  if (first.unclosed.size === 0 || chunks.some((chunk) => chunk.tooDeep)) return chunks;
  // Some bracket is never closed. Walk again, and let each such one end where its line's indentation ends.
  return new Walk(tokens as Token[], text, first.unclosed).run();
}

interface Open {
  readonly token: Token;
  /** Of its line. */
  readonly indent: number;
  /** The index of the first token of the element that the walk is in. */
  element: number;
}

class Walk {
  private readonly tokens: Token[];
  private readonly text: string;
  private readonly stack: Open[] = [];
  /** How many of each opening bracket are on the stack, so that a stray closing one costs nothing. */
  private readonly counts = new Map<TokenType, number>();
  private readonly starts: number[] = [];
  private readonly tooDeep = new Map<number, Token>();
  /** The opening bracket of the token just visited, if that closed one. */
  private lastClosed: Token | undefined;
  /** How far the line of the token just visited is indented. */
  private indent = 0;
  /** The `(` and `[` that nothing closes. */
  readonly unclosed = new Set<Token>();
  /** Those of an earlier walk. */
  private readonly suspects: ReadonlySet<Token>;

  constructor(tokens: Token[], text: string, suspects: ReadonlySet<Token>) {
    this.suspects = suspects;
    this.tokens = tokens;
    this.text = text;
  }

  run(): Chunk[] {
    this.tokens.forEach((token, i) => this.visit(token, i));
    for (const { token } of this.stack) this.leaveOpen(token);
    if (this.starts[0] !== 0 && this.tokens.length > 0) this.starts.unshift(0);
    return this.starts.map((start, i) => ({
      tokens: this.tokens.slice(start, this.starts[i + 1] ?? this.tokens.length),
      tooDeep: this.tooDeep.get(start) ?? (i === 0 ? this.tooDeep.get(-1) : undefined),
    }));
  }

  private visit(token: Token, i: number): void {
    const previous = this.tokens[i - 1];
    token.startsLine = previous === undefined || this.breaksBetween(previous, token);
    token.closer = undefined;
    token.opener = undefined;
    token.isSpecial = false;
    token.isArrowSource = false;
    if (token.tokenType === t.ThinArrow) this.markArrowSource();
    if (token.startsLine) this.indent = this.blanksBefore(token);
    if (token.startsLine && this.suspects.size > 0 && beginsSomething(token)) this.endSuspects();
    if (t.isA(token.tokenType, t.Name) || token.tokenType === t.Let) this.visitWord(token, i);
    else if (token.startsLine && this.isOwnStatement(token, i)) this.abandonParens();
    this.place(token, i);
  }

  private breaksBetween(a: Token, b: Token): boolean {
    const end = a.startOffset + a.image.length;
    if (b.startOffset - end <= 1 && this.text[end] !== "\n") return false;
    const newline = this.text.indexOf("\n", end);
    return newline !== -1 && newline < b.startOffset;
  }

  /** Sets the depth and keeps the stack; a closing bracket that fits nothing leaves the stack alone. */
  private place(token: Token, i: number): void {
    const type = token.tokenType;
    const top = this.stack.at(-1);
    if (isOpener(type)) {
      this.lastClosed = undefined;
      token.depth = this.stack.length;
      token.isSpecial = this.isSpecialOpener(token, i);
      this.push(token, i);
      if (this.stack.length > deepest) this.reportDepth(token);
      return;
    }
    if (isCloser(type)) this.close(token);
    else this.lastClosed = undefined;
    token.depth = this.stack.length;
    if (top === undefined || isCloser(type)) return;
    if (top.token.tokenType === t.LeftBracket && this.showsShape(top, token, i))
      top.token.isSpecial = true;
    if (type === t.Comma) top.element = i + 1;
  }

  private close(token: Token): void {
    const opener = openerOf.get(token.tokenType)!;
    if (!this.counts.get(opener)) return;
    for (let open = this.pop(); ; open = this.pop()) {
      if (open.tokenType !== opener) {
        this.leaveOpen(open);
        continue;
      }
      open.closer = token;
      token.opener = open;
      this.lastClosed = open;
      return;
    }
  }

  private leaveOpen(open: Token): void {
    if (open.tokenType !== t.LeftCurly) this.unclosed.add(open);
  }

  private endSuspects(): void {
    for (
      let top = this.stack.at(-1);
      top && this.suspects.has(top.token);
      top = this.stack.at(-1)
    ) {
      if (this.indent > top.indent) return;
      this.pop();
    }
  }

  /** The blanks before a token that starts a line. */
  private blanksBefore(token: Token): number {
    let start = token.startOffset;
    while (start > 0 && (this.text[start - 1] === " " || this.text[start - 1] === "\t")) start--;
    return token.startOffset - start;
  }

  private push(token: Token, i: number): void {
    this.stack.push({ token, indent: this.indent, element: i + 1 });
    this.counts.set(token.tokenType, (this.counts.get(token.tokenType) ?? 0) + 1);
  }

  private pop(): Token {
    const { token } = this.stack.pop()!;
    this.counts.set(token.tokenType, this.counts.get(token.tokenType)! - 1);
    return token;
  }

  private markArrowSource(): void {
    if (this.lastClosed?.tokenType === t.LeftBracket) this.lastClosed.isArrowSource = true;
  }

  private reportDepth(token: Token): void {
    const start = this.starts.at(-1) ?? -1;
    if (!this.tooDeep.has(start)) this.tooDeep.set(start, token);
  }

  // ------------------------------------------------------------------------------------------ shapes and records

  private isSpecialOpener(token: Token, i: number): boolean {
    if (token.tokenType === t.LeftCurly) return this.opensRecord(i);
    if (token.tokenType !== t.LeftParen || !this.opensGroup(i)) return false;
    // A group of axes at the start of an element makes the brackets around it a shape.
    const top = this.stack.at(-1);
    if (top?.token.tokenType !== t.LeftBracket || top.element !== i) return false;
    if (!this.isLoneName(i)) top.token.isSpecial = true;
    return true;
  }

  /** `{}`, `{ a = …`, `{ a.b.0 = …`. */
  private opensRecord(i: number): boolean {
    let at = i + 1;
    if (this.typeAt(at) === t.RightCurly) return true;
    while (this.isNameAt(at) && this.typeAt(at + 1) === t.Dot) at += 2;
    return (
      (this.isNameAt(at) || this.typeAt(at) === t.NumberLiteral) && this.typeAt(at + 1) === t.Equals
    );
  }

  /** `(heads c)`, `(3 heads c)`, `(dy = 2 r)`, `(a)`; not `(a + b)`. */
  private opensGroup(i: number): boolean {
    const first = this.isNameAt(i + 1) || this.typeAt(i + 1) === t.NumberLiteral;
    if (!first) return false;
    const second = this.typeAt(i + 2);
    if (second === t.RightParen) return this.endsElement(i + 3) || this.typeAt(i + 3) === t.As;
    if (this.typeAt(i + 3) === t.Comma) return false; // `[(500 steps, 3)]` is a list of tuples
    return this.isNameAt(i + 2) || second === t.NumberLiteral || second === t.Equals;
  }

  private isLoneName(i: number): boolean {
    return this.typeAt(i + 2) === t.RightParen && this.typeAt(i + 3) !== t.As;
  }

  /** `..` alone, `a = …` and `a as b` are of shapes only. */
  private showsShape(top: Open, token: Token, i: number): boolean {
    const type = token.tokenType;
    if (type === t.DotDot) return top.element === i && this.endsElement(i + 1);
    return (type === t.Equals || type === t.As) && top.element === i - 1 && this.isNameAt(i - 1);
  }

  private endsElement(i: number): boolean {
    return this.typeAt(i) === t.Comma || this.typeAt(i) === t.RightBracket;
  }

  // ------------------------------------------------------------------------------------------ words that open

  private visitWord(token: Token, i: number): void {
    const depth = this.stack.length;
    const declaration = declarations.get(token.image);
    if (declaration !== undefined && this.opensDeclaration(token, i)) {
      for (const { token: open } of this.stack) this.leaveOpen(open);
      this.stack.length = 0;
      this.counts.clear();
      this.starts.push(i);
      if (token.tokenType === t.Name) retype(token, declaration);
      return;
    }
    if (this.stack.length === 0 && this.looksLikeDeclaration(token, i)) this.starts.push(i);
    const statement = statements.get(token.image);
    const opens =
      token.tokenType === t.Let || (statement !== undefined && this.opensStatement(token, i));
    if (!opens) return;
    if (statement !== undefined) retype(token, statement);
    // No statement stands inside parentheses: whatever is still open there was never closed.
    if (token.startsLine && depth > 0) this.abandonParens();
  }

  private isOwnStatement(token: Token, i: number): boolean {
    const assigns = token.tokenType === t.Next && this.typeAt(i + 2) === t.Equals;
    return token.tokenType === t.Param || assigns;
  }

  private abandonParens(): void {
    if (!this.counts.get(t.LeftCurly)) return;
    while (this.stack.at(-1)!.token.tokenType !== t.LeftCurly) this.leaveOpen(this.pop());
  }

  /** At depth 0 wherever a statement may start; deeper only at the very margin, where a `}` must be missing. */
  private opensDeclaration(token: Token, i: number): boolean {
    const isLet = token.tokenType === t.Let;
    const followed =
      isLet ||
      this.isNameAt(i + 1) ||
      (token.image === "use" && this.typeAt(i + 1) === t.StringLiteral);
    if (!followed) return false;
    // At the margin nothing can be meant but a new declaration, whatever stands unfinished above.
    if (token.startsLine && this.isAtMargin(token)) {
      return this.stack.length === 0 || (!isLet && token.image !== "expect");
    }
    return this.stack.length === 0 && this.canStart(token, i);
  }

  /** `modle ViT(…)` at the margin: a misspelt declaration, to be reported by itself. */
  private looksLikeDeclaration(token: Token, i: number): boolean {
    return (
      token.startsLine && this.isAtMargin(token) && this.isNameAt(i + 1) && this.canStart(token, i)
    );
  }

  private isAtMargin(token: Token): boolean {
    return token.startOffset === 0 || this.text[token.startOffset - 1] === "\n";
  }

  private opensStatement(token: Token, i: number): boolean {
    const innermost = this.stack.at(-1)?.token.tokenType;
    if (innermost !== undefined && innermost !== t.LeftCurly && !token.startsLine) return false;
    return this.canStart(token, i) && this.isFollowedAsStatement(token, i);
  }

  /** A statement starts a line after something that can end, or stands right behind a brace. */
  private canStart(token: Token, i: number): boolean {
    const previous = this.tokens[i - 1];
    if (
      previous === undefined ||
      previous.tokenType === t.LeftCurly ||
      previous.tokenType === t.RightCurly
    )
      return true;
    if (isOpeningWord(previous.tokenType) || !canEnd(previous)) return false;
    return token.startsLine || !linkWords.has(previous.image);
  }

  private isFollowedAsStatement(token: Token, i: number): boolean {
    const next = this.typeAt(i + 1);
    const assigned = this.isNameAt(i + 1) && this.typeAt(i + 2) === t.Equals;
    switch (token.image) {
      case "loss":
        return assigned || next === t.Equals;
      case "net":
      case "twin":
      case "data":
      case "view":
      case "metric":
      case "evaluate":
        return assigned || (token.startsLine && this.isNameAt(i + 1));
      case "recompute":
        return this.isNameAt(i + 1) || next === t.To;
      case "except":
      case "require":
      case "expect":
        return (
          this.isNameAt(i + 1) ||
          (token.startsLine && next !== undefined && startsCondition.has(next))
        );
      default:
        return this.isNameAt(i + 1);
    }
  }

  private typeAt(i: number): TokenType | undefined {
    const type = this.tokens[i]?.tokenType;
    return type === t.BadNumber
      ? t.NumberLiteral
      : type === t.UnterminatedString
        ? t.StringLiteral
        : type;
  }

  private isNameAt(i: number): boolean {
    const type = this.tokens[i]?.tokenType;
    return type === t.Name || (type !== undefined && isOpeningWord(type));
  }
}

/** `draw patch from data`, `… every 1 epochs`: the name after such a word opens nothing. */
const linkWords = new Set(["from", "of", "like", "every"]);

const startsCondition = new Set<TokenType>([
  t.LeftParen,
  t.LeftCurly,
  t.LeftBracket,
  t.If,
  t.Match,
  t.Next,
  t.Not,
  t.NumberLiteral,
  t.StringLiteral,
  t.Minus,
]);

const declarations = new Map<string, TokenType>([
  ...Object.entries(t.declarationWords),
  ["let", t.Let],
]);
const statements = new Map<string, TokenType>([
  ...Object.entries(t.statementWords),
  ["expect", t.declarationWords.expect],
]);
const openingWords = new Set<TokenType>([
  ...Object.values(t.declarationWords),
  ...Object.values(t.statementWords),
]);

function isOpeningWord(type: TokenType): boolean {
  return openingWords.has(type);
}

function retype(token: Token, type: TokenType): void {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx!;
}

const openerOf = new Map<TokenType, TokenType>([
  [t.RightParen, t.LeftParen],
  [t.RightBracket, t.LeftBracket],
  [t.RightCurly, t.LeftCurly],
]);

export function isOpener(type: TokenType): boolean {
  return type === t.LeftParen || type === t.LeftBracket || type === t.LeftCurly;
}

export function isCloser(type: TokenType): boolean {
  return openerOf.has(type);
}

const endings = new Set<TokenType>([
  t.Name,
  t.NumberLiteral,
  t.BadNumber,
  t.StringLiteral,
  t.UnterminatedString,
  t.Wildcard,
  t.Question,
  t.DotDot,
  t.RightParen,
  t.RightBracket,
  t.RightCurly,
]);

/** Whether a statement can end with this token; if not, the next line goes on with it. */
function canEnd(token: Token): boolean {
  return endings.has(token.tokenType) || isOpeningWord(token.tokenType);
}

// A line that starts with one of these goes on with the line before.
const continuations = new Set<TokenType>([
  t.PipeArrow,
  t.Bar,
  t.FatArrow,
  t.Equals,
  t.ThinArrow,
  t.Tilde,
  t.Dot,
  t.DotDot,
  t.Comma,
  t.Colon,
  t.Question,
  t.When,
  t.Then,
  t.Else,
  t.As,
  t.For,
]);

/** Whether this token, at the start of a line, begins something new rather than going on. */
export function beginsSomething(token: Token): boolean {
  if (!token.startsLine) return false;
  const type = token.tokenType;
  return !continuations.has(type) && !t.isA(type, t.InfixOperator);
}

/** The place of the first token at or behind an offset, by halving: there may be as many errors as tokens. */
export function indexAt(
  tokens: readonly { readonly startOffset: number }[],
  offset: number,
): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]!.startOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
