// The wording of every error of the lexer and the parser, one function each. What happened, then how to mend it.
import type { Diagnostic, FileSpan } from "./diagnostic.ts";
import type { Span, StageOperation } from "./syntax.ts";
import { units } from "./syntax.ts";

/** A piece of text and where it begins. */
interface Piece {
  readonly image: string;
  readonly startOffset: number;
}

function error(
  code: string,
  message: string,
  span: FileSpan,
  hints: readonly string[] = [],
): Diagnostic {
  return { severity: "error", code, message, span, hints };
}

function at(file: string, span: Span): FileSpan {
  return { file, start: span.start, end: span.end };
}

function over(file: string, piece: Piece): FileSpan {
  return { file, start: piece.startOffset, end: piece.startOffset + piece.image.length };
}

// ---------------------------------------------------------------------------------------------- of the lexer

const replacements = new Map([
  ["→", "->"],
  ["⇒", "=>"],
  ["×", "*"],
  ["·", "*"],
  ["÷", "/"],
  ["−", "-"],
  ["–", "-"],
  ["≤", "<="],
  ["≥", ">="],
  ["≠", "!="],
  ["…", ".."],
  ["“", '"'],
  ["”", '"'],
  ["'", '"'],
  ["‘", '"'],
  ["’", '"'],
  ["&", "and"],
  ["&&", "and"],
  ["!", "not"],
]);

export function unknownCharacters(file: string, piece: Piece): Diagnostic {
  const first = [...piece.image][0] ?? "";
  const shown =
    [...piece.image].length > 12 ? `${[...piece.image].slice(0, 12).join("")}…` : piece.image;
  const message = `\`${visible(shown)}\` means nothing here`;
  return error("unknown-character", message, over(file, piece), characterHints(piece.image, first));
}

function characterHints(image: string, first: string): string[] {
  const replacement = replacements.get(image) ?? replacements.get(first);
  if (replacement !== undefined) return [`write \`${replacement}\``];
  if (first === "#") return ["a comment starts with `//`"];
  if (first === ";") return ["leave it out: nothing ends a line"];
  if (first === "\u00a0") return ["this is a no-break space; write an ordinary one"];
  if (/\p{L}/u.test(first)) return ["names are made of the letters a to z, digits and `_`"];
  return [];
}

function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Z}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code === 0x20 ? " " : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

export function blockComment(file: string, piece: Piece): Diagnostic {
  return error(
    "block-comment",
    "there are no comments between `/*` and `*/`",
    over(file, { ...piece, image: "/*" }),
    ["start each line of the comment with `//`"],
  );
}

export function unterminatedString(file: string, piece: Piece): Diagnostic {
  const image = piece.image.trimEnd();
  return error(
    "unterminated-text",
    "this text has no closing quote",
    over(file, { ...piece, image }),
    ['end it with `"` on the same line'],
  );
}

export function badEscape(file: string, span: Span): Diagnostic {
  return error("bad-escape", "this backslash means nothing", at(file, span), [
    'a text knows `\\n`, `\\t`, `\\"` and `\\\\`',
  ]);
}

export function badNumber(file: string, piece: Piece): Diagnostic {
  return error("bad-number", `\`${piece.image}\` is not a number`, over(file, piece), [
    numberHint(piece.image),
  ]);
}

function numberHint(image: string): string {
  const [, digits = "", letters = ""] = /^([\d._]*\d)_*([A-Za-z]+)%?$/.exec(image) ?? [];
  const unit = nearestUnit(letters);
  if (unit) return `a unit stands apart: ${digits} ${unit}`;
  if (/^[kmgt]$/.test(letters))
    return `scales are K, M, G and T: ${digits}${letters.toUpperCase()}`;
  const product = /^(\d+)[xX](\d+)$/.exec(image);
  if (product && product[1] !== "0")
    return `a product is ${product[1]} * ${product[2]}, a pair is (${product[1]}, ${product[2]})`;
  if (/_/.test(image) && /^[\d_.]+$/.test(image))
    return "`_` stands singly between two digits: 10_000";
  return "numbers are written 12, 0.5, 1e-3, 10_000, 12.8G or 8%; a name starts with a letter";
}

export function loosePoint(file: string, piece: Piece, instead: string): Diagnostic {
  return error("bad-number", `\`${piece.image}\` is not a number`, over(file, piece), [
    `write ${instead}`,
  ]);
}

// ---------------------------------------------------------------------------------------------- of the parser

/** The general case: something else had to stand here. `found` is null at the end. */
export function unexpected(
  file: string,
  span: Span,
  expected: string,
  found: string,
  hints: readonly string[] = [],
): Diagnostic {
  return error("unexpected", `expected ${expected}, but found ${found}`, at(file, span), hints);
}

/** `let a =` and nothing more on its line. `place` marks the `=`, or whatever waits for a value. */
export function missingValue(
  file: string,
  place: Piece,
  opening: string,
  hint: string | undefined,
): Diagnostic {
  const message =
    opening === "" ? `nothing follows \`${place.image}\`` : `\`${opening}\` has no value`;
  return error("missing-value", message, over(file, place), hint ? [hint] : []);
}

export function unclosed(
  file: string,
  span: Span,
  expected: string,
  found: string,
  opener: Piece,
): Diagnostic {
  return {
    ...error(
      "unclosed-bracket",
      `\`${opener.image}\` is never closed: expected ${expected}, but found ${found}`,
      at(file, span),
    ),
    labels: [{ span: over(file, opener), message: "opened here" }],
    hints: [`close it with ${expected}`],
  };
}

export function strayBracket(file: string, piece: Piece): Diagnostic {
  return error("stray-bracket", `\`${piece.image}\` closes nothing`, over(file, piece), [
    "remove it, or look above for the bracket it was meant to close",
  ]);
}

export function reservedWord(file: string, piece: Piece): Diagnostic {
  return error(
    "reserved-word",
    `\`${piece.image}\` is a word of the language and cannot be a name`,
    over(file, piece),
    [`choose another name, such as \`${piece.image}_\` or \`${piece.image}s\``],
  );
}

export function unknownUnit(file: string, piece: Piece, amount: string): Diagnostic {
  const nearest = nearestUnit(piece.image);
  return error("unknown-unit", `\`${piece.image}\` is not a unit`, over(file, piece), [
    nearest
      ? `write ${amount} ${nearest}`
      : `units are ${units.join(", ")}; without one, write ${amount} alone`,
  ]);
}

function nearestUnit(word: string): string | undefined {
  const stem = word.toLowerCase().replace(/s$/, "");
  return units.find(
    (unit) => stem !== "" && (unit === `${stem}s` || (stem === "epoches" && unit === "epochs")),
  );
}

export function settingsInBraces(file: string, span: Span, name: string): Diagnostic {
  return error(
    "settings-in-braces",
    `settings of \`${name}\` stand in parentheses`,
    at(file, span),
    [`write ${name}(setting = value); braces hold what values go through`],
  );
}

export function missingElse(file: string, span: Span, found: string): Diagnostic {
  return error("missing-else", `an \`if\` needs its \`else\`, but found ${found}`, at(file, span), [
    "write  if condition then a else b;  to leave a stage out, write  |> stage when condition",
  ]);
}

export function pipeInside(file: string, span: Span): Diagnostic {
  return error("pipe-needs-parentheses", "a pipe cannot go on here", at(file, span), [
    "put the whole pipe in parentheses: (x |> f)",
  ]);
}

export function pipeAfterIf(file: string, span: Span): Diagnostic {
  return error("pipe-after-if", "a pipe may not begin with a bare `if`", at(file, span), [
    "to send either value on:     (if c then a else b) |> f\nto send only the second on:  if c then a else (b |> f)",
  ]);
}

const stageNames: Partial<Record<StageOperation["kind"], string>> = {
  binary: "a calculation",
  unary: "a calculation",
  range: "a range",
  course: "a course",
  if: "a value",
  number: "a number",
  quantity: "a duration",
  string: "a text",
  tuple: "a tuple",
  list: "a list",
  comprehension: "a list",
  record: "a record",
  "next-value": "a value",
};

/** `x |> f + 1`. `text` is the stage as written. */
export function notAStage(
  file: string,
  operation: StageOperation,
  text: string,
  label: string | undefined,
): Diagnostic {
  const what = stageNames[operation.kind] ?? "a value";
  const stage = text.includes("\n") || text.length > 40 ? "this stage" : `\`${text}\``;
  const message = `a value goes through a function or a block, but ${stage} is ${what}`;
  return error("not-a-stage", message, at(file, operation.span), [
    stageHint(operation, text, label),
  ]);
}

function stageHint(operation: StageOperation, text: string, label: string | undefined): string {
  if (operation.kind === "if")
    return "choose a stage with `when` or `match`, or put the `if` around the whole pipe";
  if (operation.kind !== "binary") return "a stage is a name or a call: x |> mean(tokens)";
  const after = text.slice(operation.left.span.end - operation.span.start).trim();
  const first = text.slice(0, operation.left.span.end - operation.span.start);
  if (after.length + first.length > 40)
    return "the pipe binds weakest: put what comes before in parentheses, (x |> f) + 1";
  return `the pipe binds weakest: write (… |> ${label ? `${label}: ` : ""}${first}) ${after}`;
}

export function unlabelledRepeat(file: string, span: Span): Diagnostic {
  return error(
    "unlabelled-repeat",
    "a `repeat` needs a label: its parameters are found under it",
    at(file, span),
    ["write  layers: repeat depth as i { … }"],
  );
}

export function noChain(file: string, operator: { text: string; span: Span }): Diagnostic {
  const hint =
    operator.text === ".." || operator.text === "to"
      ? "a range and a course have two ends"
      : "write  a < b and b < c";
  return error(
    "no-chain",
    `a second \`${operator.text}\` cannot follow here`,
    at(file, operator.span),
    [hint],
  );
}

export function forAfterOne(file: string, span: Span): Diagnostic {
  return error(
    "list-by-rule",
    "before `for` stands one value, the rule for all entries",
    at(file, span),
    ["write  [w0 + wa * j for j in depth]"],
  );
}

export function choiceOfNames(file: string, span: Span): Diagnostic {
  return error(
    "choice-of-names",
    "a choice lists names, or texts in quotes, and nothing else",
    at(file, span),
    ["write  pool: token | mean = token;  a setting that may be absent is  classes: int?"],
  );
}

export function missingResult(file: string, span: Span): Diagnostic {
  return error("missing-result", "this body gives no value", at(file, span), [
    "the last line of a body is the value it gives, without `let`",
  ]);
}

export function afterResult(file: string, span: Span, found: string): Diagnostic {
  return error(
    "after-result",
    `the body ended in its value, but ${found} follows`,
    at(file, span),
    [
      "statements come first and the value last; a value that goes on needs an operator or `|>` between",
    ],
  );
}

export function notADeclaration(
  file: string,
  span: Span,
  found: string,
  instead: string | undefined,
): Diagnostic {
  const hint = instead
    ? `did you mean \`${instead}\`?`
    : "a file holds use, block, model, function, variants, expect, optimizer, recipe, sweep and let";
  return error("not-a-declaration", `expected a declaration, but found ${found}`, at(file, span), [
    hint,
  ]);
}

export function tooManyLists(file: string, span: Span, most: number): Diagnostic {
  const message =
    most === 1
      ? "a function has one list: tensors first, then settings"
      : "a block has two lists: settings, then tensors";
  return error("too-many-lists", message, at(file, span), [
    most === 1
      ? "move these into the first list, or make it a `block`"
      : "move these into one of the two",
  ]);
}

export function unknownClause(
  file: string,
  span: Span,
  found: string,
  instead: string | undefined,
): Diagnostic {
  return error("unknown-clause", `expected a clause, but found ${found}`, at(file, span), [
    instead
      ? `did you mean \`${instead}\`?`
      : "a clause is  name = value,  or begins with net, twin, data, view, loss, metric, evaluate, let, …",
  ]);
}

export function tooDeep(file: string, span: Span, limit: number): Diagnostic {
  return error("too-deep", `this is nested deeper than ${limit} levels`, at(file, span), [
    "name the inner parts with `let` or a block of their own",
  ]);
}

export function tooLong(file: string, span: Span): Diagnostic {
  return error("too-deep", "this expression is too long to follow", at(file, span), [
    "split it: name its parts with `let`",
  ]);
}
