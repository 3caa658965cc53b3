import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate, pullBack } from "../../../compiler/graph/differentiate.ts";
import type { Node } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { sampleValues } from "../ops/sample-values.ts";
import { expectGradient } from "./finite-differences.ts";
import { randomGraph } from "./random-graph.ts";
import { fixedInputs } from "./fixed-values.ts";

/** Gradient of the sum of y by x at the given values. */
function gradientAt(values: number[], build: (g: Builder, x: Node) => Node): number[] | undefined {
  const g = new Builder();
  const x = g.input("x", { shape: [values.length], dtype: "f32" });
  const [gradient] = differentiate(g, g.sum(build(g, x)), [x]);
  if (gradient === undefined) return undefined;
  const graph = g.finish({ outputs: [{ name: "d", value: gradient }] });
  verify(graph);
  return [...interpret(graph, new Map([["x", Float64Array.from(values)]])).outputs.get("d")!];
}

test("a value used twice gets the sum of both gradients", () => {
  expect(gradientAt([3], (g, x) => g.plus(g.multiply(x, x), x))).toEqual([7]);
});

test("nothing flows through stop, comparisons, or to what the loss does not depend on", () => {
  expect(gradientAt([3], (g, x) => g.multiply(x, g.stop(x)))).toEqual([3]);
  expect(gradientAt([3], (g, x) => g.cast(g.less(x, 5), "f32"))).toBeUndefined();
  expect(gradientAt([3], (g) => g.constant(2))).toBeUndefined();
});

describe("ties", () => {
  test("max shares the gradient evenly (amax), or gives it to the first (max pooling)", () => {
    expect(gradientAt([1, 2, 2, 0], (g, x) => g.max(x, [0]))).toEqual([0, 0.5, 0.5, 0]);
    expect(gradientAt([1, 2, 2, 0], (g, x) => g.max(x, [0], "first"))).toEqual([0, 1, 0, 0]);
    expect(gradientAt([1, 0, 0], (g, x) => g.min(x, [0]))).toEqual([0, 0.5, 0.5]);
  });

  test("maximum halves between two values; relu has gradient 0 at 0", () => {
    expect(gradientAt([2], (g, x) => g.maximum(x, g.multiply(x, 1)))).toEqual([1]);
    expect(gradientAt([-1, 0, 1], (g, x) => g.maximum(x, 0))).toEqual([0, 0, 1]);
  });
});

describe("second derivatives", () => {
  const second = (
    types: readonly (readonly number[])[],
    build: (g: Builder, inputs: readonly Node[]) => Node,
  ) => {
    const typed = types.map((shape) => ({ shape, dtype: "f32" as const }));
    const values = typed.map((type, place) => sampleValues({ ...type, range: [-1, 1] }, place + 7));
    expectGradient(typed, values, (g, inputs) => {
      const y = build(g, inputs);
      // A square, so that the first derivative depends on everything.
      const [gradient] = differentiate(g, g.sum(g.multiply(y, y)), [inputs[0]!]);
      return gradient!;
    });
  };

  test("of a strided, grouped convolution", () => {
    second([[1, 5, 4], [3, 2, 6]], (g, [x, w]) => g.convolve(x!, w!, { stride: [2], padding: [[1, 1]], groups: 2 })); // prettier-ignore
  });
  test("of a product", () => {
    second([[2, 3], [3, 4]], (g, [a, b]) => g.matmul(a!, b!)); // prettier-ignore
  });
  test("of attention, through its gradient ops' expansions", () => {
    second([[3, 2], [4, 2], [4, 3]], (g, [q, k, v]) => g.attention(q!, k!, v!, 0.7)); // prettier-ignore
  });
  test("of attention of a value with itself", () => {
    second([[3, 2]], (g, [x]) => g.attention(x!, x!, x!, 0.7)); // prettier-ignore
  });
  test("of average pooling by windows", () => {
    second([[1, 5, 5]], (g, [x]) => g.mean(g.window(x!, { axes: [1, 2], kernel: [3, 2], stride: [2, 1] }), [3, 4])); // prettier-ignore
  });
});

test("a pull-back treats given nodes as independent where asked to", () => {
  const g = new Builder();
  const x = g.input("x", { shape: [], dtype: "f32" });
  const y = g.multiply(x, 2);
  const z = g.multiply(x, y);
  const [byX] = pullBack(g, z, g.constant(1), [x, y], true);
  const graph = g.finish({ outputs: [{ name: "d", value: byX! }] });
  expect([...interpret(graph, new Map([["x", Float64Array.of(3)]])).outputs.get("d")!]).toEqual([
    6,
  ]);
});

test("gradient nodes carry the origin of what they stem from", () => {
  const g = new Builder();
  const x = g.input("x", { shape: [2], dtype: "f32" });
  const y = g.under({ path: "layers.3.mlp" }, () => g.sin(x));
  const [gradient] = differentiate(g, g.sum(y), [x]);
  expect(gradient!.origin).toEqual({ path: "layers.3.mlp", role: "gradient" });
});

test("a loss that is no float scalar is refused", () => {
  const g = new Builder();
  const x = g.input("x", { shape: [2], dtype: "f32" });
  expect(() => differentiate(g, x, [x])).toThrow("a loss is a float scalar, not f32[2]");
});

test("gradients of random graphs are those of finite differences", () => {
  let compared = 0;
  for (let seed = 0; seed < 200; seed++) {
    const graph = randomGraph(seed, 10);
    const g = new Builder();
    // Finite differences look through a stop, so there must be none.
    const copies = g.import(graph, (node, inputs) => (node.op === "stop" ? inputs[0] : undefined));
    const leaves = graph.nodes.filter((node) => node.op === "input" && node.dtype === "f32");
    const loss = g.sum(g.tanh(copies.get(graph.outputs[0]!.value)!));
    const gradients = differentiate(g, loss, leaves.map((leaf) => copies.get(leaf)!)); // prettier-ignore
    const outputs = leaves.flatMap((leaf, place) =>
      gradients[place] ? [{ name: String(leaf.attributes["name"]), value: gradients[place] }] : [],
    );
    const whole = g.finish({
      outputs: [{ name: "loss", value: loss }, ...outputs],
      keepLeaves: true,
    });
    verify(whole);
    const inputs = fixedInputs(graph);
    const found = interpret(whole, inputs).outputs;
    for (const { name } of outputs) {
      const at = (by: number) => {
        const moved = inputs.get(name)!.slice();
        moved[0]! += by;
        return interpret(whole, new Map(inputs).set(name, moved)).outputs.get("loss")![0]!;
      };
      const [low, middle, high] = [at(-1e-6), at(0), at(1e-6)];
      // Kinks (max, min, a comparison) within the difference are no fair test.
      const [left, right] = [(middle - low) / 1e-6, (high - middle) / 1e-6];
      if (Math.abs(left - right) > 1e-4 * (1 + Math.abs(left))) continue;
      const gradient = found.get(name)![0]!;
      expect(Math.abs(gradient - (left + right) / 2), `seed ${seed}, ${name}`).toBeLessThan(1e-4 * (1 + Math.abs(gradient))); // prettier-ignore
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(100);
});
