// Kernels mean what the graph means: on random graphs, as they are and simplified.
import { expect, test } from "vitest";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { randomGraph } from "../graph/random-graph.ts";
import { expectSameKernels } from "./same-kernels.ts";

test("random graphs", { timeout: 60_000 }, () => {
  for (let seed = 1; seed <= 200; seed++)
    expect(() => expectSameKernels(randomGraph(seed)), `seed ${seed}`).not.toThrow();
});

test("random graphs, simplified", { timeout: 60_000 }, () => {
  for (let seed = 1000; seed <= 1150; seed++)
    expect(() => expectSameKernels(simplify(randomGraph(seed, 40))), `seed ${seed}`).not.toThrow();
});
