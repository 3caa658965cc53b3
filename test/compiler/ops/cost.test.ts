import { expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { costOf } from "../../../compiler/ops/cost.ts";

const x = (g: Builder, name: string, ...shape: number[]) => g.input(name, { shape, dtype: "f32" });

test("products count multiply-adds, everything else operations", () => {
  const g = new Builder();
  expect(costOf(g.matmul(x(g, "a", 2, 3), x(g, "b", 3, 5)))).toEqual({ macs: 30, flops: 60 });
  expect(costOf(g.plus(x(g, "a", 2, 3), 1))).toEqual({ macs: 0, flops: 6 });
  expect(costOf(g.sum(x(g, "a", 2, 3), [1]))).toEqual({ macs: 0, flops: 6 });
  expect(costOf(g.permute(x(g, "a", 2, 3), [1, 0]))).toEqual({ macs: 0, flops: 0 });
});

test("a convolution counts its kernel once an output, by groups", () => {
  const g = new Builder();
  const image = x(g, "image", 2, 8, 8, 4);
  const plain = g.convolve(image, x(g, "w", 3, 3, 4, 6), { padding: [[1, 1], [1, 1]] }); // prettier-ignore
  expect(costOf(plain).macs).toBe(2 * 8 * 8 * 6 * 3 * 3 * 4);
  const depthwise = g.convolve(image, x(g, "d", 3, 3, 1, 4), { padding: [[1, 1], [1, 1]], groups: 4 }); // prettier-ignore
  expect(costOf(depthwise).macs).toBe(2 * 8 * 8 * 4 * 3 * 3);
});

test("attention counts both of its products", () => {
  const g = new Builder();
  const y = g.attention(x(g, "q", 2, 3, 4), x(g, "k", 2, 5, 4), x(g, "v", 2, 5, 6), 1);
  expect(costOf(y).macs).toBe(2 * 3 * 5 * (4 + 6));
});
