import { describe, test } from "vitest";
import type { AttentionKernel, HeadsView } from "../../../compiler/kernels/kernel.ts";
import { rowMajorStrides } from "../../../compiler/ops/shape.ts";
import { base, check, noise } from "./kernel-notation.ts";

const zeros = (length: number): number[] => Array.from({ length: length }, () => 0);

interface Shape {
  readonly batch: readonly number[];
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
  readonly valueChannels: number;
}

/** [batch.., token, head, channel]: where a linear layer leaves its heads. */
function view(
  buffer: number,
  shape: Shape,
  tokens: number,
  channels: number,
  offset = 0,
  heads = shape.heads,
): HeadsView {
  const strides = rowMajorStrides([...shape.batch, tokens, heads, channels]);
  const [token, head, channel] = strides.slice(-3) as [number, number, number];
  return { buffer, offset, strides: [...strides.slice(0, -3), head, token, channel] };
}

const size = (shape: Shape, tokens: number, channels: number): number =>
  shape.batch.reduce((product, extent) => product * extent, shape.heads * tokens * channels);

function kernels(shape: Shape): {
  forward: AttentionKernel;
  backward: AttentionKernel;
  lengths: number[];
} {
  const { queries, keys, channels, valueChannels } = shape;
  const forward: AttentionKernel = {
    ...base,
    ...shape,
    kind: "attention",
    pass: "forward",
    scale: 1 / Math.sqrt(channels),
    q: view(0, shape, queries, channels),
    k: view(1, shape, keys, channels),
    v: view(2, shape, keys, valueChannels),
    output: view(3, shape, queries, valueChannels),
    statistics: 4,
  };
  const backward: AttentionKernel = {
    ...forward,
    pass: "backward",
    dOutput: view(5, shape, queries, valueChannels),
    dq: view(6, shape, queries, channels),
    dk: view(7, shape, keys, channels),
    dv: view(8, shape, keys, valueChannels),
  };
  const lengths = [
    size(shape, queries, channels), size(shape, keys, channels), size(shape, keys, valueChannels),
    size(shape, queries, valueChannels), size(shape, queries, 1), size(shape, queries, valueChannels),
    size(shape, queries, channels), size(shape, keys, channels), size(shape, keys, valueChannels),
  ]; // prettier-ignore
  return { forward, backward, lengths };
}

const shapes: readonly Shape[] = [
  { batch: [2], heads: 4, queries: 17, keys: 17, channels: 16, valueChannels: 16 },
  { batch: [1], heads: 1, queries: 1, keys: 1, channels: 1, valueChannels: 1 },
  { batch: [3], heads: 2, queries: 5, keys: 11, channels: 5, valueChannels: 7 },
  { batch: [2, 2], heads: 1, queries: 8, keys: 3, channels: 32, valueChannels: 12 },
  { batch: [], heads: 3, queries: 70, keys: 66, channels: 64, valueChannels: 64 },
  { batch: [1], heads: 1, queries: 130, keys: 9, channels: 3, valueChannels: 4 },
];

describe.each(shapes)(
  "attention, $batch x $heads heads, $queries by $keys, $channels and $valueChannels channels",
  (shape) => {
    test("forward and backward", async () => {
      const { forward, backward, lengths } = kernels(shape);
      const buffers = lengths.map((length, id) => ({
        values: [0, 1, 2, 5].includes(id) ? noise(length, id + 1, id < 2 ? 3 : 1) : zeros(length),
      }));
      await check({ buffers, kernels: [forward, backward] }, 5e-6);
    });
  },
);

test("queries, keys and values in one array, as one product leaves them", async () => {
  const shape: Shape = { batch: [2], heads: 2, queries: 6, keys: 6, channels: 8, valueChannels: 8 };
  const part = (number: number, buffer: number): HeadsView =>
    view(buffer, shape, 6, 8, number * 16, 6);
  const forward: AttentionKernel = {
    ...kernels(shape).forward,
    q: part(0, 0),
    k: part(1, 0),
    v: part(2, 0),
    output: view(1, shape, 6, 8),
    statistics: 2,
  };
  const backward: AttentionKernel = {
    ...forward,
    pass: "backward",
    dOutput: view(3, shape, 6, 8),
    dq: part(0, 4),
    dk: part(1, 4),
    dv: part(2, 4),
  };
  await check(
    {
      buffers: [
        { values: noise(2 * 6 * 48) },
        { values: zeros(192) },
        { values: zeros(24) },
        { values: noise(192, 2) },
        { values: zeros(2 * 6 * 48) },
      ],
      kernels: [forward, backward],
    },
    5e-6,
  );
});

test("large scores neither overflow nor give NaN", async () => {
  const shape: Shape = {
    batch: [1],
    heads: 1,
    queries: 6,
    keys: 10,
    channels: 4,
    valueChannels: 4,
  };
  const { forward, lengths } = kernels(shape);
  const buffers = lengths.map((length, id) => ({
    values: id < 3 ? noise(length, id + 1, id < 2 ? 60 : 1) : zeros(length),
  }));
  await check({ buffers, kernels: [forward] }, 2e-5);
});
