// Sums over long columns ride on a walk over the rows of the same array, and one kernel joins what its parts have summed.
import { describe, expect, test } from "vitest";
import type { Node } from "../../../compiler/graph/graph.ts";
import { type Graph, kernelsOf } from "./kernels-of.ts";

const rows = 1100;
const width = 32;

/** dx of a norm without a mean: dy * gain - x * (the row's sum of dy * gain * x), and what its sum rests on. */
function backward(g: Graph, x: Node, dy: Node) {
  const last = x.shape.length - 1;
  const others = x.shape.slice(0, -1).map((_, axis) => axis);
  const scaled = g.multiply(dy, g.spread(g.f32("gain", width), x.shape, others));
  const along = g.sum(g.multiply(scaled, x), [last]);
  return g.subtract(scaled, g.multiply(x, g.spread(along, x.shape, [last])));
}

describe("sums over columns", () => {
  test("are made in the walk over rows that reads the same, in parts", () => {
    const kernels = kernelsOf((g) => {
      const [x, dy] = [g.f32("x", rows, width), g.f32("dy", rows, width)];
      return {
        dx: backward(g, x, dy),
        dGain: g.sum(g.multiply(dy, x), [0]),
        dOffset: g.sum(dy, [0]),
      };
    });
    expect(kernels.match(/^\d+ loop/gm)).toHaveLength(2);
    expect(kernels).toMatch(/\[i0: 1100\] row \[i1: 32\] parts \[i2: 69\] of 16\n/);
    expect(kernels).toMatch(/columns b\d+\[\(i2 \* 32 \+ i1 \+ 2208\)\] = b\d+\[\(i0 \* 32 \+ i1\)\]\n/); // prettier-ignore
    expect(kernels).toMatch(/\[i1: 32\] row \[i2: 69\]\n {2}r0 = sum b\d+\[\(i2 \* 32 \+ i1\)\]\n {2}r1 = sum/); // prettier-ignore
  });

  test("may add up what the walk makes", () => {
    const kernels = kernelsOf((g) => {
      const [x, dy] = [g.f32("x", rows, width), g.f32("dy", rows, width)];
      const dx = backward(g, x, dy);
      const dScale = g.sum(g.multiply(dx, g.f32("branch", rows, width)), [0]);
      return { dx, dScale: g.multiply(dScale, dScale) };
    });
    expect(kernels.match(/^\d+ loop/gm)).toHaveLength(2);
    expect(kernels).toMatch(/columns b\d+\[\(i2 \* 32 \+ i1\)\] = \(\(\(b/);
    expect(kernels).toMatch(/b\d+\[i1\] = \(r0 \* r0\)/);
  });

  test("over several axes of rows have parts that do not ask where an axis ends", () => {
    const kernels = kernelsOf((g) => {
      const [x, dy] = [g.f32("x", 11, 100, width), g.f32("dy", 11, 100, width)];
      return { dx: backward(g, x, dy), dOffset: g.sum(dy, [0, 1]) };
    });
    expect(kernels).toMatch(/\[i0: 11, i1: 100\] row \[i2: 32\] parts \[i3: 69\] of 16\n/);
  });

  test("that the walk rests on stay apart", () => {
    const kernels = kernelsOf((g) => {
      const [x, dy] = [g.f32("x", rows, width), g.f32("dy", rows, width)];
      const shift = g.spread(g.sum(dy, [0]), x.shape, [0]);
      return backward(g, x, g.subtract(dy, shift));
    });
    expect(kernels).not.toMatch(/parts/);
  });

  test("that keep an axis of the rows stay apart", () => {
    const kernels = kernelsOf((g) => {
      const [x, dy] = [g.f32("x", 1100, 4, width), g.f32("dy", 1100, 4, width)];
      return { dx: backward(g, x, dy), dOffset: g.sum(dy, [0]) };
    });
    expect(kernels).not.toMatch(/parts/);
  });

  test("stay apart where vectors go across rows", () => {
    const kernels = kernelsOf((g) => {
      const x = g.permute(g.f32("x", 3, rows), [1, 0]);
      return { most: g.max(x, [1]), sum: g.sum(x, [0]) };
    });
    expect(kernels).not.toMatch(/parts/);
  });
});
