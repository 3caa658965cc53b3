// `names` -> its head and its lines, `=` below `=`.
import { level } from "./format-flat.ts";
import { widest } from "./format-lines.ts";
import type { Spread } from "./format-spread.ts";
import type * as s from "./syntax.ts";

export function printNames(node: s.NamesDeclaration, spread: Spread): string {
  const head = [
    `names ${node.format.text}`,
    ...(node.of ? [`of ${node.of.text}`] : []),
    ...(node.from ? [`from ${node.from.text}`] : []),
    ...(node.separator ? [`by ${node.separator.text}`] : []),
  ].join(" ");
  const last = node.separator ?? node.from ?? node.of ?? node.format;
  const open = { start: last.span.end, end: node.span.end };
  if (node.lines.length === 0 && !spread.comments.isInside(open))
    return node.of ? `${head} {}` : head;
  const width = Math.max(0, ...node.lines.map(({ ours }) => side(ours).length));
  const items = node.lines.map((line) => ({
    span: line.span,
    print: (indent: number) => printLine(line, width, indent, spread),
  }));
  return `${head} ${spread.rows("{", items, "}", open, 0)}`;
}

/** On one line; else the names of theirs on lines of their own. */
function printLine(line: s.NameLine, width: number, indent: number, spread: Spread): string {
  const start = `${side(line.ours).padEnd(width)} = `;
  const behind = rest(line, spread);
  const flat = [`${start}${side(line.theirs)}`, ...behind].join(" ");
  if (indent + flat.length <= widest || line.theirs.names.length < 2) return flat;
  const pad = " ".repeat(indent);
  const names = line.theirs.names.map(({ text }) => `${pad}  ${text},`);
  return [`${start}(`, ...names, [`${pad})`, ...behind].join(" ")].join("\n");
}

function side({ names }: s.NameSide): string {
  const texts = names.map(({ text }) => text);
  if (texts.length === 0) return "none";
  return texts.length === 1 ? texts[0]! : `(${texts.join(", ")})`;
}

/** What stands behind the names. */
function rest(line: s.NameLine, spread: Spread): string[] {
  const expression = (node: s.Expression) =>
    spread.flat.expression(node, level.operation) ?? spread.withoutComments(node);
  return [
    ...(line.layout ? [layout(line.layout, spread)] : []),
    ...(line.filling ? [`~ ${expression(line.filling)}`] : []),
    ...(line.when ? [`when ${expression(line.when)}`] : []),
  ];
}

function layout({ element, slice, from, to }: s.NameLayout, spread: Spread): string {
  const copied = ({ count, shape }: s.CopiedShape) =>
    (count ? `${count.text} * ` : "") + spread.withoutComments(shape);
  const before = slice ? `${spread.withoutComments(slice)} ` : "";
  return `${element?.text ?? ""}${before}${copied(from)}${to ? ` -> ${copied(to)}` : ""}`;
}
