// Which names an expression reads: for the order in which clauses are evaluated, and for what nothing reads.
// Too many rather than too few: a name bound inside (`for i in …`) counts as well, and asks for nothing if it is no clause.
import type { Expression, NameExpression } from "../../../grammar/syntax.ts";

/** Names in order of their first appearance. */
export function freeNames(expression: unknown): readonly string[] {
  const found = new Set<string>();
  walk(expression, (node) => {
    if (node.kind === "name") found.add((node as unknown as NameExpression).name);
    if (node.kind === "next-value")
      found.add((node as unknown as { name: { text: string } }).name.text);
  });
  return [...found];
}

interface AnyNode {
  readonly kind: string;
}

/** Every syntax node below, outermost first, in source order; where `visit` says `skip`, not those below. */
export function walk(value: unknown, visit: (node: AnyNode) => "skip" | void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if ("kind" in value && typeof value.kind === "string") {
    if (visit(value as AnyNode) === "skip") return;
  }
  for (const part of Object.values(value)) walk(part, visit);
}

/** A dotted name such as `online.backbone.layers.0`, or undefined for any other expression. */
export function dottedName(expression: Expression): readonly string[] | undefined {
  if (expression.kind === "name") return [expression.name];
  if (expression.kind !== "member") return undefined;
  const target = dottedName(expression.target);
  return target && [...target, expression.member.text];
}
