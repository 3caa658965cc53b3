// Every example of docs/language.md is a whole file: it checks, or says exactly what the page says it does.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { distributions } from "../../compiler/graph/lower/initializer.ts";
import { intrinsics } from "../../compiler/graph/lower/intrinsics/table.ts";
import { renderDiagnostics } from "../../grammar/diagnostic.ts";
import { format } from "../../grammar/format.ts";
import { parse } from "../../grammar/parse.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { checkSpec } from "../../runtime/spec/open-spec.ts";

const page = readFileSync(new URL("../../docs/language.md", import.meta.url), "utf8");
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

interface Example {
  readonly kind: string;
  readonly text: string;
  readonly line: number;
}

function examplesOf(text: string): Example[] {
  return [...text.matchAll(/^```(\w+(?: \w+)?)\n([\s\S]*?)^```$/gm)].map(
    ({ 1: kind = "", 2: body = "", index }) => {
      return { kind, text: body, line: text.slice(0, index).split("\n").length };
    },
  );
}

function problemsIn(text: string): string {
  const disk = specFiles();
  const files = {
    ...disk,
    read: (name: string) => (name === "example.vit" ? text : disk.read(name)),
  };
  const result = checkSpec(files, "example.vit", catalog());
  const found = result.kind === "wrong" ? result.diagnostics : result.warnings;
  return renderDiagnostics(found, result.sources);
}

const examples = examplesOf(page);

describe("docs/language.md", () => {
  test.each(examples.filter(({ kind }) => kind === "vit"))(
    "the example at line $line checks",
    ({ text }) => {
      expect(problemsIn(text)).toBe("");
    },
  );

  test.each(examples.filter(({ kind }) => kind === "vit wrong"))(
    "the mistake at line $line is told as it is shown",
    ({ text, line }) => {
      const told = examples.find((other) => other.kind === "text" && other.line > line);
      expect(problemsIn(text)).toBe(told?.text.trimEnd());
    },
  );

  test("the examples are many, and parse without a word when formatted", () => {
    const texts = examples.filter(({ kind }) => kind === "vit").map(({ text }) => text);
    expect(texts.length).toBeGreaterThanOrEqual(8);
    for (const text of texts)
      expect(parse(format(parse(text, "a").file), "a").diagnostics).toEqual([]);
  });

  test("every primitive function and distribution is listed", () => {
    const reference = page.slice(
      page.indexOf("### Primitive functions"),
      page.indexOf("### Clauses"),
    );
    const missing = [...intrinsics.keys(), ...Object.keys(distributions)].filter(
      (name) => !reference.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});

describe("README.md", () => {
  test.each(examplesOf(readme).filter(({ kind }) => kind === "vit"))(
    "the example at line $line checks",
    ({ text }) => {
      expect(problemsIn(text)).toBe("");
    },
  );
});
