// Each rule of fusion on the smallest graph that shows it. `kernelsOf` also holds the kernels against the graph's meaning.
import { describe, expect, test } from "vitest";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Attributes, Node } from "../../../compiler/graph/graph.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { base16Sizes, digitsSizes } from "../graph/small-vit.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { Graph, kernelsOf } from "./kernels-of.ts";
import { expectSameKernels } from "./same-kernels.ts";
import { tinySizes, trainingGraph } from "./training-graph.ts";

describe("a copied view", () => {
  test("that shows the first of a sorted line is no result of the loop over the whole line", () => {
    const kernels = kernelsOf((g) => {
      const first = g.sliceAxis(g.argsort(g.f32("keys", 2, 6), 1), 1, 0, 3);
      return g.scatterAdd(g.f32("values", 2, 3), first, { batch: 1, size: 6 });
    });
    expect(kernels).toMatch(/copy|slice/);
  });
});

/** Mean and variance of each column, and what lies between. */
function moments(g: Graph, x: Node): { mean: Node; centred: Node; variance: Node } {
  const mean = g.mean(x, [0]);
  const centred = g.subtract(x, g.spread(mean, x.shape, [0]));
  return { mean, centred, variance: g.mean(g.multiply(centred, centred), [0]) };
}

describe("elementwise work", () => {
  test("a chain is one kernel", () => {
    expect(kernelsOf((g) => g.tanh(g.plus(g.exp(g.f32("x", 2, 3)), 1)))).toMatchInlineSnapshot(`
      "0 loop tanh + exp + add  [i0: 2, i1: 3]
        b1[(i0 * 3 + i1)] = tanh((exp(b0[(i0 * 3 + i1)]) + 1))
      b0: input x f32[6]
      b1: output y f32[6]"
    `);
  });

  test("views vanish into the reader's index", () => {
    expect(kernelsOf((g) => g.negate(g.permute(g.reshape(g.f32("x", 6, 4), [2, 3, 4]), [1, 0, 2]))))
      .toMatchInlineSnapshot(`
      "0 loop negate  [i0: 3, i1: 2, i2: 4]
        b1[(i0 * 8 + i1 * 4 + i2)] = negate(b0[(i1 * 12 + i0 * 4 + i2)])
      b0: input x f32[24]
      b1: output y f32[24]"
    `);
  });

  test("a pad is a guard", () => {
    expect(kernelsOf((g) => g.negate(g.pad(g.f32("x", 3), [1], [2])))).toMatchInlineSnapshot(`
      "0 loop negate  [i0: 6]
        b1[i0] = negate({1 <= i0 < 4 ? b0[(i0 + -1)] : 0})
      b0: input x f32[3]
      b1: output y f32[6]"
    `);
  });

  test("several results of one walk are one kernel", () => {
    expect(
      kernelsOf((g) => {
        const [m, d] = [g.f32("m", 8), g.f32("d", 8)];
        const next = g.plus(g.multiply(m, 0.9), d);
        return { m: next, p: g.subtract(g.f32("p", 8), g.multiply(next, 0.1)) };
      }),
    ).toMatchInlineSnapshot(`
      "0 loop add + multiply + subtract  [i0: 8]
        b2[i0] = ((b0[i0] * 0.9) + b1[i0])
        b4[i0] = (b3[i0] - (((b0[i0] * 0.9) + b1[i0]) * 0.1))
      b0: input m f32[8]
      b1: input d f32[8]
      b2: output m f32[8]
      b3: input p f32[8]
      b4: output p f32[8]"
    `);
  });

  test("a gather reads where data says", () => {
    expect(kernelsOf((g) => g.negate(g.gather(g.f32("x", 5, 2), g.i32("i", 3), { axis: 0 }))))
      .toMatchInlineSnapshot(`
      "0 loop negate  [i0: 3, i1: 2]
        b2[(i0 * 2 + i1)] = negate(b1[(data * 2 + i1)])
      b0: input i i32[3]
      b1: input x f32[10]
      b2: output y f32[6]"
    `);
  });
});

describe("reductions", () => {
  test("softmax is one kernel: its maximum, its sum, its store", () => {
    expect(kernelsOf((g) => g.softmax(g.f32("x", 4, 10), 1))).toMatchInlineSnapshot(`
      "0 loop divide + max + subtract + exp + sum  [i0: 4] row [i1: 10]
        r0 = max b0[(i0 * 10 + i1)]
        r1 = sum exp((b0[(i0 * 10 + i1)] - r0))
        row b1[(i0 * 10 + i1)] = (exp((b0[(i0 * 10 + i1)] - r0)) / r1)
      b0: input x f32[40]
      b1: output y f32[40]"
    `);
  });

  test("a sum takes its producers in and its consumers on", () => {
    expect(
      kernelsOf((g) => {
        const x = g.f32("x", 4, 10);
        return g.sqrt(g.sum(g.multiply(x, x), [1]));
      }),
    ).toMatchInlineSnapshot(`
      "0 loop sqrt + multiply + sum  [i0: 4] row [i1: 10]
        r0 = sum (b0[(i0 * 10 + i1)] * b0[(i0 * 10 + i1)])
        b1[i0] = sqrt(r0)
      b0: input x f32[40]
      b1: output y f32[4]"
    `);
  });

  test("sums over different axes are different kernels", () => {
    const text = kernelsOf((g) => {
      const x = g.exp(g.f32("x", 4, 10));
      return { rows: g.sum(x, [1]), columns: g.sum(x, [0]) };
    });
    expect(text.match(/^\d+ loop/gm)).toHaveLength(2);
  });

  test("a sum over everything is made in a fixed number of parts", () => {
    expect(
      kernelsOf((g) => {
        const x = g.f32("x", 65536);
        return g.sqrt(g.sum(g.multiply(x, x)));
      }),
    ).toMatchInlineSnapshot(`
      "0 loop sqrt + sum (partial)  [i1: 256] row [i2: 256]
        r0 = sum (b0[(i1 * 256 + i2)] * b0[(i1 * 256 + i2)])
        b2[i1] = r0
      1 loop sqrt + sum  [] row [i1: 256]
        r0 = sum b2[i1]
        b1[0] = sqrt(r0)
      b0: input x f32[65536]
      b1: output y f32[1]
      b2: scratch f32[256]"
    `);
  });

  test("a part count that does not divide leaves a shorter last part", () => {
    expect(kernelsOf((g) => g.sum(g.f32("x", 65537)))).toContain("? b0[");
  });

  test("a sum and what rests on it, over long columns, are split level by level", () => {
    const text = kernelsOf((g) => {
      const x = g.f32("x", 2048, 3);
      const above = g.maximum(g.subtract(x, g.spread(g.mean(x, [0]), x.shape, [0])), 0);
      return g.mean(above, [0]);
    });
    expect(text.match(/^\d+ loop/gm)).toHaveLength(4);
  });

  test("squares about a mean are summed beside it: in each part about the part's mean, then joined", () => {
    expect(kernelsOf((g) => moments(g, g.f32("x", 2048, 3)).variance)).toMatchInlineSnapshot(`
      "0 loop multiply + sum (partial)  [i2: 32, i1: 3] row [i3: 64]
        r0 = sum b0[(i2 * 192 + i3 * 3 + i1)]
        r1 = sum ((b0[(i2 * 192 + i3 * 3 + i1)] - (r0 * 0.015625)) * (b0[(i2 * 192 + i3 * 3 + i1)] - (r0 * 0.015625)))
        b3[(i2 * 3 + i1)] = r0
        b4[(i2 * 3 + i1)] = r1
      1 loop multiply + sum  [i1: 3] row [i2: 32]
        r0 = sum b3[(i2 * 3 + i1)]
        r1 = sum (b4[(i2 * 3 + i1)] + ((((b3[(i2 * 3 + i1)] * 0.015625) - (r0 * 0.00048828125)) * ((b3[(i2 * 3 + i1)] * 0.015625) - (r0 * 0.00048828125))) * 64))
        b1[i1] = (r0 * 0.00048828125)
        b2[i1] = (r1 * 0.00048828125)
      b0: input x f32[6144]
      b1: scratch f32[3]
      b2: output y f32[3]
      b3: scratch f32[96]
      b4: scratch f32[96]"
    `);
  });

  test("squares about a mean are right in parts of which the last is shorter", () => {
    // 8209 is prime; the last of 128 parts of 65 would be empty.
    for (const length of [1031, 2053, 8209]) {
      const text = kernelsOf((g) => {
        const { mean, variance } = moments(g, g.f32("x", length, 3));
        return { mean, variance };
      });
      expect(text.match(/^\d+ loop/gm)).toHaveLength(2);
    }
  });

  test("a kernel makes what is centred for its squares, though another one stores it", () => {
    const text = kernelsOf((g) => {
      const { centred, variance } = moments(g, g.f32("x", 2048, 3));
      return { centred, variance, y: g.linear(g.exp(centred), g.f32("w", 3, 2)) };
    });
    expect(
      text
        .match(/^\d+ loop [^]*?(?=^\d)/gm)
        ?.slice(0, 2)
        .join(""),
    ).not.toMatch(/row b/);
    expect(text.match(/^\d+ loop/gm)).toHaveLength(3);
  });

  test("squares about the mean of something else keep a walk of their own", () => {
    const text = kernelsOf((g) => {
      const [x, z] = [g.f32("x", 2048, 3), g.f32("z", 2048, 3)];
      const away = g.subtract(x, g.spread(g.mean(z, [0]), x.shape, [0]));
      return g.mean(g.multiply(away, away), [0]);
    });
    expect(text.match(/^\d+ loop/gm)).toHaveLength(4);
  });
});

describe("products", () => {
  test("take bias, activation and residual; what the backward pass needs is stored beside", () => {
    expect(
      kernelsOf((g) => {
        const [x, w] = [g.f32("x", 3, 4), g.f32("w", 4, 5)];
        const hidden = g.plus(g.linear(x, w), g.spread(g.f32("bias", 5), [3, 5], [0]));
        return { hidden, y: g.plus(g.tanh(hidden), g.f32("residual", 3, 5)) };
      }),
    ).toMatchInlineSnapshot(`
      "0 contraction dot + add + tanh  batch [] m [i0: 3] n [i1: 5] k [i2: 4]
        a = b0[(i0 * 4 + i2)]
        b = b1[(i2 * 5 + i1)]
        b3[(i0 * 5 + i1)] = (acc + b2[i1])
        b5[(i0 * 5 + i1)] = (tanh((acc + b2[i1])) + b4[(i0 * 5 + i1)])
      b0: input x f32[12]
      b1: input w f32[20]
      b2: input bias f32[5]
      b3: output hidden f32[15]
      b4: input residual f32[15]
      b5: output y f32[15]"
    `);
  });

  test("read their operands through views", () => {
    expect(kernelsOf((g) => g.linear(g.permute(g.f32("x", 4, 3), [1, 0]), g.f32("w", 4, 2))))
      .toMatchInlineSnapshot(`
      "0 contraction dot  batch [] m [i0: 3] n [i1: 2] k [i2: 4]
        a = b0[(i2 * 3 + i0)]
        b = b1[(i2 * 2 + i1)]
        b2[(i0 * 2 + i1)] = acc
      b0: input x f32[12]
      b1: input w f32[8]
      b2: output y f32[6]"
    `);
  });

  test("take cheap work on an operand, but not a transcendental", () => {
    const count = (text: string) => text.match(/^\d+ (loop|contraction)/gm)!.length;
    expect(
      count(kernelsOf((g) => g.linear(g.multiply(g.f32("x", 3, 4), 2), g.f32("w", 4, 2)))),
    ).toBe(1);
    expect(count(kernelsOf((g) => g.linear(g.exp(g.f32("x", 3, 4)), g.f32("w", 4, 2))))).toBe(2);
  });

  test("make a bias gradient while they pack the same operand", () => {
    expect(
      kernelsOf((g) => {
        const [x, dY] = [g.f32("x", 6, 4), g.f32("dY", 6, 5)];
        return { dW: g.dot(x, dY, { contract: [[0], [0]] }), dB: g.sum(dY, [0]) };
      }),
    ).toMatchInlineSnapshot(`
      "0 contraction dot + sum  batch [] m [i0: 4] n [i1: 5] k [i2: 6]
        a = b0[(i2 * 4 + i0)]
        b = b1[(i2 * 5 + i1)]
        b3[(i0 * 5 + i1)] = acc
        b2[i1] = sum of b
      b0: input x f32[24]
      b1: input dY f32[30]
      b2: output dB f32[5]
      b3: output dW f32[20]"
    `);
  });

  test("of many groups make the bias gradients of all", () => {
    const kernels = kernelsOf((g) => {
      const [x, dY] = [g.f32("x", 4, 6, 8), g.f32("dY", 4, 6, 10)];
      return { dW: g.dot(x, dY, { batch: [[1], [1]], contract: [[0], [0]] }), dB: g.sum(dY, [0]) };
    });
    expect(kernels).toMatch(/batch \[i0: 6\] m \[i1: 8\] n \[i2: 10\] k \[i3: 4\]/);
    expect(kernels).toMatch(/b\d\[\(i0 \* 10 \+ i2\)\] = sum of b/);
    expect(kernels).not.toMatch(/loop/);
  });

  test.each([
    [4, "contraction"],
    [1, "loop"],
  ])("of groups of %i channels sum the bias gradient of a convolution in a %s", (width, kind) => {
    const kernels = kernelsOf((g) => {
      const [x, dY] = [g.f32("x", 2, 5, 5, 3 * width), g.f32("dY", 2, 3, 3, 3 * width)];
      const attributes = { stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0], inputDilation: [1, 1], groups: 3, kernel: [3, 3] }; // prettier-ignore
      return {
        dW: g.add("convolve_weight", [x, dY], attributes),
        dB: g.sum(dY, [0, 1, 2]),
      };
    });
    expect(kernels.match(/^\d+ loop/gm) ?? []).toHaveLength(kind === "loop" ? 1 : 0);
  });

  test("a convolution is a product that reads through its window", () => {
    expect(
      kernelsOf((g) =>
        g.add("convolve", [g.f32("x", 1, 5, 5, 2), g.f32("w", 3, 3, 2, 4)], {
          padding: [[1, 1], [1, 1]], stride: [2, 2],
        }),
      ), // prettier-ignore
    ).toMatchInlineSnapshot(`
      "0 contraction convolve  batch [] m [i0: 1, i1: 3, i2: 3] n [i3: 4] k [i4: 3, i5: 3, i6: 2]
        a = {1 <= (i1 * 2 + i4) < 6, 1 <= (i2 * 2 + i5) < 6 ? b0[(i1 * 20 + i4 * 10 + i2 * 4 + i5 * 2 + i6 + -12)] : 0}
        b = b1[(i4 * 24 + i5 * 8 + i6 * 4 + i3)]
        b2[(i1 * 12 + i2 * 4 + i3)] = acc
      b0: input x f32[50]
      b1: input w f32[72]
      b2: output y f32[36]"
    `);
  });

  test("a convolution's gradients mean what they should, in groups and dilated", () => {
    const settings: readonly Attributes[] = [
      {
        padding: [
          [1, 1],
          [1, 1],
        ],
        stride: [2, 2],
      },
      {
        padding: [
          [1, 0],
          [0, 1],
        ],
        groups: 2,
      },
      { dilation: [2, 1], stride: [1, 2] },
      {
        inputDilation: [2, 2],
        padding: [
          [1, -1],
          [0, 0],
        ],
      },
    ];
    for (const attributes of settings) {
      const g = new Graph();
      const groups = Number(attributes["groups"] ?? 1);
      const [x, w] = [g.f32("x", 2, 6, 5, 4), g.f32("w", 3, 2, 4 / groups, 6)];
      const y = g.add("convolve", [x, w], attributes);
      const loss = g.sum(g.multiply(g.tanh(y), y));
      const [dX, dW] = differentiate(g, loss, [x, w]);
      const outputs = [loss, dX!, dW!].map((value, i) => ({ name: `${i}`, value }));
      expectSameKernels(simplify(g.finish({ outputs }), { isDifferentiated: true }));
    }
  });
});

describe("concat", () => {
  test("that is made in place may have parts made from another of its parts", () => {
    const kernels = kernelsOf((g) => {
      const shared = g.linear(g.f32("x", 2, 3), g.f32("w", 3, 4));
      const parts = [shared, ...["u", "v"].map((name) => g.linear(shared, g.f32(name, 4, 4)))];
      return g.concat(parts, 0);
    });
    expect(kernels.match(/contraction/g)).toHaveLength(3);
    expect(kernels).not.toContain("loop");
  });

  test("producers write their parts of one flat array", () => {
    expect(
      kernelsOf((g) => {
        const flat = [
          g.sum(g.f32("a", 3, 4), [0]),
          g.reshape(g.linear(g.f32("x", 2, 3), g.f32("w", 3, 2)), [4]),
        ];
        return g.concat(flat, 0);
      }),
    ).toMatchInlineSnapshot(`
      "0 loop sum  [i1: 4] row [i0: 3]
        r0 = sum b0[(i0 * 4 + i1)]
        b2[i1] = r0
      1 contraction dot  batch [] m [i0: 2] n [i1: 2] k [i2: 3]
        a = b3[(i0 * 3 + i2)]
        b = b4[(i2 * 2 + i1)]
        b5[(i0 * 2 + i1)] = acc
      b0: input a f32[12]
      b1: output y f32[8]
      b2: output y f32[4] in b1 at 0
      b3: input x f32[6]
      b4: input w f32[6]
      b5: output y f32[4] in b1 at 4"
    `);
  });

  test("a reader of a few pieces asks which one it is", () => {
    expect(kernelsOf((g) => g.negate(g.concat([g.exp(g.f32("a", 2, 1)), g.f32("b", 2, 2)], 1))))
      .toMatchInlineSnapshot(`
      "0 loop negate  [i0: 2, i1: 3]
        b2[(i0 * 3 + i1)] = negate({0 <= i1 < 1 ? exp(b1[(i0 + i1)]) : b0[(i0 * 2 + i1 + -1)]})
      b0: input b f32[4]
      b1: input a f32[2]
      b2: output y f32[6]"
    `);
  });
});

describe("new values of residents", () => {
  test("take the old one's place where the same kernel reads it at the same element", () => {
    expect(
      kernelsOf(
        (g) => g.sum(g.f32("x", 4)),
        (g) => ({ p: g.subtract(g.trained("p", 4), g.multiply(g.f32("x", 4), 0.1)) }),
      ),
    ).toMatchInlineSnapshot(`
      "0 loop sum  [] row [i0: 4]
        r0 = sum b0[i0]
        b1[0] = r0
      1 loop subtract + multiply  [i0: 4]
        b3[i0] = (b2[i0] - (b0[i0] * 0.1))
      b0: input x f32[4]
      b1: output y f32[1]
      b2: resident p f32[4]
      b3: resident p f32[4] in b2 at 0"
    `);
  });

  test("wait for the readers of the old one", () => {
    const text = kernelsOf(
      (g) => g.linear(g.f32("x", 2, 3), g.trained("w", 3, 3)),
      (g) => ({ w: g.multiply(g.trained("w", 3, 3), 0.5) }),
    );
    expect(text).toMatch(/^0 contraction[^]*^1 loop/m);
  });

  test("are copied where the new one needs other elements of the old", () => {
    expect(
      kernelsOf(
        (g) => g.sum(g.trained("p", 4)),
        (g) => ({ p: g.flip(g.trained("p", 4), [0]) }),
      ),
    ).toMatchInlineSnapshot(`
      "0 loop sum  [] row [i0: 4]
        r0 = sum b0[i0]
        b1[0] = r0
      1 loop copy  [i0: 4]
        b2[i0] = b0[(i0 * -1 + 3)]
      2 loop p copy  [i0: 4]
        b0[i0] = b2[i0]
      b0: resident p f32[4]
      b1: output y f32[1]
      b2: scratch f32[4]"
    `);
  });

  test("of one kernel are made before the first is written: each may read the other's old one", () => {
    expect(
      kernelsOf(
        (g) => g.sum(g.f32("x", 4)),
        (g) => {
          const [p, m] = [g.trained("p", 4), g.trained("m", 4)];
          const decayed = g.plus(g.f32("x", 4), g.multiply(p, 0.1));
          const next = g.plus(g.multiply(m, 0.9), decayed);
          return { m: next, p: g.subtract(p, next) };
        },
      ),
    ).toMatchInlineSnapshot(`
      "0 loop sum  [] row [i0: 4]
        r0 = sum b0[i0]
        b1[0] = r0
      1 loop add + multiply + subtract  [i0: 4]
        b4[i0] = ((b2[i0] * 0.9) + (b0[i0] + (b3[i0] * 0.1)))
        b5[i0] = (b3[i0] - ((b2[i0] * 0.9) + (b0[i0] + (b3[i0] * 0.1))))
      b0: input x f32[4]
      b1: output y f32[1]
      b2: resident m f32[4]
      b3: resident p f32[4]
      b4: resident m f32[4] in b2 at 0
      b5: resident p f32[4] in b3 at 0"
    `);
  });

  test("two that exchange places are copied, one at least", () => {
    const text = kernelsOf(
      (g) => g.sum(g.trained("p", 4)),
      (g) => ({
        p: g.plus(g.trained("p", 4), g.trained("q", 4)),
        q: g.subtract(g.trained("p", 4), g.trained("q", 4)),
      }),
    );
    expect(text).toContain("copy");
  });
});

describe("indexing", () => {
  test("a scatter has a kernel of its own", () => {
    expect(
      kernelsOf((g) =>
        g.negate(g.scatterAdd(g.f32("v", 6, 2), g.i32("i", 6), { batch: 0, size: 5 })),
      ),
    ).toMatchInlineSnapshot(`
      "0 scatter scatter_add  1 times 6 into 5, 2 wide
        b2 += b1 at b0
      1 loop negate  [i0: 5, i1: 2]
        b3[(i0 * 2 + i1)] = negate(b2[(i0 * 2 + i1)])
      b0: input i i32[6]
      b1: input v f32[12]
      b2: scratch f32[10]
      b3: output y f32[10]"
    `);
  });

  test("cross-entropy of labels is one kernel each way, and its mean another", () => {
    const g = new Graph();
    const [logits, label] = [g.f32("x", 4, 5), g.i32("label", 4)];
    const chosen = g.gather(logits, label, { axis: 1, batch: 1 });
    const row = g.subtract(g.log(g.sum(g.exp(logits), [1])), chosen);
    const loss = g.mean(row);
    const [dLogits] = differentiate(g, loss, [logits]);
    const outputs = [loss, dLogits!].map((value, i) => ({ name: `${i}`, value }));
    const graph = simplify(g.finish({ outputs }), { isDifferentiated: true });
    expect(expectSameKernels(graph).kernels.map(({ kind }) => kind)).toEqual(["loop", "loop"]);
  });

  test("a softmax and a walk that reads little are one kernel, however long the row", () => {
    const text = kernelsOf((g) => {
      const [x, label] = [g.f32("x", 4, 5000), g.i32("label", 4)];
      const spread = (value: Node) => g.spread(value, x.shape, [1]);
      const exp = g.exp(g.subtract(x, spread(g.max(x, [1]))));
      const isLabel = g.equal(g.iota(x.shape, 1), spread(label));
      const wanted = g.select(isLabel, g.full(-0.25, x), g.full(0, x));
      const share = g.divide(g.negate(g.sum(wanted, [1])), g.sum(exp, [1]));
      return g.plus(wanted, g.multiply(spread(share), exp));
    });
    expect(text.match(/^\d+ loop/gm)).toHaveLength(1);
  });

  test("sorting counts: two row kernels", () => {
    const text = kernelsOf((g) =>
      g.add("argsort", [g.f32("x", 3, 7)], { axis: 1, descending: true }),
    );
    expect(text.match(/^\d+ loop/gm)).toHaveLength(2);
  });
});

describe("a Vision Transformer", { timeout: 60_000 }, () => {
  test("means the same forward, backward and updated", () => {
    expectSameKernels(trainingGraph(tinySizes, "none").graph);
    expectSameKernels(trainingGraph(tinySizes, "sgd").graph);
  });

  test("takes 20 kernels a layer, with few rows or many", () => {
    const count = (sizes: typeof tinySizes) =>
      fuse(trainingGraph(sizes, "none").graph).kernels.length;
    const perLayer = (sizes: typeof tinySizes) =>
      count({ ...sizes, depth: 3 }) - count({ ...sizes, depth: 2 });
    expect(perLayer({ ...digitsSizes, batch: 8 })).toBe(20);
    expect(perLayer({ ...base16Sizes, batch: 64 })).toBe(20);
    expect(perLayer(digitsSizes)).toBe(20);
  });

  test("repeated layers differ in buffers only: one kernel each for the products of all layers", () => {
    const { kernels } = fuse(trainingGraph({ ...tinySizes, depth: 3 }, "none").graph);
    const heads = kernels.flatMap((kernel) =>
      kernel.kind === "contraction" && /mlp.up/.test(kernel.label)
        ? [[kernel.m, kernel.n, kernel.k, kernel.phase].map((part) => JSON.stringify(part)).join()]
        : [],
    );
    expect(new Set(heads).size).toBe(heads.length / 3);
  });
});
