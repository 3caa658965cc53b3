// The vocabulary: every kind of token of a `.vit` file. A token's LABEL is how messages call it.
// Sixteen words are reserved. All other words are names; those that open a declaration, a statement or a clause
// (`model`, `net`, `loss`, …) get a kind of their own from `layout.ts` where they stand in such a place, and that
// kind still counts as a name.
import { createToken, Lexer } from "chevrotain";
import type { CustomPatternMatcherFunc, IToken, ITokenConfig, TokenType } from "chevrotain";

export const vocabulary: TokenType[] = [];

function token(config: ITokenConfig): TokenType {
  const type = createToken(config);
  vocabulary.push(type);
  return type;
}

function symbol(name: string, text: string, categories: TokenType[] = []): TokenType {
  return token({ name, pattern: text, label: `\`${text}\``, categories });
}

// Kinds of kinds; none of them is ever matched by itself.
export const InfixOperator = token({
  name: "InfixOperator",
  pattern: Lexer.NA,
  label: "an operator",
});
export const PrefixOperator = token({
  name: "PrefixOperator",
  pattern: Lexer.NA,
  label: "an operator",
});

export const Whitespace = token({
  name: "Whitespace",
  pattern: /[ \t\r\n\f]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});
export const CommentLine = token({ name: "Comment", pattern: /\/\/[^\n]*/, group: "comments" });

export const Name = token({ name: "Name", pattern: /[A-Za-z_][A-Za-z0-9_]*/, label: "a name" });

const reservedWords = new Map<string, TokenType>();
function reserved(text: string, categories: TokenType[] = []): TokenType {
  const name = text[0]!.toUpperCase() + text.slice(1);
  const type = createToken({
    name,
    pattern: text,
    longer_alt: Name,
    label: `\`${text}\``,
    categories,
  });
  reservedWords.set(text, type);
  // Before Name, or Name would win.
  vocabulary.splice(vocabulary.indexOf(Name), 0, type);
  return type;
}

export const Let = reserved("let");
export const Param = reserved("param");
export const Next = reserved("next");
export const When = reserved("when");
export const If = reserved("if");
export const Then = reserved("then");
export const Else = reserved("else");
export const Match = reserved("match");
export const Repeat = reserved("repeat");
export const As = reserved("as");
export const For = reserved("for");
export const In = reserved("in", [InfixOperator]);
export const To = reserved("to", [InfixOperator]);
export const And = reserved("and", [InfixOperator]);
export const Or = reserved("or", [InfixOperator]);
export const Not = reserved("not", [PrefixOperator]);
export const Wildcard = reserved("_");

export function isReserved(word: string): boolean {
  return reservedWords.has(word) && word !== "_";
}

// Words that open a declaration, a statement or a clause.
function opener(text: string): TokenType {
  const name = text[0]!.toUpperCase() + text.slice(1) + "Word";
  return token({ name, pattern: Lexer.NA, categories: [Name], label: `\`${text}\`` });
}

export const declarationWords = {
  use: opener("use"),
  block: opener("block"),
  model: opener("model"),
  function: opener("function"),
  optimizer: opener("optimizer"),
  variants: opener("variants"),
  expect: opener("expect"),
  recipe: opener("recipe"),
  sweep: opener("sweep"),
  names: opener("names"),
} as const;

export const statementWords = {
  net: opener("net"),
  state: opener("state"),
  draw: opener("draw"),
  init: opener("init"),
  require: opener("require"),
  twin: opener("twin"),
  data: opener("data"),
  view: opener("view"),
  metric: opener("metric"),
  loss: opener("loss"),
  load: opener("load"),
  freeze: opener("freeze"),
  recompute: opener("recompute"),
  clamp: opener("clamp"),
  except: opener("except"),
  evaluate: opener("evaluate"),
} as const;

// A number with anything that sticks to it: `12.8G`, `8%`, and also `3x3`, which is then a bad number.
const numberAhead = /\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d+)?[KMGT]?%?(?![A-Za-z0-9_]|\.\d)/y;
const wholeAhead = /\d+/y;
const badNumberAhead = /\d[A-Za-z0-9_]*(?:\.\d[A-Za-z0-9_]*)*(?:(?<=[eE])[+-]\d+)?%?/y;

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

/** After `.` a number is a place in a tuple or list: `grid.0.1` is two members, not the fraction 0.1. */
function isMember(offset: number, matched: IToken[]): boolean {
  const last = matched.at(-1);
  return last !== undefined && last.tokenType === Dot && last.startOffset === offset - 1;
}

const matchNumber: CustomPatternMatcherFunc = (text, offset, matched) =>
  matchAt(isMember(offset, matched) ? wholeAhead : numberAhead, text, offset);

const matchBadNumber: CustomPatternMatcherFunc = (text, offset) =>
  matchAt(badNumberAhead, text, offset);

const digits = [..."0123456789"];
export const NumberLiteral = token({
  name: "Number",
  pattern: { exec: matchNumber },
  start_chars_hint: digits,
  line_breaks: false,
  label: "a number",
});
/** Reported by the lexer; counts as a number so that nothing else goes wrong. */
export const BadNumber = token({
  name: "BadNumber",
  pattern: { exec: matchBadNumber },
  start_chars_hint: digits,
  line_breaks: false,
  categories: [NumberLiteral],
  label: "a number",
});

export const StringLiteral = token({
  name: "String",
  pattern: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/,
  label: "a text in quotes",
});
/** Reported by the lexer; counts as a string up to the end of its line. */
export const UnterminatedString = token({
  name: "UnterminatedString",
  pattern: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*\\?/,
  categories: [StringLiteral],
  label: "a text in quotes",
});

export const PipeArrow = symbol("PipeArrow", "|>");
export const Bar = symbol("Bar", "|");
export const FatArrow = symbol("FatArrow", "=>");
export const Equal = symbol("Equal", "==", [InfixOperator]);
export const Equals = symbol("Equals", "=");
export const NotEqual = symbol("NotEqual", "!=", [InfixOperator]);
export const LessEqual = symbol("LessEqual", "<=", [InfixOperator]);
export const Less = symbol("Less", "<", [InfixOperator]);
export const GreaterEqual = symbol("GreaterEqual", ">=", [InfixOperator]);
export const Greater = symbol("Greater", ">", [InfixOperator]);
export const ThinArrow = symbol("ThinArrow", "->");
export const Plus = symbol("Plus", "+", [InfixOperator]);
export const Minus = symbol("Minus", "-", [InfixOperator, PrefixOperator]);
export const Star = symbol("Star", "*", [InfixOperator]);
/** C's comment, which the language does not have; reported by the lexer and kept out of the parser's way. */
export const BlockComment = token({
  name: "BlockComment",
  pattern: /\/\*(?:[^]*?\*\/|[^]*)/,
  group: "blockComments",
  line_breaks: true,
});
export const Slash = symbol("Slash", "/", [InfixOperator]);
export const Percent = symbol("Percent", "%", [InfixOperator]);
export const Caret = symbol("Caret", "^", [InfixOperator]);
export const Tilde = symbol("Tilde", "~");
export const DotDot = symbol("DotDot", "..");
export const Dot = symbol("Dot", ".");
export const Comma = symbol("Comma", ",");
export const Colon = symbol("Colon", ":");
export const Question = symbol("Question", "?");
export const LeftParen = symbol("LeftParen", "(");
export const RightParen = symbol("RightParen", ")");
export const LeftBracket = symbol("LeftBracket", "[");
export const RightBracket = symbol("RightBracket", "]");
export const LeftCurly = symbol("LeftCurly", "{");
export const RightCurly = symbol("RightCurly", "}");

/** Whether a kind of token counts as another, more general one. */
export function isA(type: TokenType, kind: TokenType): boolean {
  return type === kind || (type.CATEGORIES ?? []).includes(kind);
}
