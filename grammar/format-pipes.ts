// A pipe that is spread out -> its canonical lines: those of the author where they fit, else one for each stage, which
// hang below the first `|>`; conditions stand below each other.
import { binding, level, stageLevel } from "./format-flat.ts";
import { after, alignWhens, widest } from "./format-lines.ts";
import type { Line } from "./format-lines.ts";
import type { Spread } from "./format-spread.ts";
import type * as s from "./syntax.ts";

/** A head no longer than this keeps its first stage beside it when the pipe is broken for want of room. */
const shortHead = 3;
/** Stages hang below the first `|>` if that stands no further than this behind the head. */
const nearHead = 24;

/** Keeps the lines of the author if they fit; else each stage gets a line. */
export function spreadPipe(spread: Spread, node: s.Pipe, indent: number, column: number): string {
  if (node.stages.length === 0) return stageText(spread, node.head, false, indent, column);
  const isBroken = spread.comments.hasBreak(node.head.span.end, node.stages.at(-1)!.span.start);
  const asWritten = (i: number): boolean => isBrokenBefore(spread, node, i);
  if (isBroken && fitsLines(spread, node, indent, column, asWritten))
    return pipeLines(spread, node, indent, column, asWritten);
  const head = spread.flat.stage(node.head, true);
  const isShort =
    head !== undefined && head.length <= shortHead && !hasCommentBefore(spread, node, 0);
  return pipeLines(spread, node, indent, column, (i) => i > 0 || !isShort);
}

/** Whether the stages that may stand on one line find room on the lines so broken. */
function fitsLines(
  spread: Spread,
  node: s.Pipe,
  indent: number,
  column: number,
  breaks: (i: number) => boolean,
): boolean {
  const head = spread.flat.stage(node.head, true);
  const hang = hangOf(head, !breaks(0), indent, column);
  let width = column + (head?.length ?? 0);
  for (const [i, stage] of node.stages.entries()) {
    width =
      (breaks(i) ? hang + 3 : width + 4) + (spread.flat.stageStart(stage, false)?.length ?? 0);
    if (width > widest) return false;
  }
  return column + (head?.length ?? 0) <= widest;
}

/** Below the first `|>` where that stands beside the head, else a little to the right of what is around. */
function hangOf(
  head: string | undefined,
  isBeside: boolean,
  indent: number,
  column: number,
): number {
  const hangs = isBeside && head !== undefined && !head.includes("\n") && head.length <= nearHead;
  return hangs ? column + head.length + 1 : indent + 2;
}

function isBrokenBefore(spread: Spread, node: s.Pipe, i: number): boolean {
  const previous = i === 0 ? node.head : node.stages[i - 1]!;
  const isWritten = spread.comments.hasBreak(previous.span.end, node.stages[i]!.span.start);
  const hasCondition = previous.when !== undefined || (node.stages[i]!.when !== undefined && i > 0);
  return isWritten || hasCondition || hasCommentBefore(spread, node, i);
}

function hasCommentBefore(spread: Spread, node: s.Pipe, i: number): boolean {
  const previous = i === 0 ? node.head : node.stages[i - 1]!;
  return spread.comments.isInside({ start: previous.span.end, end: node.stages[i]!.span.start });
}

function pipeLines(
  spread: Spread,
  node: s.Pipe,
  indent: number,
  column: number,
  breaks: (i: number) => boolean,
): string {
  const head = stageText(spread, node.head, true, indent, column);
  const hang = hangOf(head, !breaks(0), indent, column);
  const isOneLine = node.stages.every((_, i) => !breaks(i));
  const lines: Line[] = [{ text: head, when: "", comment: "" }];
  node.stages.forEach((stage, i) => {
    const isNew = breaks(i);
    const line = lines.at(-1)!;
    if (isNew) {
      line.comment = spread.trailing((i === 0 ? node.head : node.stages[i - 1]!).span.end);
      lines.push(...commentsAbove(spread, stage.span.start, hang), {
        text: `${" ".repeat(hang)}|>`,
        when: "",
        comment: "",
      });
    } else {
      line.text += " |>";
    }
    const last = lines.at(-1)!;
    const at = isNew ? hang + 3 : after(last.text, column) + 1;
    last.text += ` ${startText(spread, stage, false, isOneLine ? indent : hang + 3, at)}`;
    last.when = whenText(spread, stage, at);
  });
  return alignWhens(lines, column, hang + 3);
}

function commentsAbove(spread: Spread, offset: number, indent: number): Line[] {
  const taken = spread.comments.takeBefore(offset);
  return taken.map((comment) => ({
    text: " ".repeat(indent) + comment.text,
    when: "",
    comment: "",
  }));
}

function stageText(
  spread: Spread,
  node: s.Stage,
  isHead: boolean,
  indent: number,
  column: number,
): string {
  const start = startText(spread, node, isHead, indent, column);
  const when = whenText(spread, node, after(start, column));
  return when === "" ? start : `${start} ${when}`;
}

function startText(
  spread: Spread,
  node: s.Stage,
  isHead: boolean,
  indent: number,
  column: number,
): string {
  const label = node.label ? `${node.label.text}: ` : "";
  return label + operationText(spread, node.operation, isHead, indent, column + label.length);
}

function whenText(spread: Spread, node: s.Stage, column: number): string {
  return node.when === undefined
    ? ""
    : `when ${spread.expression(node.when, level.operation, column, column + 5)}`;
}

function operationText(
  spread: Spread,
  node: s.StageOperation,
  isHead: boolean,
  indent: number,
  column: number,
): string {
  if (node.kind === "repeat") return repeatText(spread, node, indent, column);
  if (node.kind !== "arrow")
    return spread.expression(node, stageLevel(node, isHead), indent, column);
  const count = node.count ? `${node.count.text} * ` : "";
  return `${spread.withoutComments(node.from)} -> ${count}${spread.withoutComments(node.to)}`;
}

function repeatText(spread: Spread, node: s.Repeat, indent: number, column: number): string {
  const over = spread.expression(node.over, level.operation, indent, column + 7);
  const head = `repeat ${over}${node.binding ? ` as ${binding(node.binding)}` : ""}`;
  const braces = spread.flat.braces(node.body);
  const fits = braces !== undefined && after(head, column) + 1 + braces.length <= widest;
  return `${head} ${fits ? braces : spread.braces(node.body, indent)}`;
}
