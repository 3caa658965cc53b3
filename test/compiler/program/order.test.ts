// Another order of the kernels means the same, and never needs more memory.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { interpretKernels } from "../../../compiler/kernels/interpret.ts";
import { verifyKernels } from "../../../compiler/kernels/verify.ts";
import { orderKernels } from "../../../compiler/program/order.ts";
import { lowerBound } from "../../../compiler/program/plan-memory.ts";
import { intervalsOf } from "../../../compiler/program/lifetimes.ts";
import { fixedArrays, fixedInputs } from "../graph/fixed-values.ts";
import { tinySizes, trainingGraph } from "../kernels/training-graph.ts";

describe("the order of kernels", () => {
  test("keeps the meaning of a training step that renews its parameters in place", () => {
    const { graph } = trainingGraph(tinySizes, "sgd");
    const kernels = fuse(graph);
    const ordered = orderKernels(kernels);
    verifyKernels(ordered);
    const [inputs, arrays] = [fixedInputs(graph), fixedArrays(graph)];
    const [before, after] = [kernels, ordered].map((each) =>
      interpretKernels(each, inputs, arrays),
    );
    expect(after!.outputs).toEqual(before!.outputs);
    expect(after!.residents).toEqual(before!.residents);
  });

  test("makes large values small before the next large one is made", () => {
    const g = new Builder();
    // Products of one vector: each large, each summed up at once if the order is good.
    const [x, y] = [
      g.input("x", { shape: [128], dtype: "f32" }),
      g.input("y", { shape: [128], dtype: "f32" }),
    ];
    const outer = [1, 2, 3].map((scale) => g.dot(g.multiply(x, scale), y, { contract: [[], []] }));
    const small = outer.map((value) => g.sum(value, [0]));
    const kernels = fuse(
      g.finish({ outputs: [{ name: "y", value: small.reduce((sum, each) => g.plus(sum, each)) }] }),
    );
    const need = (of: typeof kernels) => lowerBound(intervalsOf({ kernels: of }));
    const ordered = orderKernels(kernels);
    verifyKernels(ordered);
    expect(need(kernels)).toBeGreaterThan(2 * 128 * 128 * 4);
    expect(need(ordered)).toBeLessThan(2 * 128 * 128 * 4);
  });
});
