// What a kernel may make again for itself, where that rests on a resident that is renewed before it runs.
import { expect, test } from "vitest";
import type { Node } from "../../../compiler/graph/graph.ts";
import { kernelsOf, type Graph } from "./kernels-of.ts";

/**
 * A momentum that stays as it was where the step is not sound, and a parameter that moves by it and by what decays
 * besides; by how much depends on a sum, so that the parameter is renewed after the momentum.
 */
function step(g: Graph, paceOf: (norm: Node) => Node): Record<string, Node> {
  const [p, m, x] = [g.trained("p", 8, 8), g.trained("m", 8, 8), g.f32("x", 8, 8)];
  const next = g.plus(g.multiply(m, 0.9), x);
  const decayed = g.plus(g.tanh(next), g.multiply(p, 0.1));
  const pace = paceOf(g.sum(g.sum(g.multiply(decayed, decayed), [1])));
  const isFirst = g.less(g.iota([8, 8], 0), 4);
  return {
    m: g.select(g.less(g.f32("loss"), 3), next, m),
    p: g.subtract(p, g.select(isFirst, g.tanh(next), g.multiply(decayed, pace))),
  };
}

test("what two values follow from is stored once, and both residents are renewed in place", () => {
  const text = kernelsOf(
    (g) => g.sum(g.f32("x", 8, 8), [1]),
    (g) => step(g, (norm) => g.divide(1, g.sqrt(norm))),
  );
  expect(text).not.toContain("copy");
  expect(text.match(/scratch f32\[64\]/g)).toHaveLength(1);
  expect(text).toMatch(/row b(\d+)\[.*\] = tanh\(/);
});

test("without a sum between them one kernel renews both, and nothing is stored", () => {
  const text = kernelsOf(
    (g) => g.sum(g.f32("x", 8, 8), [1]),
    (g) => step(g, () => g.f32("pace")),
  );
  expect(text).not.toMatch(/copy|scratch f32\[64\]/);
});
