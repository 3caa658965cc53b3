// Values of a layer's inside that are computed again: the graph means the same, and what was kept no longer lives.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node, TensorGraph } from "../../../compiler/graph/graph.ts";
import { layersOf, recompute } from "../../../compiler/graph/recompute.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { verifyKernels } from "../../../compiler/kernels/verify.ts";
import { orderKernels } from "../../../compiler/program/order.ts";
import { lowerBound } from "../../../compiler/program/plan-memory.ts";
import { intervalsOf } from "../../../compiler/program/lifetimes.ts";
import { expectSameKernels } from "../kernels/same-kernels.ts";
import { expectSameMeaning } from "./same-meaning.ts";

/** x through layers of two products and a bend, each under `layers.N`; outputs are the loss and all gradients. */
function deep(layers: number, width = 8): TensorGraph {
  const g = new Builder();
  const weight = (path: string, from: number, to: number): Node =>
    g.parameter({ path, shape: [from, to], dtype: "f32", initializer: { kind: "zeros", settings: {} }, trainable: true, block: "", origin: { path } }); // prettier-ignore
  const weights: Node[] = [];
  let x: Node = g.input("x", { shape: [4, width], dtype: "f32" });
  for (let layer = 0; layer < layers; layer++)
    g.under({ path: `layers.${layer}` }, () => {
      const up = weight(`layers.${layer}.up`, width, 4 * width);
      const down = weight(`layers.${layer}.down`, 4 * width, width);
      weights.push(up, down);
      const hidden = g.tanh(g.dot(x, up, { contract: [[1], [0]] }));
      x = g.plus(x, g.dot(hidden, down, { contract: [[1], [0]] }));
    });
  const loss = g.sum(g.multiply(x, x));
  const gradients = differentiate(g, loss, weights);
  const outputs = [loss, ...gradients].map((value, i) => ({ name: `y${i}`, value: value! }));
  return simplify(g.finish({ outputs }), { isDifferentiated: true });
}

const kernelsOf = (graph: TensorGraph) => {
  const kernels = orderKernels(fuse(graph));
  verifyKernels(kernels);
  return kernels;
};
const liveBytes = (graph: TensorGraph) => lowerBound(intervalsOf({ kernels: kernelsOf(graph) }));

describe("recomputation", () => {
  test("finds the layers of which something is kept, in their order", () => {
    expect(layersOf(deep(3))).toEqual(["layers.0", "layers.1", "layers.2"]);
  });

  test("changes no value, of the graph and of its kernels", () => {
    const graph = deep(3);
    const again = recompute(graph, layersOf(graph));
    verify(again);
    expectSameMeaning(again, graph);
    expectSameKernels(again);
  });

  test("of no layer leaves the graph as it is", () => {
    const graph = deep(2);
    expect(recompute(graph, []).nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
  });

  test("makes the first product of each layer a second time, and not the last, which nothing reads", () => {
    const graph = deep(3);
    const products = (of: TensorGraph) => of.nodes.filter(({ op }) => op === "dot").length;
    expect(products(recompute(graph, layersOf(graph)))).toBe(products(graph) + 3);
    expect(products(recompute(graph, ["layers.1"]))).toBe(products(graph) + 1);
  });

  test("keeps one inside at a time, however many layers there are", () => {
    const hidden = 4 * 4 * 8 * 4;
    const saved = (layers: number) => {
      const graph = deep(layers);
      return liveBytes(graph) - liveBytes(recompute(graph, layersOf(graph)));
    };
    // Of twelve layers the insides of all but one.
    expect(saved(12)).toBeGreaterThanOrEqual(11 * hidden - 256);
    expect(saved(12) - saved(6)).toBe(6 * hidden);
  });

  test("waits for the gradient: no second product runs before the last layer's", () => {
    const graph = deep(4);
    const { kernels } = kernelsOf(recompute(graph, layersOf(graph)));
    const phases = kernels.map(({ phase, origin }) => origin.role ?? phase);
    expect(phases.indexOf("recompute")).toBeGreaterThan(phases.lastIndexOf("forward"));
    const remade = kernels.filter(({ origin }) => origin.role === "recompute").map(({ origin }) => origin.path); // prettier-ignore
    expect(remade).toEqual(["layers.3", "layers.2", "layers.1", "layers.0"]);
  });
});
