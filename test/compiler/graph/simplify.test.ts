import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node } from "../../../compiler/graph/graph.ts";
import { print } from "../../../compiler/graph/print.ts";
import { rules, simplify } from "../../../compiler/graph/simplify.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { randomGraph } from "./random-graph.ts";
import { expectSameMeaning } from "./same-meaning.ts";

/** The simplified graph as text, checked to mean the same. */
function simplified(build: (g: Builder) => Node, isDifferentiated = false): string {
  const g = new Builder();
  const graph = g.finish({ outputs: [{ name: "y", value: build(g) }] });
  const small = simplify(graph, { isDifferentiated });
  verify(small);
  expectSameMeaning(small, graph, 15);
  return print(small).replace(/\noutput.*/, "");
}

const x = (g: Builder, ...shape: number[]) => g.input("x", { shape, dtype: "f32" });

describe("views", () => {
  test("of views are one", () => {
    expect(simplified((g) => g.reshape(g.reshape(x(g, 2, 6), [3, 4]), [12])))
      .toMatchInlineSnapshot(`
      "%0 = input {name: x}  f32[2, 6]
      %1 = reshape %0  f32[12]"
    `);
    expect(simplified((g) => g.permute(g.permute(x(g, 2, 3, 4), [1, 2, 0]), [1, 0, 2])))
      .toMatchInlineSnapshot(`
      "%0 = input {name: x}  f32[2, 3, 4]
      %1 = permute %0 {order: [2, 1, 0]}  f32[4, 3, 2]"
    `);
  });

  test("that change nothing go", () => {
    expect(simplified((g) => g.permute(g.permute(x(g, 2, 3), [1, 0]), [1, 0]))).toBe(
      "%0 = input {name: x}  f32[2, 3]",
    );
    expect(simplified((g) => g.reshape(g.reshape(x(g, 2, 3), [6]), [2, 3]))).toBe(
      "%0 = input {name: x}  f32[2, 3]",
    );
    expect(simplified((g) => g.flip(x(g, 1), [0]))).toBe("%0 = input {name: x}  f32[1]");
  });

  test("that only move axes of extent 1 are reshapes", () => {
    expect(simplified((g) => g.permute(x(g, 2, 1, 3), [1, 0, 2]))).toMatchInlineSnapshot(`
      "%0 = input {name: x}  f32[2, 1, 3]
      %1 = reshape %0  f32[1, 2, 3]"
    `);
  });
});

describe("arithmetic", () => {
  test("drops neutral elements and double signs", () => {
    const same = "%0 = input {name: x}  f32[3]";
    expect(simplified((g) => g.multiply(g.plus(x(g, 3), 0), 1))).toBe(same);
    expect(simplified((g) => g.divide(g.subtract(x(g, 3), 0), 1))).toBe(same);
    expect(simplified((g) => g.negate(g.negate(x(g, 3))))).toBe(same);
  });

  test("turns adding a negative into subtracting", () => {
    expect(simplified((g) => g.plus(g.negate(x(g, 3)), g.input("z", { shape: [3], dtype: "f32" }))))
      .toMatchInlineSnapshot(`
      "%0 = input {name: x}  f32[3]
      %1 = input {name: z}  f32[3]
      %2 = subtract %1 %0  f32[3]"
    `);
  });

  test("folds constants, but never into infinity", () => {
    expect(
      simplified((g) => g.multiply(g.constant(2), g.exp(g.constant(0)))),
    ).toMatchInlineSnapshot(`"%0 = constant {value: 2}  f32[]"`);
    const g = new Builder();
    const graph = g.finish({ outputs: [{ name: "y", value: g.log(g.constant(0)) }] });
    expect(print(simplify(graph))).toContain("log");
  });
});

test("the gradients of neighbouring slices meet in a concat", () => {
  expect(
    simplified((g) => {
      const part = (start: number, size: number) => {
        const cut = g.sliceAxis(x(g, 2, 6), 1, start, size);
        return g.multiply(g.sum(g.multiply(cut, cut)), start + 1);
      };
      const loss = g.plus(g.plus(part(2, 3), part(0, 2)), part(5, 1));
      return differentiate(g, loss, [x(g, 2, 6)])[0]!;
    }),
  ).toMatchInlineSnapshot(`
    "%0 = input {name: x}  f32[2, 6]
    %1 = slice %0 {starts: [0, 2], sizes: [2, 3], steps: [1, 1]}  f32[2, 3]
    %2 = slice %0 {starts: [0, 0], sizes: [2, 2], steps: [1, 1]}  f32[2, 2]
    %3 = slice %0 {starts: [0, 5], sizes: [2, 1], steps: [1, 1]}  f32[2, 1]
    %4 = constant {value: 6}  f32[2, 1]   # (gradient)
    %5 = multiply %4 %3  f32[2, 1]   # (gradient)
    %6 = add %5 %5  f32[2, 1]   # (gradient)
    %7 = add %2 %2  f32[2, 2]   # (gradient)
    %8 = constant {value: 3}  f32[2, 3]   # (gradient)
    %9 = multiply %8 %1  f32[2, 3]   # (gradient)
    %10 = add %9 %9  f32[2, 3]   # (gradient)
    %11 = concat %7 %10 %6 {axis: 1}  f32[2, 6]   # (gradient)"
  `);
});

test("stop stays until the graph is differentiated", () => {
  expect(simplified((g) => g.exp(g.stop(x(g, 3))))).toContain("stop");
  expect(simplified((g) => g.exp(g.stop(x(g, 3))), true)).not.toContain("stop");
});

test("equal nodes are one, and what nothing needs is dropped", () => {
  const text = simplified((g) => {
    g.exp(x(g, 3));
    return g.plus(g.sin(x(g, 3)), g.sin(g.reshape(g.reshape(x(g, 3), [1, 3]), [3])));
  });
  expect(text.match(/sin/g)?.length).toBe(1);
  expect(text).not.toContain("exp");
});

test("random graphs mean the same when simplified, and simplifying twice changes nothing more", () => {
  for (let seed = 0; seed < 300; seed++) {
    const graph = randomGraph(seed);
    verify(graph);
    const small = simplify(graph);
    verify(small);
    expectSameMeaning(small, graph, 9);
    expect(print(simplify(small)), `seed ${seed}`).toBe(print(small));
  }
});

test("every rule fires somewhere in these tests", () => {
  // A rule that no example reaches is a rule nobody has seen work.
  const fired = new Set<string>();
  for (let seed = 0; seed < 1000; seed++)
    simplify(randomGraph(seed), { observe: (rule) => fired.add(rule) });
  const g = new Builder();
  const label = g.input("label", { shape: [2], dtype: "i32" });
  const scattered = g.scatterAdd(x(g, 2), label, { batch: 1, size: 3 });
  const table = g.input("table", { shape: [4, 3], dtype: "f32" });
  const rows = [0, 2].map((start) => g.reshape(g.sliceAxis(table, 0, start, 2), [1, 6]));
  const outputs = { y: scattered, rows: g.concat(rows, 0) };
  const graph = g.finish({
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, value })),
  });
  expectSameMeaning(simplify(graph, { observe: (rule) => fired.add(rule) }), graph);
  const silent = rules.map((rule) => rule.name).filter((name) => !fired.has(name));
  expect(silent).toEqual([]);
});
