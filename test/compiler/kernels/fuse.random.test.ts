// Kernels mean what the graph means: on random graphs, forward and with gradients.
import { expect, test } from "vitest";
import { randomGraph } from "../graph/random-graph.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { expectSameKernels } from "./same-kernels.ts";

test("random graphs", () => {
  for (let seed = 1; seed <= 400; seed++)
    expect(() => expectSameKernels(randomGraph(seed)), `seed ${seed}`).not.toThrow();
});

test("random graphs, simplified", () => {
  for (let seed = 1000; seed <= 1300; seed++)
    expect(() => expectSameKernels(simplify(randomGraph(seed, 40))), `seed ${seed}`).not.toThrow();
});
