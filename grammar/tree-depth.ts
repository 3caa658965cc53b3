// Finds a node that lies too deep in a tree, without recursion, so that any tree can be asked.
import type { Span } from "./syntax.ts";

/** The span of the first node found below `limit` nodes, or undefined. */
export function depthBeyond(root: object, limit: number): Span | undefined {
  const waiting: { value: object; depth: number }[] = [{ value: root, depth: 0 }];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    const { value, depth } = item;
    if (depth > limit && "span" in value) return value.span as Span;
    const inner = Array.isArray(value) ? depth : depth + 1;
    for (const child of Object.values(value) as unknown[]) {
      if (typeof child === "object" && child !== null) waiting.push({ value: child, depth: inner });
    }
  }
  return undefined;
}
