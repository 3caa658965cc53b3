// Texts of `.vit` for the tests of this folder: the specs of the repository, and fragments made at random.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";

/** Every good spec by its path: the drafts, the standard library, the shipped specs and the examples. */
export function specs(): Map<string, string> {
  const folders = ["test/cases/good", "specs", "examples"];
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".vit"))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(path, "utf8")]));
}

const name = fc.constantFrom("x", "y", "heads", "width", "size", "train", "loss", "data", "layers");
const number = fc.constantFrom("0", "1", "3", "10_000", "0.5", "1e-3", "12.8G", "8%");
const infix = fc.constantFrom(
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "==",
  "<",
  "in",
  "and",
  "or",
  "to",
  "..",
);
const gap = fc.constantFrom(" ", " ", " ", "  ", "\n", "\n\n", " // said\n");

function joined(...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((texts) => texts.join(""));
}

function text(value: string): fc.Arbitrary<string> {
  return fc.constant(value);
}

// What comes out is nearly always right: the few that are not (`a < b < c`) are left out by the tests that need it.
const grammar = fc.letrec<{
  value: string;
  pipe: string;
  stage: string;
  operand: string;
  axis: string;
  items: string;
}>((tie) => ({
  operand: fc.oneof(
    { maxDepth: 4, depthIdentifier: "operand" },
    name,
    number,
    text("300 epochs"),
    joined(text("("), tie("pipe"), gap, text(")")),
    joined(text("["), tie("items"), text("]")),
    joined(text("("), tie("items"), text(", "), tie("items"), text(")")),
    joined(name, text("("), tie("items"), text(")")),
    joined(
      name,
      text("("),
      name,
      text(" = "),
      tie("pipe"),
      text(", "),
      name,
      text(" ~ "),
      name,
      text(")"),
    ),
    joined(name, text("."), fc.constantFrom("0", "out", "layers.3")),
    joined(name, text("["), name, text(" = "), tie("operand"), text("..]")),
    joined(name, text("["), name, text(" as "), name, text("]")),
    joined(text("next "), name),
    joined(
      text("match "),
      name,
      text(" { a => "),
      tie("pipe"),
      text(", else => "),
      tie("pipe"),
      gap,
      text("}"),
    ),
    joined(text("{ a = "), tie("pipe"), text(","), gap, text("b = "), tie("pipe"), text(" }")),
    joined(text("["), tie("value"), text(" for "), name, text(" in "), name, text("]")),
  ),
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    tie("operand"),
    joined(tie("operand"), text(" "), infix, gap, tie("operand")),
    joined(text("-"), tie("operand")),
    joined(text("not "), tie("operand")),
    joined(
      text("if "),
      tie("operand"),
      text(" then "),
      tie("value"),
      gap,
      text("else "),
      tie("value"),
    ),
  ),
  axis: fc.constantFrom(
    "..",
    "batch",
    "rows = size / 2",
    "(heads c)",
    "(r dy = 2)",
    "(a b) as c",
    "x as y",
    "3 * width",
  ),
  stage: fc.oneof(
    joined(name, text(": "), name, text("("), tie("items"), text(")")),
    joined(name, text(" { "), tie("pipe"), text(" }")),
    joined(
      name,
      text(": repeat "),
      name,
      text(" as (i, j) { let a = "),
      tie("value"),
      gap,
      text("\n"),
      name,
      text(" }"),
    ),
    joined(
      text("["),
      tie("axis"),
      text(", "),
      tie("axis"),
      text("] -> 3 * ["),
      tie("axis"),
      text("]"),
    ),
    joined(text("["), tie("axis"), text("]")),
    joined(name, text(" when "), tie("operand")),
    name,
  ),
  pipe: fc.oneof(
    { maxDepth: 3, depthIdentifier: "pipe" },
    tie("value"),
    joined(tie("operand"), gap, text("|> "), tie("stage")),
    joined(tie("operand"), gap, text("|> "), tie("stage"), gap, text("|> "), tie("stage")),
  ),
  items: fc.array(tie("pipe"), { maxLength: 3 }).map((list) => list.join(", ")),
}));

const statement = fc.oneof(
  joined(text("  let a = "), grammar.pipe),
  joined(text("  let (p, q) = "), grammar.pipe),
  joined(text("  net tower = "), grammar.pipe),
  joined(text("  param w [width, 3] ~ "), grammar.value, fc.constantFrom("", " when bias")),
  joined(text("  state m bf16[..] ~ "), grammar.value),
  joined(text("  draw kept [batch] ~ "), grammar.value),
  joined(text("  next m = "), grammar.operand, text(" when training")),
  text("  init Linear.weight ~ zeros"),
  joined(text("  require "), grammar.operand, text(' "so {it} is"')),
  text("  // a remark"),
  text(""),
);

const clause = fc.oneof(
  statement.filter((line) => !line.includes("net tower")),
  joined(text("  net model = "), grammar.pipe),
  joined(text("  view image = "), grammar.pipe),
  joined(text("  loss = "), grammar.pipe),
  joined(text("  batch = "), grammar.pipe, text("  // as in the paper")),
  joined(text("  evaluate top1 = "), grammar.pipe, text(" every 1 epochs")),
  joined(text("  except "), grammar.operand, text(" { decay = 0 }")),
  text('  load model.head from "a.npz" as timm { head = fresh }'),
  text("  freeze model.stem, model.layers.0"),
);

const declaration = fc.oneof(
  joined(
    text(
      "/// A block.\nblock A(heads: int = 2, pool: token | mean)(x: [batch, ..]) -> [batch, ..] {\n",
    ),
    fc.array(statement, { maxLength: 5 }).map((lines) => lines.join("\n")),
    text("\n  x\n    |> "),
    grammar.stage,
    text("\n}"),
  ),
  joined(
    text("recipe r(length: duration = 20 epochs) {\n"),
    fc.array(clause, { maxLength: 6 }).map((lines) => lines.join("\n")),
    text("\n}"),
  ),
  joined(text("let constant = "), grammar.pipe),
  text('variants A (heads, pool) {\n  "S" (2, token)\n  "Large" (16, mean) // the large one\n}'),
  text('expect A("S") { parameters = 1_000, macs = 1.5G }'),
);

/** A file of a few declarations, comments and odd line ends among them. */
export const generatedFile: fc.Arbitrary<string> = fc
  .array(declaration, { minLength: 1, maxLength: 3 })
  .map((parts) => `${parts.join("\n\n")}\n`);
