// The comments of a file while it is printed: each is taken exactly once, where the printer comes past it.
import type { Comment, Span, SyntaxFile } from "./syntax.ts";

export class Comments {
  private readonly all: readonly Comment[];
  private readonly text: string;
  private readonly taken = new Set<Comment>();

  constructor(file: SyntaxFile) {
    this.all = file.comments;
    this.text = file.text;
  }

  /** Whether a comment lies inside the span, taken or not: then the span cannot be printed on one line. */
  isInside(span: Span): boolean {
    const first = this.firstFrom(span.start);
    return first < this.all.length && this.all[first]!.span.start < span.end;
  }

  /** Takes what stands before an offset and has not been taken. */
  takeBefore(offset: number): Comment[] {
    return this.take(0, offset);
  }

  /** Takes what was left over inside a span after its parts were printed. */
  takeInside(span: Span): Comment[] {
    return this.take(this.firstFrom(span.start), span.end);
  }

  /** Takes the comment that ends the line of what ends at `offset`; punctuation may stand between. */
  takeTrailing(offset: number): Comment | undefined {
    const comment = this.all[this.firstFrom(offset)];
    if (comment === undefined || this.taken.has(comment)) return undefined;
    if (!/^[ \t]*[,;)\]}]*[ \t]*$/.test(this.text.slice(offset, comment.span.start)))
      return undefined;
    this.taken.add(comment);
    return comment;
  }

  /** Whether an empty line stands between two offsets, comments apart. */
  hasBlankLine(start: number, end: number): boolean {
    return /\n[ \t\r]*\n/.test(this.text.slice(start, end));
  }

  /** Whether a comment between two offsets begins its line. */
  isOnOwnLine(start: number, end: number): boolean {
    for (let i = this.firstFrom(start); i < this.all.length && this.all[i]!.span.start < end; i++) {
      if (this.hasBreak(start, this.all[i]!.span.start)) return true;
    }
    return false;
  }

  hasBreak(start: number, end: number): boolean {
    const newline = this.text.indexOf("\n", start);
    return newline !== -1 && newline < end;
  }

  private take(from: number, offset: number): Comment[] {
    const found: Comment[] = [];
    for (let i = from; i < this.all.length && this.all[i]!.span.start < offset; i++) {
      const comment = this.all[i]!;
      if (this.taken.has(comment)) continue;
      this.taken.add(comment);
      found.push(comment);
    }
    return found;
  }

  private firstFrom(offset: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.all[middle]!.span.start < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
