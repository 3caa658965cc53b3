// Attention as WGSL, forward and backward, on the software adapter, against plain loops.
import { describe, test } from "vitest";
import type { AttentionKernel, HeadsView } from "../../../compiler/kernels/kernel.ts";
import { about, Bench, forGpu, forSoftware, forSubgroups, type Generator } from "./kernel-bench.ts";

interface Size {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
  readonly valueChannels: number;
}

const SIZES: readonly Size[] = [
  { batch: 1, heads: 1, queries: 1, keys: 1, channels: 1, valueChannels: 1 },
  { batch: 2, heads: 3, queries: 17, keys: 17, channels: 16, valueChannels: 16 },
  { batch: 1, heads: 2, queries: 37, keys: 67, channels: 20, valueChannels: 33 },
  { batch: 1, heads: 1, queries: 65, keys: 3, channels: 64, valueChannels: 64 },
];

/** The tiled code takes long to compile on a software adapter: it runs where its tiles are cut and where they are not. */
function generatorsFor(size: Size): readonly Generator[] {
  return size.keys > 3 ? [forGpu, forSubgroups, forSoftware] : [forSoftware];
}

/** [batch, tokens, (heads channels)], as a projection leaves it. */
function view(buffer: number, size: Size, tokens: number, channels: number, offset = 0): HeadsView {
  const width = size.heads * channels;
  return { buffer, offset, strides: [tokens * width, channels, width, 1] };
}

function forward(bench: Bench, size: Size): AttentionKernel {
  const { batch, heads, queries, keys, channels, valueChannels } = size;
  const outer = batch * heads;
  return {
    kind: "attention",
    ...about,
    pass: "forward",
    batch: [batch],
    heads,
    queries,
    keys,
    channels,
    valueChannels,
    scale: 3 / Math.sqrt(channels),
    q: view(bench.noise(outer * queries * channels), size, queries, channels),
    k: view(bench.noise(outer * keys * channels), size, keys, channels),
    v: view(bench.noise(outer * keys * valueChannels), size, keys, valueChannels),
    output: view(bench.output(outer * queries * valueChannels), size, queries, valueChannels),
    statistics: bench.output(outer * queries),
  };
}

describe("forward", () => {
  test.each(SIZES)("%o", async (size) => {
    const bench = new Bench();
    await bench.check(forward(bench, size), 5e-6, generatorsFor(size));
  });

  test("q, k and v are parts of one array, and large scores do not overflow", async () => {
    const bench = new Bench();
    const [queries, heads, channels] = [21, 2, 8];
    const packed = bench.noise(queries * 3 * heads * channels);
    const size = { batch: 1, heads, queries, keys: queries, channels, valueChannels: channels };
    const part = (offset: number): HeadsView => ({
      buffer: packed,
      offset: offset * heads * channels,
      strides: [0, channels, 3 * heads * channels, 1],
    });
    const kernel = forward(bench, size);
    await bench.check({ ...kernel, q: part(0), k: part(1), v: part(2), scale: 100 }, 2e-5, [
      forSoftware,
    ]);
  });
});

describe("backward", () => {
  test.each(SIZES)("%o", async (size) => {
    const { batch, heads, queries, keys, channels, valueChannels } = size;
    const bench = new Bench();
    const made = new Bench();
    const kernel = forward(bench, size);
    forward(made, size);
    // The forward pass, run plainly, gives the output and statistics that the backward pass reads.
    const outer = batch * heads;
    made.runPlainly(kernel);
    bench.values.splice(0, bench.values.length, ...made.values);
    await bench.check(
      {
        ...kernel,
        pass: "backward",
        dOutput: view(bench.noise(outer * queries * valueChannels), size, queries, valueChannels),
        dq: view(bench.output(outer * queries * channels), size, queries, channels),
        dk: view(bench.output(outer * keys * channels), size, keys, channels),
        dv: view(bench.output(outer * keys * valueChannels), size, keys, valueChannels),
      },
      1e-5,
      generatorsFor(size),
    );
  });
});
