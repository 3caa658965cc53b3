// `layers.{i}` and `blocks.{i + 1}`: names with holes. Ours are matched against the first parts of a path and bind
// numbers; theirs are written with those numbers, and with whatever can be counted from them.
import { parse } from "../../grammar/parse.ts";
import type { Expression } from "../../grammar/syntax.ts";
import { plainValue, type Lookup } from "./plain-value.ts";

/** Text, or what stands in braces. */
export type PatternPart = string | Hole;

export interface Hole {
  readonly text: string;
  /** Undefined where the text in the braces is no value. */
  readonly expression: Expression | undefined;
}

export type Pattern = readonly PatternPart[];

export interface Match {
  /** How many parts of the path it takes. */
  readonly length: number;
  readonly bound: ReadonlyMap<string, number>;
}

export function readPattern(text: string): Pattern {
  return text
    .split(/(\{[^}]*\})/)
    .filter((part) => part !== "")
    .map((part) => (part.startsWith("{") ? readHole(part.slice(1, -1)) : part));
}

function readHole(text: string): Hole {
  const { file, diagnostics } = parse(`let hole = ${text}`, "hole");
  const [declaration] = file.declarations;
  const isValue = declaration?.kind === "let" && diagnostics.length === 0;
  return { text: text.trim(), expression: isValue ? declaration.value : undefined };
}

export function holesOf(pattern: Pattern): readonly Hole[] {
  return pattern.filter((part) => typeof part !== "string");
}

/** Whether the pattern says the first parts of a path, and what its holes are there: whole numbers, each a name. */
export function matchPrefix(pattern: Pattern, path: readonly string[]): Match | undefined {
  const source = pattern
    .map((part) => (typeof part === "string" ? escape(part) : "(\\d+)"))
    .join("");
  const found = new RegExp(`^${source}(?:\\.|$)`).exec(path.join("."));
  if (found === null) return undefined;
  const bound = new Map<string, number>();
  for (const [i, hole] of holesOf(pattern).entries()) {
    const value = Number(found[i + 1]);
    if (bound.has(hole.text) && bound.get(hole.text) !== value) return undefined;
    bound.set(hole.text, value);
  }
  return { length: found[0].replace(/\.$/, "").split(".").length, bound };
}

/** The text with its holes filled; undefined where one has no value that is a whole number or a word of a setting. */
export function fill(pattern: Pattern, lookup: Lookup): string | undefined {
  let text = "";
  let isKnown = true;
  const known: Lookup = (name) => {
    const value = lookup(name);
    isKnown &&= value !== undefined;
    return value;
  };
  for (const part of pattern) {
    const value =
      typeof part === "string" ? part : part.expression && plainValue(part.expression, known);
    if (!isKnown || (typeof value !== "string" && !Number.isSafeInteger(value))) return undefined;
    text += String(value);
  }
  return text;
}

/** How much of a pattern is text: of two that match as much, the one with more says it better. */
export function plainLength(pattern: Pattern): number {
  return pattern.reduce((sum, part) => sum + (typeof part === "string" ? part.length : 0), 0);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
