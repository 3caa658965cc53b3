import { describe, test } from "vitest";
import type { Axis, ContractionKernel, Expression } from "../../../compiler/kernels/kernel.ts";
import { constantIndex } from "../../../compiler/ops/index-arithmetic.ts";
import {
  add,
  apply,
  axes,
  base,
  check,
  i,
  load,
  multiply,
  noise,
  number,
  over,
  whole,
} from "./kernel-notation.ts";

const zeros = (length: number): number[] => Array.from({ length: length }, () => 0);
const sum: Expression = { kind: "accumulator", dtype: "f32" };

type Parts = Partial<ContractionKernel> &
  Pick<ContractionKernel, "m" | "n" | "k" | "a" | "b" | "stores">;

function contraction(parts: Parts): ContractionKernel {
  return { ...base, kind: "contraction", batch: [], ...parts };
}

/** [m, n, k]: one number, primes, a tile, beyond a tile, several blocks of k. */
const shapes = [
  [1, 1, 1], [1, 10, 7], [4, 8, 16], [5, 9, 3], [17, 13, 11], [64, 64, 64], [3, 40, 130],
  [33, 5, 1], [70, 24, 17], [12, 20, 1100], [70, 42, 800],
] as const; // prettier-ignore

describe("products", () => {
  test.each(shapes)("%i x %i, summed over %i, in all four layouts", async (M, N, K) => {
    const [m, n, k] = axes(M, N, K) as [Axis, Axis, Axis];
    for (const a of [over(m, k), over(k, m)])
      for (const b of [over(k, n), over(n, k)])
        await check({
          buffers: [
            { values: noise(M * K) },
            { values: noise(K * N, 2) },
            { values: zeros(M * N) },
          ],
          kernels: [
            contraction({
              m: [m], n: [n], k: [k],
              a: load(0, a),
              b: load(1, b),
              stores: [{ buffer: 2, index: over(m, n), value: sum }],
            }), // prettier-ignore
          ],
        });
  });

  test.each([1, 6])(
    "%i rows, each chosen by data, as where a text is the token at its end",
    async (M) => {
      const [m, n, k] = axes(M, 10, 9) as [Axis, Axis, Axis];
      const row = { kind: "data", value: load(0, constantIndex(0), "i32"), extent: 5 } as const;
      const each = { ...row, value: load(0, i(m), "i32") };
      for (const chosen of [row, each])
        await check({
          buffers: [
            { values: whole(M, 5), dtype: "i32" },
            { values: noise(45) },
            { values: noise(90, 2) },
            { values: zeros(M * 10) },
          ],
          kernels: [
            contraction({
            m: [m], n: [n], k: [k],
            a: load(1, add(multiply(chosen, 9), i(k))),
            b: load(2, over(k, n)),
            stores: [{ buffer: 3, index: over(m, n), value: sum }],
          }), // prettier-ignore
          ],
        });
    },
  );

  test("rows chosen by what is worked out, not read", async () => {
    const [m, n, k] = axes(5, 10, 9) as [Axis, Axis, Axis];
    const value = { kind: "position", index: i(m), dtype: "i32" } as const;
    const row = { kind: "data", value, extent: 4 } as const; // the last is clamped
    await check({
      buffers: [{ values: noise(36) }, { values: noise(90, 2) }, { values: zeros(50) }],
      kernels: [
        contraction({
          m: [m], n: [n], k: [k],
          a: load(0, add(multiply(row, 9), i(k))),
          b: load(1, over(k, n)),
          stores: [{ buffer: 2, index: over(m, n), value: sum }],
        }), // prettier-ignore
      ],
    });
  });

  test("a batch of products, with transposed output", async () => {
    const [b, m, n, k] = axes(5, 17, 6, 9) as [Axis, Axis, Axis, Axis];
    await check({
      buffers: [{ values: noise(765) }, { values: noise(270, 2) }, { values: zeros(510) }],
      kernels: [
        contraction({
          batch: [b], m: [m], n: [n], k: [k],
          a: load(0, over(b, m, k)),
          b: load(1, over(b, k, n)),
          stores: [{ buffer: 2, index: over(b, n, m), value: sum }],
        }), // prettier-ignore
      ],
    });
  });

  test.each([
    [17, 13, 11],
    [40, 72, 64],
    [9, 16, 1300],
  ] as const)(
    "%i x %i over %i with prologue, bias, activation, residual in place, and both operand sums",
    async (M, N, K) => {
      const [m, n, k] = axes(M, N, K) as [Axis, Axis, Axis];
      const withBias = apply("add", [sum, load(2, i(n))]);
      const value = apply("add", [apply("tanh", [withBias]), load(3, over(m, n))]);
      await check(
        {
          buffers: [
            { values: noise(M * K) },
            { values: noise(K * N, 2) },
            { values: noise(N, 3) },
            { values: noise(M * N, 4) },
            { values: zeros(M) },
            { values: zeros(N) },
            { values: zeros(M * N) },
          ],
          kernels: [
            contraction({
            m: [m], n: [n], k: [k],
            a: apply("multiply", [load(0, over(m, k)), number(0.25)]),
            b: load(1, over(k, n)),
            stores: [
              { buffer: 3, index: over(m, n), value },
              { buffer: 6, index: over(m, n), value: withBias },
            ],
            sumOfA: { buffer: 4, index: i(m) },
            sumOfB: { buffer: 5, index: i(n) },
          }), // prettier-ignore
          ],
        },
        3e-6,
      );
    },
  );

  test.each([
    [5, 7, 11, 9],
    [3, 40, 24, 300],
  ])("sums of both operands in each of %i batches, %i x %i x %i", async (B, M, N, K) => {
    const [batch, m, n, k] = axes(B, M, N, K) as [Axis, Axis, Axis, Axis];
    await check(
      {
        buffers: [
          { values: noise(B * M * K) },
          { values: noise(B * K * N, 2) },
          { values: zeros(B * M * N) },
          { values: zeros(B * M) },
          { values: zeros(B * N) },
        ],
        kernels: [
          contraction({
            batch: [batch], m: [m], n: [n], k: [k],
            a: load(0, over(k, batch, m)),
            b: load(1, over(k, batch, n)),
            stores: [{ buffer: 2, index: over(batch, m, n), value: sum }],
            sumOfA: { buffer: 3, index: over(batch, m) },
            sumOfB: { buffer: 4, index: over(batch, n) },
          }), // prettier-ignore
        ],
      },
      3e-6,
    );
  });

  test("rows over two axes that are no single stride, columns over heads", async () => {
    const [b, t, h, c, k] = axes(3, 5, 2, 8, 12) as [Axis, Axis, Axis, Axis, Axis];
    // x [batch][7 tokens, of which 5 are read][12]; output [head][batch][token][channel]
    const x = add(multiply(i(b), 84), multiply(i(t), 12), i(k), constantIndex(12));
    await check({
      buffers: [{ values: noise(252) }, { values: noise(192, 2) }, { values: zeros(240) }],
      kernels: [
        contraction({
          m: [b, t], n: [h, c], k: [k],
          a: load(0, x),
          b: load(1, over(k, h, c)),
          stores: [{ buffer: 2, index: over(h, b, t, c), value: sum }],
        }), // prettier-ignore
      ],
    });
  });

  test("a weight gradient: k runs over batch and tokens", async () => {
    const [b, t, m, n] = axes(6, 17, 20, 24) as [Axis, Axis, Axis, Axis];
    await check({
      buffers: [
        { values: noise(2040) },
        { values: noise(2448, 2) },
        { values: zeros(480) },
        { values: zeros(24) },
      ],
      kernels: [
        contraction({
          m: [m], n: [n], k: [b, t],
          a: load(0, over(b, t, m)),
          b: load(1, over(b, t, n)),
          stores: [{ buffer: 2, index: over(m, n), value: sum }],
          sumOfB: { buffer: 3, index: i(n) },
        }), // prettier-ignore
      ],
    });
  });
});

describe("convolutions through window indices", () => {
  const cases = [
    { batch: 2, size: 7, input: 4, output: 8, kernel: 3, stride: 1 },
    { batch: 2, size: 9, input: 3, output: 5, kernel: 3, stride: 2 },
    { batch: 1, size: 12, input: 16, output: 12, kernel: 3, stride: 1 },
    { batch: 1, size: 5, input: 1, output: 4, kernel: 5, stride: 1 },
  ];

  const setUp = ({ batch, size, input, output, kernel, stride }: (typeof cases)[number]) => {
    const out = Math.ceil(size / stride);
    const [b, y, x, c, ky, kx, o] = axes(batch, out, out, input, kernel, kernel, output) as [
      Axis, Axis, Axis, Axis, Axis, Axis, Axis,
    ]; // prettier-ignore
    const pad = (kernel - 1) / 2;
    const row = add(multiply(i(y), stride), i(ky), constantIndex(-pad));
    const col = add(multiply(i(x), stride), i(kx), constantIndex(-pad));
    const at = add(
      multiply(i(b), size * size * input),
      multiply(row, size * input),
      multiply(col, input),
      i(c),
    );
    const image: Expression = {
      kind: "guard",
      conditions: [
        { index: row, low: 0, high: size },
        { index: col, low: 0, high: size },
      ],
      value: load(0, at),
      otherwise: number(0),
      dtype: "f32",
    };
    const lengths = {
      image: batch * size * size * input,
      weight: kernel * kernel * input * output,
      output: batch * out * out * output,
    };
    return { b, y, x, c, ky, kx, o, image, lengths };
  };

  test.each(cases)(
    "forward, $kernel wide, stride $stride, $input to $output channels",
    async (given) => {
      const { b, y, x, c, ky, kx, o, image, lengths } = setUp(given);
      await check({
        buffers: [
          { values: noise(lengths.image) },
          { values: noise(lengths.weight, 2) },
          { values: zeros(lengths.output) },
        ],
        kernels: [
          contraction({
          m: [b, y, x], n: [o], k: [ky, kx, c],
          a: image,
          b: load(1, over(ky, kx, c, o)),
          stores: [{ buffer: 2, index: over(b, y, x, o), value: sum }],
        }), // prettier-ignore
        ],
      });
    },
  );

  test.each(cases)(
    "by the weights, $kernel wide, stride $stride, $input to $output channels",
    async (given) => {
      const { b, y, x, c, ky, kx, o, image, lengths } = setUp(given);
      await check({
        buffers: [
          { values: noise(lengths.image) },
          { values: noise(lengths.output, 2) },
          { values: zeros(lengths.weight) },
        ],
        kernels: [
          contraction({
          m: [ky, kx, c], n: [o], k: [b, y, x],
          a: image,
          b: load(1, over(b, y, x, o)),
          stores: [{ buffer: 2, index: over(ky, kx, c, o), value: sum }],
        }), // prettier-ignore
        ],
      });
    },
  );
});
