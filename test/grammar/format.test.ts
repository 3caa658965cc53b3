import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { format } from "../../grammar/format.ts";
import { parse } from "../../grammar/parse.ts";
import { sameTree } from "../../grammar/same-tree.ts";
import type { SyntaxFile } from "../../grammar/syntax.ts";
import { generatedFile, specs } from "./spec-text.ts";

function formatted(text: string): string {
  const { file, diagnostics } = parse(text, "a.vit");
  expect(diagnostics).toEqual([]);
  return format(file);
}

/** What the comments say, in any order. */
function commentsOf(file: SyntaxFile): string[] {
  return file.comments.map((comment) => comment.text.replace(/^\/+/, "").trim()).sort();
}

function checkFormat(text: string): void {
  const before = parse(text, "a.vit");
  const once = format(before.file);
  const after = parse(once, "a.vit");
  expect(after.diagnostics).toEqual([]);
  expect(sameTree(before.file, after.file)).toBe(true);
  expect(commentsOf(after.file)).toEqual(commentsOf(before.file));
  expect(format(after.file)).toBe(once);
}

describe("formatting keeps the tree and the comments, and a second time changes nothing", () => {
  test.each([...specs()])("in %s", (_path, text) => {
    expect(parse(text, "a.vit").diagnostics).toEqual([]);
    checkFormat(text);
  });

  test("in files made at random", () => {
    let checked = 0;
    fc.assert(
      fc.property(generatedFile, (text) => {
        if (parse(text, "a.vit").diagnostics.length > 0) return;
        checked++;
        checkFormat(text);
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(checked).toBeGreaterThan(100);
  }, 60_000);

  test("wherever a comment stands in the drafts", () => {
    const texts = [...specs().values()];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), (text, place) => {
        const breaks = [...text.matchAll(/[ ,({[](?=[a-z(])/g)];
        const at = breaks[place % breaks.length]!.index + 1;
        const line = text.slice(text.lastIndexOf("\n", at) + 1, at);
        if (line.includes("//") || (line.split('"').length - 1) % 2 === 1) return;
        const commented = `${text.slice(0, at)}// odd place\n${text.slice(at)}`;
        if (parse(commented, "a.vit").diagnostics.length > 0) return;
        checkFormat(commented);
      }),
      { numRuns: 100, seed: 3 },
    );
  }, 60_000);
});

describe("the canonical form", () => {
  test("sets neighbours below one another", () => {
    expect(
      formatted(`recipe r {
  net model = ViT(width=64)
  data train = mnist(split="train")

  batch=64
  optimizer=AdamW(decay = 0.05)
  except rank<2 {decay=0}
  lr=cosine(2e-3 to 0,warmup=1 epochs)   // as in the paper
}`),
    ).toMatchInlineSnapshot(`
      "recipe r {
        net  model = ViT(width = 64)
        data train = mnist(split = "train")

        batch     = 64
        optimizer = AdamW(decay = 0.05)
        except rank < 2 { decay = 0 }
        lr        = cosine(2e-3 to 0, warmup = 1 epochs)  // as in the paper
      }
      "
    `);
  });

  test("breaks a pipe that is too long, a stage a line, and aligns its conditions", () => {
    expect(
      formatted(`block A(x: [batch, width]) -> [batch, width] {
  x |> first: Linear(width, bias = false) |> norm: LayerNorm(eps = 1e-6) |> gelu when deep |> second: Linear(width, bias = false) when classes
}`),
    ).toMatchInlineSnapshot(`
      "block A(x: [batch, width]) -> [batch, width] {
        x |> first: Linear(width, bias = false)
          |> norm: LayerNorm(eps = 1e-6)
          |> gelu                                when deep
          |> second: Linear(width, bias = false) when classes
      }
      "
    `);
  });

  test("keeps the lines into which the author broke a pipe", () => {
    expect(
      formatted(`block A(x: [batch, width]) -> [batch, width] {
  let y = x |> conv1: Conv(width) |> bn1: BatchNorm |> relu
     |> conv2: Conv(width)   |> bn2: BatchNorm
  relu(x + y)
}`),
    ).toMatchInlineSnapshot(`
      "block A(x: [batch, width]) -> [batch, width] {
        let y = x |> conv1: Conv(width) |> bn1: BatchNorm |> relu
                  |> conv2: Conv(width) |> bn2: BatchNorm
        relu(x + y)
      }
      "
    `);
  });

  test("writes parentheses only where the tree needs them", () => {
    expect(
      formatted(
        "let a = ((b * c)) + (d) - (e - f) ^ (-g) ^ 2\nlet b = not (c and d) or (e == f)\n",
      ),
    ).toMatchInlineSnapshot(`
      "let a = b * c + d - (e - f) ^ (-g) ^ 2
      let b = not (c and d) or e == f
      "
    `);
  });

  test("keeps a result from going on with the line before", () => {
    expect(formatted("function f(x: [..]) -> [..] {\n  let a = 3\n  (-x)\n}\n"))
      .toMatchInlineSnapshot(`
      "function f(x: [..]) -> [..] {
        let a = 3
        (-x)
      }
      "
    `);
  });

  test("lines up the columns of a table", () => {
    expect(
      formatted(`variants Swin (width, depths, label) {
  "T" (96, [2, 2, 6, 2], small)
  "Large" (192, [2, 2, 18, 2], big)
}`),
    ).toMatchInlineSnapshot(`
      "variants Swin (width, depths, label) {
        "T"     ( 96, [2, 2,  6, 2], small)
        "Large" (192, [2, 2, 18, 2], big)
      }
      "
    `);
  });

  test("spreads a long header", () => {
    expect(
      formatted(
        "model ViT(width: int, depth: int, heads: int, hidden: int, patch: int, size: int = 224, channels: int = 3, pool: token | mean = token)(image: [batch, rows = size, cols = size, channels]) -> [batch, features] { image }",
      ),
    ).toMatchInlineSnapshot(`
      "model ViT(
        width: int, depth: int, heads: int, hidden: int, patch: int, size: int = 224, channels: int = 3,
        pool: token | mean = token,
      )(image: [batch, rows = size, cols = size, channels]) -> [batch, features] {
        image
      }
      "
    `);
  });
});
