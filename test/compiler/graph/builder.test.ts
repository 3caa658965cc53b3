import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { expand } from "../../../compiler/graph/expand.ts";
import { print } from "../../../compiler/graph/print.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { OpError } from "../../../compiler/ops/op.ts";
import { expectSameMeaning } from "./same-meaning.ts";

const vector = { shape: [3], dtype: "f32" } as const;

test("a node takes its type from its op's rule", () => {
  const g = new Builder();
  const y = g.matmul(g.input("a", { shape: [2, 3], dtype: "f32" }), g.input("b", { shape: [3, 4], dtype: "f32" })); // prettier-ignore
  expect([y.shape, y.dtype]).toEqual([[2, 4], "f32"]);
});

test("what an op refuses is an OpError with a sentence", () => {
  const g = new Builder();
  const [x, z] = [g.input("x", vector), g.input("z", { shape: [4], dtype: "f32" })];
  expect(() => g.plus(x, z)).toThrow(new OpError("`add` needs equal shapes, but has [3] and [4]"));
  expect(() => g.and(x, x)).toThrow("`and` takes bool, not f32");
  expect(() => g.add("frobnicate", [x])).toThrow("no op is called `frobnicate`");
  expect(() => g.convolve(x, x)).toThrow("1 to 3 spatial axes");
});

test("numbers and scalars stand for arrays of the other operand's type", () => {
  const g = new Builder();
  const x = g.input("x", vector);
  expect(g.multiply(2, x).shape).toEqual([3]);
  expect(g.multiply(g.input("lr", { shape: [], dtype: "f32" }), x).shape).toEqual([3]);
  expect(g.plus(g.iota([3], 0), 1).dtype).toBe("i32");
});

test("equal nodes are one; a node of another graph is refused", () => {
  const g = new Builder();
  const x = g.input("x", vector);
  expect(g.sin(x)).toBe(g.sin(x));
  expect(g.constant(0)).not.toBe(g.constant(-0));
  expect(() => new Builder().sin(x)).toThrow("another graph");
});

test("nodes carry the origin they were made under", () => {
  const g = new Builder();
  g.at({ path: "head" });
  const x = g.input("x", vector);
  const inner = g.under({ path: "head.norm" }, () => g.sin(x));
  expect([inner.origin.path, g.cos(x).origin.path]).toEqual(["head.norm", "head"]);
});

describe("finish", () => {
  test("keeps what outputs and updates need, renumbered, inputs first", () => {
    const g = new Builder();
    const parameter = { path: "w", ...vector, initializer: { kind: "zeros", settings: {} }, trainable: true, block: "Test", origin: { path: "w" } }; // prettier-ignore
    const [x, w] = [g.input("x", vector), g.parameter(parameter)];
    g.exp(g.input("unused", vector));
    const graph = g.finish({
      outputs: [{ name: "y", value: g.sum(g.multiply(x, w)) }],
      updates: [{ path: "w", value: g.subtract(w, x) }],
    });
    verify(graph);
    expect(print(graph)).toMatchInlineSnapshot(`
      "%0 = input {name: x}  f32[3]
      %1 = parameter {path: w}  f32[3]   # w
      %2 = multiply %0 %1  f32[3]
      %3 = sum %2 {axes: [0]}  f32[]
      %4 = subtract %1 %0  f32[3]
      output y = %3
      update w = %4"
    `);
    expect(graph.inputs.map((input) => input.name)).toEqual(["x"]);
  });
});

describe("expand", () => {
  test("replaces structured ops by what they mean, but those that a target keeps", () => {
    const g = new Builder();
    const [q, k, v] = ["q", "k", "v"].map((name) =>
      g.input(name, { shape: [2, 3, 4], dtype: "f32" }),
    );
    const order = g.argsort(g.sum(g.attention(q!, k!, v!, 0.5), [2]), 1);
    const graph = g.finish({ outputs: [{ name: "order", value: order }] });
    const [plain, kept] = [expand(graph), expand(graph, (op) => op === "attention")];
    for (const each of [plain, kept]) {
      verify(each);
      expectSameMeaning(each, graph);
    }
    const ops = (each: typeof graph) => new Set(each.nodes.map((node) => node.op));
    expect([...ops(plain)].filter((op) => ["attention", "argsort", "rank"].includes(op))).toEqual(
      [],
    );
    expect([...ops(kept)].filter((op) => ["attention", "argsort", "rank"].includes(op))).toEqual([
      "attention",
    ]);
  });
});
