// An exception of chevrotain -> a diagnostic that says what was found, what had to stand there, and how to mend it.
// The pitfalls of the language come first, the general case last.
import { EOF } from "chevrotain";
import type { IRecognitionException } from "chevrotain";
import type { Diagnostic } from "./diagnostic.ts";
import * as errors from "./errors.ts";
import { indexAt, isCloser, isOpener } from "./layout.ts";
import type { Token } from "./layout.ts";
import type { Span } from "./syntax.ts";
import * as t from "./tokens.ts";

/** What an explanation looks at: the tokens of the declaration and the error's place among them. */
interface Scene {
  readonly file: string;
  readonly tokens: readonly Token[];
  /** The index of the token at fault; the number of tokens at the end. */
  readonly at: number;
  readonly found: Token | undefined;
  readonly previous: Token | undefined;
  readonly expected: string;
  /** From the declaration inwards. */
  readonly rules: readonly string[];
  readonly span: Span;
  readonly foundText: string;
}

export function explain(
  exception: IRecognitionException,
  tokens: readonly Token[],
  file: string,
): Diagnostic {
  const scene = look(exception, tokens, file);
  for (const pitfall of pitfalls) {
    const diagnostic = pitfall(scene);
    if (diagnostic) return diagnostic;
  }
  const expected = scene.expected === "" ? "something else" : scene.expected;
  return errors.unexpected(file, scene.span, expected, scene.foundText, formHint(scene.rules));
}

function look(exception: IRecognitionException, tokens: readonly Token[], file: string): Scene {
  const isEnd = exception.token.tokenType === EOF;
  const index = isEnd ? -1 : indexAt(tokens, exception.token.startOffset);
  const at = index === -1 ? tokens.length : index;
  const found = tokens[at];
  const previous = tokens[at - 1];
  const end = previous ? previous.startOffset + previous.image.length : 0;
  const expected = exception.message;
  const rules = exception.context?.ruleStack ?? [];
  // What is missing at the end of a line is shown there, not at the next line's beginning.
  const isBelow =
    found?.startsLine === true && previous !== undefined && !lineOpenings.has(expected);
  const isHere = found !== undefined && !isBelow;
  const span = isHere
    ? { start: found.startOffset, end: found.startOffset + found.image.length }
    : { start: end, end: end + 1 };
  const foundText = isBelow && found ? `${describe(found)} on the next line` : describe(found);
  return { file, tokens, at, found, previous, expected, rules, span, foundText };
}

// Where one of these is expected, it is the line itself that is wrong.
const lineOpenings = new Set(["a declaration", "a clause", "a row of the table", "`}`"]);

function describe(token: Token | undefined): string {
  if (token === undefined) return "the end";
  const image = token.image.length > 30 ? `${token.image.slice(0, 29)}…` : token.image;
  return token.tokenType === t.StringLiteral ? `the text ${image}` : `\`${image}\``;
}

type Pitfall = (scene: Scene) => Diagnostic | undefined;

/** `let a =` without a value; or `+`, `|>`, `~` with nothing behind. */
const valueMissing: Pitfall = ({ file, tokens, at, found, previous }) => {
  if (previous === undefined || !waitsForValue(previous)) return undefined;
  const isGone = found === undefined || found.startsLine || isCloser(found.tokenType);
  if (!isGone) return undefined;
  return errors.missingValue(file, previous, openingOf(tokens, at - 1), undefined);
};

function waitsForValue(token: Token): boolean {
  const type = token.tokenType;
  const isOperator = t.isA(type, t.InfixOperator) || t.isA(type, t.PrefixOperator);
  return (
    isOperator ||
    type === t.Equals ||
    type === t.PipeArrow ||
    type === t.Tilde ||
    type === t.FatArrow ||
    type === t.ThinArrow
  );
}

/** `let a =`, where the line holds no more than that up to the `=` at `at`; else "". */
function openingOf(tokens: readonly Token[], at: number): string {
  if (tokens[at]?.tokenType !== t.Equals) return "";
  let first = at;
  while (first > 0 && !tokens[first]!.startsLine && at - first < 8) first--;
  return tokens
    .slice(first, at + 1)
    .map((token, i) => (i > 0 && !isTight(token, tokens[first + i - 1]!) ? " " : "") + token.image)
    .join("");
}

function isTight(token: Token, before: Token): boolean {
  return token.tokenType === t.Comma || isCloser(token.tokenType) || isOpener(before.tokenType);
}

/** `let a =` took `batch` of the next line, `batch = 64`, for its value. */
const valueSwallowed: Pitfall = ({ file, tokens, at, found, previous }) => {
  if (found?.tokenType !== t.Equals && found?.tokenType !== t.Colon && found?.tokenType !== t.Tilde)
    return undefined;
  const before = tokens[at - 2];
  if (!previous?.startsLine || before?.tokenType !== t.Equals) return undefined;
  const hint = `the next line, \`${previous.image} ${found.image} …\`, was read as its value`;
  return errors.missingValue(file, before, openingOf(tokens, at - 2), hint);
};

const reserved: Pitfall = ({ file, found, expected, previous, rules }) => {
  if (!found || !t.isReserved(found.image)) return undefined;
  const isInList =
    nameLists.has(rules.at(-1) ?? "") &&
    !found.startsLine &&
    previous !== undefined &&
    opensElement(previous);
  return isInList || expected.includes("a name") ? errors.reservedWord(file, found) : undefined;
};

const nameLists = new Set(["fields", "binding", "variants", "use", "recordType"]);

function opensElement(token: Token): boolean {
  return token.tokenType === t.Comma || isOpener(token.tokenType);
}

const wrongUnit: Pitfall = ({ file, tokens, at, found, previous }) => {
  if (!found || found.startsLine || found.tokenType !== t.Name) return undefined;
  if (previous?.tokenType !== t.NumberLiteral || goesOnAsName.has(tokens[at + 1]?.tokenType))
    return undefined;
  return errors.unknownUnit(file, found, previous.image);
};

/** `Linear(10 bias = false)`: the name is an argument, and a comma is missing. */
const goesOnAsName = new Set<Token["tokenType"] | undefined>([
  t.Equals,
  t.Tilde,
  t.Colon,
  t.Dot,
  t.LeftParen,
]);

/** `1.` and `.5`. */
const loosePoint: Pitfall = ({ file, tokens, at, found, previous }) => {
  const before = tokens[at - 2];
  if (previous?.tokenType === t.Dot && before?.tokenType === t.NumberLiteral) {
    return errors.loosePoint(
      file,
      { image: `${before.image}.`, startOffset: before.startOffset },
      `${before.image}.0`,
    );
  }
  const digits = tokens[at + 1];
  if (found?.tokenType !== t.Dot || digits?.tokenType !== t.NumberLiteral) return undefined;
  return errors.loosePoint(
    file,
    { image: `.${digits.image}`, startOffset: found.startOffset },
    `0.${digits.image}`,
  );
};

const strayBracket: Pitfall = ({ file, found }) => {
  if (!found || !isCloser(found.tokenType)) return undefined;
  return found.opener ? undefined : errors.strayBracket(file, found);
};

const noElse: Pitfall = ({ file, found, span, expected, rules, foundText }) => {
  if (rules.at(-1) !== "if" || expected !== "`else`") return undefined;
  return found?.tokenType === t.PipeArrow
    ? errors.pipeInside(file, span)
    : errors.missingElse(file, span, foundText);
};

/** `next m = x |> f`, `if a |> f then`: an operation is wanted, not a pipe. */
const pipeInside: Pitfall = ({ file, found, span, rules }) => {
  if (found?.tokenType !== t.PipeArrow) return undefined;
  return operationOnly.has(rules.at(-1) ?? "") ? errors.pipeInside(file, span) : undefined;
};

const operationOnly = new Set(["if", "rung", "next", "require", "except", "body", "match"]);

const settingsInBraces: Pitfall = ({ file, tokens, at, previous, span, rules }) => {
  if (rules.at(-1) !== "braces" && rules.at(-1) !== "result" && !rules.includes("braced"))
    return undefined;
  const open = tokens[at - 1]?.tokenType === t.LeftCurly ? at - 1 : at - 2;
  if (tokens[at]?.tokenType !== t.Equals || !tokens[open]?.isSpecial) return undefined;
  const name = tokens[open - 1];
  return name?.tokenType === t.Name && previous
    ? errors.settingsInBraces(file, span, name.image)
    : undefined;
};

const afterResult: Pitfall = ({ file, span, expected, rules, foundText, found }) => {
  if (rules.at(-1) !== "body" || expected !== "`}`" || found === undefined) return undefined;
  return errors.afterResult(file, span, foundText);
};

const closers = new Map([
  ["`)`", t.LeftParen],
  ["`]`", t.LeftBracket],
  ["`}`", t.LeftCurly],
]);

/** A closing bracket is due. On the same line a comma may be what is missing. */
const unclosed: Pitfall = ({ file, tokens, at, found, span, expected, foundText, previous }) => {
  const kind = closers.get(expected);
  if (kind === undefined) return undefined;
  const opener = innermostOpen(tokens, at, kind);
  if (opener && opener.closer === undefined)
    return errors.unclosed(file, span, expected, foundText, opener);
  if (previous?.tokenType === t.Comma)
    return errors.unexpected(file, span, `a value or ${expected}`, foundText);
  const name = found && startsValue(found) ? `\`,\` or ${expected}` : expected;
  return errors.unexpected(file, span, name, foundText);
};

function innermostOpen(
  tokens: readonly Token[],
  at: number,
  kind: Token["tokenType"],
): Token | undefined {
  for (let i = at - 1; i >= 0; i--) {
    const token = tokens[i]!;
    if (token.tokenType !== kind) continue;
    if (
      token.closer === undefined ||
      token.closer.startOffset >= (tokens[at]?.startOffset ?? Infinity)
    )
      return token;
  }
  return undefined;
}

function startsValue(token: Token): boolean {
  const type = token.tokenType;
  return (
    isOpener(type) ||
    type === t.Name ||
    type === t.NumberLiteral ||
    type === t.StringLiteral ||
    type === t.If ||
    t.isA(type, t.Name)
  );
}

const foreignWords = new Map([
  ["def", "function"],
  ["fn", "function"],
  ["func", "function"],
  ["class", "block"],
  ["module", "block"],
  ["layer", "block"],
  ["import", "use"],
  ["from", "use"],
  ["const", "let"],
  ["var", "let"],
  ["train", "recipe"],
  ["variant", "variants"],
  ["assert", "expect"],
  ["optimiser", "optimizer"],
]);

const notADeclaration: Pitfall = ({ file, found, span, expected, foundText }) => {
  if (expected !== "a declaration" || !found) return undefined;
  const known = Object.keys(t.declarationWords).find((word) => isNear(word, found.image));
  return errors.notADeclaration(file, span, foundText, foreignWords.get(found.image) ?? known);
};

/** Alike but for one letter that is wrong, missing or too many, or two that changed places. */
function isNear(word: string, typed: string): boolean {
  if (word === typed || typed.length < 3 || Math.abs(word.length - typed.length) > 1) return false;
  let i = 0;
  while (i < word.length && word[i] === typed[i]) i++;
  const [a, b] = [word.slice(i), typed.slice(i)];
  const isSwap = a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
  return isSwap || a.slice(1) === b.slice(1) || a.slice(1) === b || a === b.slice(1);
}

const unknownClause: Pitfall = ({ file, found, span, expected, foundText }) => {
  if (expected !== "a clause" || !found) return undefined;
  const known = [...Object.keys(t.statementWords), ...clauseNames].find((word) =>
    isNear(word, found.image),
  );
  return errors.unknownClause(file, span, foundText, known ?? foreignWords.get(found.image));
};

// The fields of a recipe that most recipes have.
const clauseNames = [
  "optimizer",
  "batch",
  "length",
  "seed",
  "clip",
  "precision",
  "accumulate",
  "let",
  "param",
];

const pitfalls: readonly Pitfall[] = [
  loosePoint,
  valueMissing,
  valueSwallowed,
  reserved,
  wrongUnit,
  noElse,
  notADeclaration,
  unknownClause,
  strayBracket,
  pipeInside,
  settingsInBraces,
  afterResult,
  unclosed,
];

// How a thing is written, shown when something is missing in it.
const forms = new Map([
  ["use", 'use vit.{ViT, EncoderLayer}  or  use "./vit".{ViT}'],
  ["block", "block Name(setting: int)(x: [batch, width]) -> [batch, width] { … }"],
  ["function", "function name(x: [batch, width], setting: int) -> [batch, width] { … }"],
  ["optimizer", "optimizer Name(setting: real = 0)(p, g, t, lr) { … }"],
  ["variants", 'variants Model (width, depth) { "S/16" (384, 12) }'],
  ["variantRow", '"S/16" (384, 12)'],
  ["recipe", "recipe name(length: duration = 20 epochs) { … }"],
  ["sweep", "sweep name of recipe { lr in [1e-3, 3e-4] }"],
  ["sweepAxis", "lr in [1e-3, 3e-4]  or  (size, length) in [(224, 300 epochs)]"],
  ["names", 'names timm of ViT { "class_token" = "cls_token" [1, 1, width] -> [width] }'],
  ["nameLine", '"class_token" = "cls_token" [1, 1, width] -> [width]'],
  ["constant", "let name = value"],
  ["field", "name: type = default"],
  ["recordTypeField", "name: [batch, width]"],
  ["let", "let name = value  or  let (a, b) = value"],
  ["net", "net name = Block(setting = 1)"],
  ["param", "param name [width] ~ normal(std = 0.02)"],
  ["state", "state name [width] ~ zeros"],
  ["draw", "draw name [batch] ~ bernoulli(0.5)  or  draw name from [8, 16, 32]"],
  ["next", "next name = value when condition"],
  ["init", "init Linear.weight ~ truncated(std = 0.02)"],
  [
    "require",
    'require size % patch == 0 "an image of {size} does not divide into patches of {patch}"',
  ],
  ["namedClause", "net model = …,  data train = …,  view image = …,  metric top1 = …"],
  ["loss", "loss = …  or  loss name = …"],
  ["load", 'load model from "weights.safetensors" as timm { head = fresh }'],
  ["freeze", "freeze model.patch_embed, model.position"],
  ["recompute", "recompute layers  or  recompute to 2 GB"],
  ["clamp", "clamp log_scale to 0 .. ln(100)"],
  ["except", "except rank < 2 { decay = 0 }"],
  ["evaluate", "evaluate top1 = top1(model(clean), test.label) every 1 epochs"],
  ["repeat", "layers: repeat depth as i { … }"],
  ["arrow", "[batch, rows, cols] -> [batch, (rows cols) as tokens]"],
  ["match", "match pool { token => take(tokens, 0), else => same }"],
  ["matchArm", "name => value  or  else => value"],
  ["recordField", "name = value"],
  ["if", "if condition then a else b"],
  ["rung", "if condition then a else b"],
]);

// Parts too small to have a form: the hint is that of what they are a part of.
const parts = new Set([
  "identifier",
  "binding",
  "path",
  "segment",
  "useSource",
  "fields",
  "shape",
  "record",
  "braces",
  "argumentList",
  "type",
  "typeAtom",
]);

function formHint(rules: readonly string[]): string[] {
  const rule = rules.findLast((name) => !parts.has(name));
  const form = rule === undefined ? undefined : forms.get(rule);
  return form === undefined ? [] : [`it is written  ${form}`];
}
