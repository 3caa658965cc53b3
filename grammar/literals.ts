// The text of a number or a string -> its value.
import type { NumberExpression, Span } from "./syntax.ts";

const scales = new Map([
  ["K", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
]);

/** `10_000`, `1e-5`, `12.8G`, `8%`. A text that is no number (already reported) has the value NaN. */
export function readNumber(text: string, span: Span): NumberExpression {
  const isPercent = text.endsWith("%");
  const plain = isPercent ? text.slice(0, -1) : text;
  const scale = scales.get(plain.at(-1) ?? "");
  const digits = (scale === undefined ? plain : plain.slice(0, -1)).replaceAll("_", "");
  const isWhole = /^\d+$/.test(digits) && !isPercent;
  return {
    kind: "number",
    value: scaled(digits, scale, isPercent),
    text,
    isPercent,
    isWhole,
    span,
  };
}

/** The exponent moves in the text, not by a product: 17.6G is 17600000000 to the last digit. */
function scaled(digits: string, scale: number | undefined, isPercent: boolean): number {
  if (!/^[\d.]+(?:[eE][+-]?\d+)?$/.test(digits)) return NaN;
  const shift = (scale === undefined ? 0 : Math.log10(scale)) - (isPercent ? 2 : 0);
  const [mantissa, exponent = "0"] = digits.toLowerCase().split("e");
  return Number(`${mantissa}e${Number(exponent) + shift}`);
}

export interface StringReading {
  readonly value: string;
  /** As written, with the closing quote that may be missing. */
  readonly text: string;
  /** Where in the text the first escape stands that means nothing. */
  readonly badEscape: number | undefined;
}

const escapes = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ['"', '"'],
  ["\\", "\\"],
]);

/** Reads `"…"`, with the escapes `\n`, `\t`, `\"` and `\\`. */
export function readString(image: string): StringReading {
  const isClosed = image.length > 1 && /(?:^|[^\\])(?:\\\\)*"$/.test(image.slice(1));
  const inside = isClosed
    ? image.slice(1, -1)
    : image.slice(1).replace(/\r$/, "").replace(/\\$/, "");
  let badEscape: number | undefined;
  const value = inside.replace(/\\(.)/g, (all: string, letter: string, at: number) => {
    const meaning = escapes.get(letter);
    if (meaning === undefined) badEscape ??= at + 1;
    return meaning ?? all;
  });
  return { value, text: `"${inside}"`, badEscape };
}
