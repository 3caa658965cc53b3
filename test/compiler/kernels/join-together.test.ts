// Partial sums of many layers are joined by one kernel, where no result is waited for.
import { describe, expect, test } from "vitest";
import type { Node } from "../../../compiler/graph/graph.ts";
import { type Graph, kernelsOf } from "./kernels-of.ts";

describe("partial sums of equal shape", () => {
  const columns = (g: Graph, ...names: string[]): Node[] =>
    names.map((name) => g.sum(g.f32(name, 4096, 8), [0]));

  test("whose results lie at the same distances are joined by one kernel", () => {
    const kernels = kernelsOf((g) =>
      g.concat(
        ["a", "b", "c"].flatMap((name) => [...columns(g, name), g.f32(`${name}.rest`, 4)]),
        0,
      ),
    );
    expect(kernels.match(/^\d+ .*\(partial\)/gm)).toHaveLength(3);
    expect(kernels).toMatch(/sum {2}\[i3: 3, i1: 8\] row \[i2: 64\]/);
    // The last comes first: the backward pass has it first.
    expect(kernels).toMatch(/sum b\d+\[\(i2 \* 8 \+ i1 \+ i3 \* -512 \+ 1024\)\]/);
    expect(kernels).toMatch(/b\d+\[\(i1 \+ i3 \* 12\)\] = r0/);
  });

  test("of two in each layer are joined by one kernel", () => {
    const kernels = kernelsOf((g) =>
      g.concat(
        ["a", "b", "c"].flatMap((name) => [
          ...columns(g, `${name}.gain`),
          g.f32(`${name}.rest`, 4),
          ...columns(g, `${name}.offset`),
          g.f32(`${name}.more`, 40),
        ]),
        0,
      ),
    );
    expect(kernels).toMatch(/\[i3: 3, i4: 2, i1: 8\] row \[i2: 64\]/);
  });

  test("of which one waits for the other stay apart", () => {
    const kernels = kernelsOf((g) => {
      const [first] = columns(g, "a");
      const shifted = g.subtract(g.f32("b", 4096, 8), g.spread(first!, [4096, 8], [0]));
      return g.concat([first!, g.sum(g.multiply(shifted, shifted), [0])], 0);
    });
    expect(kernels).not.toMatch(/\[i\d+: 2, i\d+: 8\] row/);
  });
});
