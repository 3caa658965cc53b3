// Text -> tokens and comments. Never throws: what begins no token is set aside and reported, once for each run.
import { Lexer } from "chevrotain";
import type { ILexingError, IToken } from "chevrotain";
import type { Diagnostic } from "./diagnostic.ts";
import * as errors from "./errors.ts";
import type { Comment } from "./syntax.ts";
import { BadNumber, UnterminatedString, vocabulary } from "./tokens.ts";

export interface LexResult {
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
}

// Made at first use: building it costs some milliseconds that a program which reads no `.vit` should not pay.
let shared: Lexer | undefined;

export function lex(text: string, fileName: string): LexResult {
  shared ??= makeLexer();
  // A byte order mark is no character of the text; a blank in its place keeps every offset.
  const result = shared.tokenize(text.startsWith("\ufeff") ? ` ${text.slice(1)}` : text);
  const diagnostics: Diagnostic[] = [];
  for (const { offset, length } of result.errors) {
    const image = text.slice(offset, offset + length);
    diagnostics.push(errors.unknownCharacters(fileName, { image, startOffset: offset }));
  }
  for (const token of result.groups["blockComments"] ?? []) {
    diagnostics.push(errors.blockComment(fileName, token));
  }
  for (const token of result.tokens) {
    if (token.tokenType === BadNumber) diagnostics.push(errors.badNumber(fileName, token));
    if (token.tokenType === UnterminatedString) {
      diagnostics.push(errors.unterminatedString(fileName, token));
    }
  }
  return {
    tokens: withoutHashLines(result.tokens, result.errors, text),
    comments: (result.groups["comments"] ?? []).map(toComment),
    diagnostics,
  };
}

/** @param isChecked whether the patterns are looked through for mistakes of ours: slow, and a test does it */
export function makeLexer(isChecked = false): Lexer {
  return new Lexer(vocabulary, {
    positionTracking: "onlyOffset",
    ensureOptimizations: true,
    skipValidations: !isChecked,
  });
}

/** `# …` is meant as a comment: one error, not one for each word of it. */
function withoutHashLines(
  tokens: IToken[],
  problems: readonly ILexingError[],
  text: string,
): IToken[] {
  const lines = problems
    .filter(({ offset }) => text[offset] === "#")
    .map(({ offset }) => ({ start: offset, end: (text + "\n").indexOf("\n", offset) }));
  if (lines.length === 0) return tokens;
  let at = 0;
  return tokens.filter((token) => {
    while (lines[at] && lines[at]!.end <= token.startOffset) at++;
    return lines[at] === undefined || token.startOffset < lines[at]!.start;
  });
}

function toComment(token: IToken): Comment {
  const text = token.image.trimEnd();
  return {
    text,
    isDocumentation: text.startsWith("///"),
    span: { start: token.startOffset, end: token.startOffset + text.length },
  };
}
