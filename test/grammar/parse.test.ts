// What the tree says of small texts. Trees are shown without spans, expressions as one line of nested brackets.
import { describe, expect, test } from "vitest";
import { parse } from "../../grammar/parse.ts";
import type { Declaration } from "../../grammar/syntax.ts";

function declarations(text: string): readonly Declaration[] {
  const { file, diagnostics } = parse(text, "a.vit");
  expect(diagnostics).toEqual([]);
  return file.declarations;
}

/** A node in brackets: its kind, then what it holds, without spans and empty fields. */
function show(node: unknown): string {
  if (Array.isArray(node)) return `[${node.map(show).join(" ")}]`;
  if (typeof node !== "object" || node === null) return String(node);
  const { kind, ...fields } = node as Record<string, unknown>;
  if (kind === undefined && "text" in fields) return String(fields["text"]);
  if (kind === "name") return String(fields["name"]);
  if (kind === "number") return String(fields["value"]);
  const shown = Object.entries(fields)
    .filter(([key, value]) => value !== undefined && !/span$/i.test(key) && key !== "documentation")
    .map(([key, value]) => `${key}: ${show(value)}`);
  return `${kind === undefined ? "" : `${String(kind)} `}{ ${shown.join(", ")} }`;
}

/** The value of `let a = …`. */
function expression(text: string): string {
  const [declaration] = declarations(`let a = ${text}\n`);
  return declaration?.kind === "let" ? show(declaration.value) : "";
}

/** An expression with all its parentheses. */
function grouped(text: string): string {
  const [declaration] = declarations(`let a = ${text}\n`);
  const group = (node: unknown): string => {
    const n = node as Record<string, never> & { kind: string };
    if (n.kind === "binary")
      return `(${group(n["left"])} ${String(n["operator"])} ${group(n["right"])})`;
    if (n.kind === "unary") return `(${String(n["operator"])} ${group(n["operand"])})`;
    if (n.kind === "range")
      return `(${n["from"] ? group(n["from"]) : ""}..${n["to"] ? group(n["to"]) : ""})`;
    if (n.kind === "course") return `(${group(n["from"])} to ${group(n["to"])})`;
    return show(node);
  };
  return declaration?.kind === "let" ? group(declaration.value) : "";
}

describe("operators", () => {
  test.each([
    ["a + b * c ^ d", "(a + (b * (c ^ d)))"],
    ["a - b - c", "((a - b) - c)"],
    ["a ^ b ^ c", "(a ^ (b ^ c))"],
    ["-a ^ 2", "(- (a ^ 2))"],
    ["2 ^ -a * 3", "((2 ^ (- a)) * 3)"],
    ["not a == b and c or d", "(((not (a == b)) and c) or d)"],
    ["a + 1..b - 1", "((a + 1)..(b - 1))"],
    ["0.2 * batch / 256 to 0", "(((0.2 * batch) / 256) to 0)"],
    ["path in x and a < b + 1", "((path in x) and (a < (b + 1)))"],
    ["..n + 1", "(..(n + 1))"],
    ["(a + b) * c", "((a + b) * c)"],
    ["a\n  - b", "(a - b)"],
  ])("%s", (text, tree) => {
    expect(grouped(text)).toBe(tree);
  });
});

describe("literals", () => {
  test.each([
    ["10_000", "10000"],
    ["17.6G", "17600000000"],
    ["30M samples", "quantity { amount: 30000000, unit: samples }"],
    ["8%", "0.08"],
    ["1e-5", "0.00001"],
    ["grid.0.1", "member { target: member { target: grid, member: 0 }, member: 1 }"],
    ["7 % 2", "binary { operator: %, left: 7, right: 2 }"],
  ])("%s", (text, tree) => {
    expect(expression(text)).toBe(tree);
  });
});

describe("brackets", () => {
  test("names alone may be a list or a shape, what only a shape has makes a shape", () => {
    expect(expression("[rows, cols]")).toBe("list { elements: [rows cols] }");
    expect(expression("[rows = 3]")).toBe("shape { axes: [axis-name { name: rows, size: 3 }] }");
    expect(expression("[(500 steps, 3)]")).toMatch(/^list/);
    expect(expression("[x |> layers: repeat n as i { f }]")).toMatch(/^list/);
  });

  test("at the start of a line begin something new", () => {
    const [block] = declarations("block A(x: [n]) -> [n] {\n  let y = f\n  (a + b) |> g\n}\n");
    expect(block?.kind === "block" && block.body.statements.length).toBe(1);
    expect(block?.kind === "block" && block.body.result.kind).toBe("pipe");
  });

  test("of a shape split, merge, rename and repeat axes", () => {
    expect(
      expression("x |> [.., (r dy = 2), (3 heads c)] -> 3 * [r as rows, (heads c) as width]"),
    ).toMatchInlineSnapshot(
      `"pipe { head: stage { operation: x }, stages: [stage { operation: arrow { from: shape { axes: [axis-rest {  } axis-group { factors: [{ name: r } { name: dy, size: 2 }] } axis-group { factors: [{ size: 3 } { name: heads } { name: c }] }] }, count: 3, to: shape { axes: [axis-renamed { from: r, to: rows } axis-group { factors: [{ name: heads } { name: c }], as: width }] } } }] }"`,
    );
  });

  test("behind a call take what follows as its last setting", () => {
    expect(expression("x |> residual(2) { let a = 1\n norm |> f }")).toMatchInlineSnapshot(
      `"pipe { head: stage { operation: x }, stages: [stage { operation: braced { target: call { callee: residual, arguments: [argument { value: 2 }] }, braces: braces { lets: [let { binding: { isTuple: false, names: [a] }, value: 1 }], result: pipe { head: stage { operation: norm }, stages: [stage { operation: f }] } } } }] }"`,
    );
  });
});

describe("pipes", () => {
  test("hold stages with labels and conditions", () => {
    expect(
      expression(
        "image |> stem: Conv(3) when deep |> match pool { mean => mean(x), else => same }",
      ),
    ).toMatchInlineSnapshot(
      `"pipe { head: stage { operation: image }, stages: [stage { label: stem, operation: call { callee: Conv, arguments: [argument { value: 3 }] }, when: deep } stage { operation: match { subject: pool, arms: [{ pattern: mean, value: call { callee: mean, arguments: [argument { value: x }] } } { value: same }] } }] }"`,
    );
  });

  test("bind weakest, so that a single value is not wrapped", () => {
    expect(expression("a + b")).toMatch(/^binary/);
    expect(expression("f when c")).toMatch(/^pipe/);
  });
});

describe("words that are no keywords are names wherever a name fits", () => {
  test("in a recipe", () => {
    const [recipe] = declarations(`recipe a {
  net model = block
  data data = model(net = loss, view = metric)
  let state = data
  view view = data.train
  loss = state
  loss watched = draw(net)
  batch = 64
  expect = 3
  freeze model
  draw patch from data
  except rank < 2 { loss = 0, net.0 = none }
}
`);
    const kinds = recipe?.kind === "recipe" ? recipe.clauses.map((clause) => clause.kind) : [];
    expect(kinds.join(" ")).toBe(
      "net data let view loss loss assign assign freeze draw-setting except",
    );
  });
});

describe("documentation", () => {
  test("belongs to what follows it, and to the file where it stands apart", () => {
    const { file } = parse(
      "/// The file.\n\n/// A block.\n/// It has two lines.\nblock A(x: [n]) -> [n] { x }\n",
      "a.vit",
    );
    expect(file.documentation).toBe("The file.");
    expect(file.declarations[0]?.documentation).toBe("A block.\nIt has two lines.");
    expect(file.comments.length).toBe(3);
  });

  test("above a `use` is that of the file", () => {
    expect(parse("/// DeiT.\nuse vit.{ViT}\n", "a.vit").file.documentation).toBe("DeiT.");
  });
});

describe("broken text", () => {
  test("keeps what is whole, and names what is broken", () => {
    const { file, diagnostics } = parse(
      "let a = \nblock B(x: [n]) -> [n] {\n  let y = )\n  let z = 3\n  z\n}\n",
      "a.vit",
    );
    expect(diagnostics.map(({ code }) => code)).toEqual(["missing-value", "missing-value"]);
    const block = file.declarations.find((declaration) => declaration.kind === "block");
    expect(
      block?.kind === "block" && block.body.statements.map((statement) => statement.kind),
    ).toEqual(["let", "let"]);
    expect(block?.kind === "block" && show(block.body.result)).toBe("z");
  });

  test("gives every node a span inside the text", () => {
    const text = "block A(x: [n]) -> [n] {\n  x |> f(1, ) |> + |> g\n}\n";
    const check = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      if ("span" in node) {
        const { start, end } = node.span as { start: number; end: number };
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(start).toBeLessThanOrEqual(end);
      }
      Object.values(node).forEach(check);
    };
    check(parse(text, "a.vit").file.declarations);
  });
});
