// Which values a training step in halves keeps as such, and that it computes nearly the same.
import { describe, expect, test } from "vitest";
import { assignPrecision } from "../../../compiler/graph/assign-precision.ts";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node, TensorGraph } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { print } from "../../../compiler/graph/print.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { sampleValues } from "../ops/sample-values.ts";

const f32 = (g: Builder, name: string, shape: readonly number[]) =>
  g.input(name, { shape, dtype: "f32" });

/** A loss and its gradients by the inputs whose names begin with `w`. */
function step(make: (g: Builder) => Node): TensorGraph {
  const g = new Builder();
  const loss = make(g);
  const weights = g.nodes.filter(
    ({ op, attributes }) => op === "input" && String(attributes["name"]).startsWith("w"),
  );
  const gradients = differentiate(g, loss, weights);
  const outputs = weights.map((weight, i) => ({
    name: `d${String(weight.attributes["name"])}`,
    value: gradients[i]!,
  }));
  const graph = g.finish({ outputs: [{ name: "loss", value: loss }, ...outputs] });
  return simplify(graph, { isDifferentiated: true });
}

const product = (g: Builder, a: Node, b: Node) =>
  g.dot(a, b, { batch: [[], []], contract: [[1], [0]] });

/** x -> hidden layer with a bias and tanh -> logits -> mean of squares. */
function twoLayers(g: Builder): Node {
  const x = f32(g, "x", [6, 5]);
  const bias = g.add("broadcast", [f32(g, "w2", [7])], { shape: [6, 7], axes: [1] });
  const hidden = g.add("tanh", [g.plus(product(g, x, f32(g, "w1", [5, 7])), bias)]);
  const logits = product(g, hidden, f32(g, "w3", [7, 4]));
  return g.multiply(g.sum(g.multiply(logits, logits)), 1 / 24);
}

/** A residual branch with a norm, twice, then one more product. */
function residual(g: Builder): Node {
  let x = product(g, f32(g, "x", [6, 8]), f32(g, "w0", [8, 8]));
  for (const name of ["w1", "w2"]) {
    const mean = g.multiply(g.sum(x, [1]), 1 / 8);
    const centered = g.subtract(x, g.spread(mean, x.shape, [1]));
    const variance = g.multiply(g.sum(g.multiply(centered, centered), [1]), 1 / 8);
    const scale = g.add("rsqrt", [g.plus(variance, 1e-3)]);
    const normed = g.multiply(centered, g.spread(scale, x.shape, [1]));
    x = g.plus(x, product(g, normed, f32(g, name, [8, 8])));
  }
  const logits = product(g, x, f32(g, "w3", [8, 3]));
  return g.sum(g.multiply(logits, logits));
}

const attended = (g: Builder): Node => {
  const x = f32(g, "x", [6, 8]);
  const [q, k, v] = ["w1", "w2", "w3"].map((name) => product(g, x, f32(g, name, [8, 8])));
  const out = product(g, g.attention(q!, k!, v!, 0.35), f32(g, "w4", [8, 2]));
  return g.sum(g.multiply(out, out));
};

const models = { twoLayers, residual, attended };

/** What is kept as halves, by op and shape. */
function halvesOf(graph: TensorGraph): string[] {
  return graph.nodes.flatMap(({ op, dtype, shape, inputs }) =>
    dtype === "f16" ? [`${op === "cast" ? `cast ${inputs[0]!.op}` : op} [${shape.join()}]`] : [],
  );
}

describe.each(Object.entries(models))("%s", (_, make) => {
  const before = step(make);
  const after = assignPrecision(before);

  test("keeps the graph's promises, and the types of what comes out", () => {
    verify(after);
    expect(after.outputs.map(({ name, value }) => [name, value.dtype, value.shape])).toEqual(
      before.outputs.map(({ name, value }) => [name, value.dtype, value.shape]),
    );
  });

  test("computes the same within halves", () => {
    const values = new Map(
      before.inputs.map((input, i) => [input.name, sampleValues(input, i + 1)]),
    );
    const [exact, rounded] = [before, after].map((graph) => interpret(graph, values).outputs);
    for (const [name, expected] of exact!) {
      const got = rounded!.get(name)!;
      const size = Math.hypot(...expected);
      const difference = Math.hypot(...expected.map((value, i) => value - got[i]!));
      expect(difference, name).toBeLessThan(5e-3 * size);
      expect(difference, name).toBeGreaterThan(0);
    }
  });
});

test("operands and what the backward pass reads are halves; logits, loss and gradients of weights are not", () => {
  expect(print(assignPrecision(step(twoLayers)))).toMatchInlineSnapshot(`
    "%0 = input {name: x}  f32[6, 5]
    %1 = input {name: w2}  f32[7]
    %2 = broadcast %1 {axes: [1]}  f32[6, 7]
    %3 = input {name: w1}  f32[5, 7]
    %4 = dot %0 %3 {batch: [[], []], contract: [[1], [0]]}  f32[6, 7]
    %5 = add %4 %2  f32[6, 7]
    %6 = tanh %5  f32[6, 7]
    %7 = cast %6  f16[6, 7]
    %8 = cast %7  f32[6, 7]
    %9 = input {name: w3}  f32[7, 4]
    %10 = dot %8 %9 {batch: [[], []], contract: [[1], [0]]}  f32[6, 4]
    %11 = multiply %10 %10  f32[6, 4]
    %12 = sum %11 {axes: [0, 1]}  f32[]
    %13 = constant {value: 0.041666666666666664}  f32[]
    %14 = multiply %12 %13  f32[]
    %15 = constant {value: 0.041666666666666664}  f32[6, 4]   # (gradient)
    %16 = multiply %15 %10  f32[6, 4]   # (gradient)
    %17 = add %16 %16  f32[6, 4]   # (gradient)
    %18 = cast %17  f16[6, 4]   # (gradient)
    %19 = cast %18  f32[6, 4]   # (gradient)
    %20 = dot %19 %9 {batch: [[], []], contract: [[1], [1]]}  f32[6, 7]   # (gradient)
    %21 = dot %8 %19 {batch: [[], []], contract: [[0], [0]]}  f32[7, 4]   # (gradient)
    %22 = multiply %8 %8  f32[6, 7]   # (gradient)
    %23 = constant {value: 1}  f32[6, 7]   # (gradient)
    %24 = subtract %23 %22  f32[6, 7]   # (gradient)
    %25 = multiply %20 %24  f32[6, 7]   # (gradient)
    %26 = cast %25  f16[6, 7]   # (gradient)
    %27 = cast %26  f32[6, 7]   # (gradient)
    %28 = dot %0 %27 {batch: [[], []], contract: [[0], [0]]}  f32[5, 7]   # (gradient)
    %29 = sum %27 {axes: [0]}  f32[7]   # (gradient)
    output loss = %14
    output dw2 = %29
    output dw1 = %28
    output dw3 = %21"
  `);
});

test("of a residual branch the sums are kept, not what follows from them; statistics of the norm are f32", () => {
  expect(halvesOf(assignPrecision(step(residual)))).toMatchInlineSnapshot(`
    [
      "cast dot [6,8]",
      "cast multiply [6,8]",
      "cast add [6,8]",
      "cast multiply [6,8]",
      "cast add [6,8]",
      "cast add [6,3]",
      "cast dot [6,8]",
      "cast add [6,8]",
      "cast add [6,8]",
    ]
  `);
});

test("attention reads and makes halves", () => {
  expect(halvesOf(assignPrecision(step(attended)))).toMatchInlineSnapshot(`
    [
      "cast dot [6,8]",
      "cast dot [6,8]",
      "cast dot [6,8]",
      "attention [6,8]",
      "cast add [6,2]",
      "cast dot [6,8]",
      "attention_gradient_q [6,8]",
      "attention_gradient_k [6,8]",
      "attention_gradient_v [6,8]",
    ]
  `);
});
