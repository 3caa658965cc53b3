// Whatever the text: a tree, a finite answer, and no exception.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderDiagnostics } from "../../grammar/diagnostic.ts";
import { parse } from "../../grammar/parse.ts";
import { generatedFile, specs } from "./spec-text.ts";

const texts = [...specs().values()];

/** Parses, renders what is wrong, and checks that every place lies in the text. */
function checkSurvives(text: string): void {
  const { file, diagnostics } = parse(text, "a.vit");
  expect(file.kind).toBe("file");
  for (const { span, code, message } of diagnostics) {
    expect(code).toMatch(/^[a-z-]+$/);
    expect(message).not.toContain("undefined");
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeLessThanOrEqual(text.length + 1);
    expect(span.end).toBeGreaterThan(span.start);
  }
  renderDiagnostics(diagnostics, new Map([["a.vit", text]]));
}

describe("the parser survives", () => {
  test("random bytes", () => {
    const bytes = fc
      .uint8Array({ maxLength: 400 })
      .map((list) => Buffer.from(list).toString("latin1"));
    fc.assert(fc.property(bytes, checkSurvives), { numRuns: 300, seed: 1 });
  }, 60_000);

  test("random characters of every kind", () => {
    const anything = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(fc.property(anything, checkSurvives), { numRuns: 150, seed: 2 });
  }, 60_000);

  test("random rows of its own tokens", () => {
    const token = fc.constantFrom(
      ..."( ) [ ] { } |> -> => = ~ : , . .. + - * / ^ % == < | ? 3 1e-3 8% x heads let param next when if then".split(
        " ",
      ),
      ..."else match repeat as for in to and or not block model function recipe loss net view draw state".split(
        " ",
      ),
      ..."except expect variants use optimizer sweep require init load freeze evaluate every from epochs".split(
        " ",
      ),
      '"text"',
      "\n",
      "// said\n",
    );
    const row = fc.array(token, { maxLength: 80 }).map((list) => list.join(" "));
    fc.assert(fc.property(row, checkSurvives), { numRuns: 1500, seed: 3 });
  }, 60_000);

  test("specs with characters changed, lost, doubled and moved", () => {
    const edit = fc.record({
      at: fc.nat(),
      length: fc.integer({ min: 0, max: 20 }),
      by: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom("(", "{", "]", "|>", "\n", '"', "let ", "if ", "="),
      ),
    });
    const mutated = fc
      .tuple(
        fc.oneof(fc.constantFrom(...texts), generatedFile),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
      )
      .map(([text, edits]) =>
        edits.reduce((changed, { at, length, by }) => {
          const start = at % (changed.length + 1);
          return changed.slice(0, start) + by + changed.slice(start + length);
        }, text),
      );
    fc.assert(fc.property(mutated, checkSurvives), { numRuns: 300, seed: 4 });
  }, 60_000);

  test("a spec cut off anywhere", () => {
    const cut = fc
      .tuple(fc.constantFrom(...texts), fc.nat())
      .map(([text, length]) => text.slice(0, length % text.length));
    fc.assert(fc.property(cut, checkSurvives), { numRuns: 200, seed: 5 });
  }, 60_000);
});

describe("a flood of one thing is answered within seconds", () => {
  const megabyte = 2 ** 20;
  const some = 2 ** 18;
  const floods: Record<string, string> = {
    "opening parentheses": "(".repeat(megabyte),
    "opening brackets behind a let": `let a = ${"[".repeat(megabyte)}`,
    "closing braces": "}".repeat(megabyte),
    "brackets of all kinds": "([{".repeat(megabyte / 3),
    "brackets that do not fit": "(]{)[}".repeat(megabyte / 6),
    "unclosed brackets, a line each": "let a = (\n".repeat(megabyte / 10),
    "brackets in pairs": "()".repeat(some / 2),
    "minus signs": `let a = ${"-".repeat(some)}1`,
    additions: `let a = 1${" + 1".repeat(some / 4)}`,
    powers: `let a = 1${"^1".repeat(some / 2)}`,
    "calls of calls": `let a = f${"()".repeat(some / 2)}`,
    members: `let a = a${".b".repeat(some / 2)}`,
    stages: `let a = x${" |> f".repeat(some / 5)}`,
    ifs: `let a = ${"if ".repeat(some / 3)}`,
    "rungs of a ladder": `let a = ${"if a then b else ".repeat(some / 17)}c`,
    matches: `let a = ${"match ".repeat(some / 6)}`,
    "unknown characters": "\u00a7".repeat(some),
    quotes: '"'.repeat(some),
    digits: "7".repeat(some),
    "unknown characters among errors": "§ ) ".repeat(some / 4),
    "a number that is none": `${"1_".repeat(some / 2)}x`,
    letters: "a".repeat(some),
    names: "a ".repeat(some / 2),
    lines: "\n".repeat(some),
    comments: "// x\n".repeat(some / 5),
    documentation: "/// x\n".repeat(some / 6),
    "openings of comments": "/*".repeat(some / 2),
    lets: "let a = 1\n".repeat(some / 10),
    "lets without a value": "let a =\n".repeat(some / 8),
    "wrong clauses": `recipe a {\n${"b c\n".repeat(some / 4)}`,
    "broken lets": `block A(x: [n]) -> [n] {\n${"let a = =\n".repeat(some / 10)}`,
    "lists without commas": `let a = [${"f(a b) ".repeat(some / 7)}]`,
    "unfinished blocks": "block A(".repeat(some / 8),
  };

  test.each(Object.entries(floods))("%s", { timeout: 60_000 }, (_name, text) => {
    const start = performance.now();
    const { file } = parse(text, "a.vit");
    expect(performance.now() - start).toBeLessThan(30_000);
    expect(file.kind).toBe("file");
  });
});

test("a spec of ninety lines takes milliseconds", () => {
  const text = texts.find((candidate) => candidate.split("\n").length > 80)!;
  parse(text, "a.vit");
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    parse(text, "a.vit");
    return performance.now() - start;
  });
  // Ten times the usual, so that a busy machine does not fail the test.
  expect(Math.min(...times)).toBeLessThan(30);
});
