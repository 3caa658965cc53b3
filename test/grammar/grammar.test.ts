// Chevrotain's own look at lexer and parser: patterns that hide one another, alternatives that begin alike, loops that
// read nothing. It takes a good part of what making them takes, so it is done here and not in each run.
import { expect, test } from "vitest";
import { makeLexer } from "../../grammar/lexer.ts";
import { Parser } from "../../grammar/parser.ts";

test("no pattern of the lexer is unreachable or matches nothing", () => {
  expect(makeLexer(true).lexerDefinitionErrors).toEqual([]);
});

test("the grammar is one that two tokens of lookahead decide", () => {
  expect(() => new Parser(true)).not.toThrow();
});
