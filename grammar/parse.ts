// Text -> syntax tree and every error of the file. The front door of this folder.
// Always gives a tree and never throws: each declaration is read on its own, so that a broken one costs no other.
import type { Diagnostic } from "./diagnostic.ts";
import { sortDiagnostics } from "./diagnostic.ts";
import * as errors from "./errors.ts";
import { explain } from "./explain.ts";
import { deepest, layOut } from "./layout.ts";
import type { Chunk, Token } from "./layout.ts";
import { lex } from "./lexer.ts";
import { Parser } from "./parser.ts";
import { NestingError } from "./recovery.ts";
import type { Comment, Declaration, SyntaxFile } from "./syntax.ts";
import { depthBeyond } from "./tree-depth.ts";

export interface ParseResult {
  readonly file: SyntaxFile;
  /** In source order. */
  readonly diagnostics: readonly Diagnostic[];
}

// Made at first use: chevrotain spends a good part of a second on learning the grammar.
let shared: Parser | undefined;

/** Reads the text of a `.vit` file. `fileName` is what diagnostics and `SyntaxFile.name` show. */
export function parse(text: string, fileName: string): ParseResult {
  const { tokens, comments, diagnostics } = lex(text, fileName);
  const found = [...diagnostics];
  const declarations: Declaration[] = [];
  const notes = new Documentation(comments, text);
  for (const chunk of layOut(tokens, text)) {
    const declaration = parseChunk(chunk, text, fileName, notes.above(chunk.tokens[0]!), found);
    if (declaration) declarations.push(declaration);
  }
  const file: SyntaxFile = {
    kind: "file",
    name: fileName,
    text,
    documentation: notes.ofFile(declarations[0]),
    declarations,
    comments,
    span: { start: 0, end: text.length },
  };
  return { file, diagnostics: sortDiagnostics(withoutEchoes(found, diagnostics, text)) };
}

function parseChunk(
  chunk: Chunk,
  text: string,
  fileName: string,
  documentation: string | undefined,
  found: Diagnostic[],
): Declaration | undefined {
  if (chunk.tooDeep) {
    found.push(errors.tooDeep(fileName, spanOf(chunk.tooDeep), deepest));
    return undefined;
  }
  shared ??= new Parser();
  shared.begin(fileName, text, chunk.tokens);
  try {
    const declaration = shared.declaration(documentation);
    const exceptions = shared.errors;
    found.push(
      ...exceptions.map((exception) => explain(exception, chunk.tokens, fileName)),
      ...shared.reports,
    );
    return guardDepth(declaration, chunk, fileName, found);
  } catch (problem) {
    if (!(problem instanceof NestingError)) throw problem;
    found.push(errors.tooDeep(fileName, spanOf(problem.token), deepest));
    return undefined;
  }
}

function spanOf(token: { startOffset: number; image: string }): { start: number; end: number } {
  return { start: token.startOffset, end: token.startOffset + token.image.length };
}

/** Trees deeper than this would be too deep for the formatter and the compiler, which recurse. */
const deepestTree = 400;

/** Long rows of operators make deep trees without any bracket. */
function guardDepth(
  declaration: Declaration | undefined,
  chunk: Chunk,
  fileName: string,
  found: Diagnostic[],
): Declaration | undefined {
  if (declaration === undefined || chunk.tokens.length < deepestTree) return declaration;
  const deep = depthBeyond(declaration, deepestTree);
  if (deep === undefined) return declaration;
  found.push(errors.tooLong(fileName, deep));
  return undefined;
}

/** What stands right behind an unknown character is out of place because of that, and not reported again. */
function withoutEchoes(
  found: readonly Diagnostic[],
  ofLexer: readonly Diagnostic[],
  text: string,
): readonly Diagnostic[] {
  const unknown = ofLexer.filter(({ code }) => code === "unknown-character");
  if (unknown.length === 0) return found;
  const ends = new Set(unknown.map(({ span }) => span.end));
  const own = new Set(ofLexer);
  return found.filter(
    (diagnostic) => own.has(diagnostic) || !ends.has(endBefore(text, diagnostic.span.start)),
  );
}

/** Where the blanks before an offset begin. */
function endBefore(text: string, offset: number): number {
  let end = offset;
  while (end > 0 && /\s/.test(text[end - 1]!)) end--;
  return end;
}

/** Which `///` lines belong to what. */
class Documentation {
  private readonly comments: readonly Comment[];
  private readonly text: string;
  private at = 0;

  constructor(comments: readonly Comment[], text: string) {
    this.comments = comments.filter((comment) => comment.isDocumentation);
    this.text = text;
  }

  /** The lines directly above a token; to be asked in source order. */
  above(token: Token): string | undefined {
    const run: Comment[] = [];
    let end = token.startOffset;
    const from = this.at;
    while (this.comments[this.at] && this.comments[this.at]!.span.start < end) this.at++;
    for (let i = this.at - 1; i >= from; i--) {
      const comment = this.comments[i]!;
      if (!this.isRightAbove(comment.span.end, end)) break;
      run.unshift(comment);
      end = comment.span.start;
    }
    return run.length === 0 ? undefined : content(run);
  }

  /** The first such lines of the file, where they stand apart from the first declaration, or above a `use`. */
  ofFile(first: Declaration | undefined): string | undefined {
    const run: Comment[] = [];
    for (const comment of this.comments) {
      const before = run.at(-1);
      const follows = before
        ? this.isRightAbove(before.span.end, comment.span.start)
        : comment.span.start < (first?.span.start ?? Infinity);
      if (!follows) break;
      run.push(comment);
    }
    const last = run.at(-1);
    if (last === undefined) return undefined;
    const isOfFirst =
      first && first.kind !== "use" && this.isRightAbove(last.span.end, first.span.start);
    return isOfFirst ? undefined : content(run);
  }

  private isRightAbove(end: number, start: number): boolean {
    return /^[ \t\r]*\n[ \t]*$/.test(this.text.slice(end, start));
  }
}

function content(run: readonly Comment[]): string {
  return run.map((comment) => comment.text.replace(/^\/\/\/ ?/, "")).join("\n");
}
