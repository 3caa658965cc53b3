// Speed of single kernels on the wasm device, on one thread and on two: `npx tsx bench/wasm-kernels.ts`.
// Best of many runs; matrix products are packed anew in each, as in a training step.
import type {
  AttentionKernel,
  Axis,
  ContractionKernel,
  Expression,
  HeadsView,
  Kernel,
} from "../compiler/kernels/kernel.ts";
import {
  add,
  axisIndex,
  constantIndex,
  linearIndex,
  multiply,
} from "../compiler/ops/index-arithmetic.ts";
import type { Index } from "../compiler/ops/index-expression.ts";
import { createWasmDevice } from "../runtime/device/wasm.ts";
import type { WasmDevice } from "../runtime/device/wasm.ts";
import { programOf, typed } from "../test/compiler/wasm/run-kernels.ts";

const base = {
  id: 0,
  label: "bench",
  origin: { path: "" },
  macs: 0,
  flops: 0,
  phase: "forward",
} as const;
const axes = (...extents: number[]): Axis[] => extents.map((extent, id) => ({ id, extent }));
const over = (...list: Axis[]): Index =>
  linearIndex(list.map((axis) => axisIndex(axis.id, axis.extent)), list.map((axis) => axis.extent)); // prettier-ignore
const load = (buffer: number, index: Index): Expression => ({
  kind: "load",
  buffer,
  index,
  dtype: "f32",
});

interface Bench {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly kernel: Kernel;
  /** Floating point operations, or elements. */
  readonly work: number;
  readonly unit: string;
}

type Layout = "mk,kn" | "mk,nk" | "km,kn";

function product(M: number, N: number, K: number, layout: Layout = "mk,kn"): Bench {
  const [m, n, k] = axes(M, N, K) as [Axis, Axis, Axis];
  const kernel: ContractionKernel = {
    ...base,
    kind: "contraction",
    batch: [],
    m: [m],
    n: [n],
    k: [k],
    a: load(0, layout === "km,kn" ? over(k, m) : over(m, k)),
    b: load(1, layout === "mk,nk" ? over(n, k) : over(k, n)),
    stores: [{ buffer: 2, index: over(m, n), value: { kind: "accumulator", dtype: "f32" } }],
  };
  return { name: `${M} x ${N} x ${K} (${layout})`, lengths: [M * K, K * N, M * N], kernel, work: 2 * M * N * K, unit: "GFLOP/s" }; // prettier-ignore
}

function loops(): Bench[] {
  const [a, b] = axes(1088, 64) as [Axis, Axis];
  const x = load(0, over(a, b));
  const apply = (instruction: "negate" | "exp" | "erf" | "tanh" | "add" | "subtract" | "divide" | "log", ...args: Expression[]): Expression => ({ kind: "apply", instruction, arguments: args, dtype: "f32" }); // prettier-ignore
  const reduced = (stage: number): Expression => ({ kind: "reduced", stage, dtype: "f32" });
  const elementwise = (name: "negate" | "exp" | "erf" | "tanh" | "log"): Bench => ({
    name: `${name} of 1088 x 64`,
    lengths: [69632, 69632],
    work: 69632,
    unit: "G elements/s",
    kernel: { ...base, kind: "loop", grid: [a, b], row: [], stages: [{ kind: "store", over: "grid", store: { buffer: 1, index: over(a, b), value: apply(name, x) } }] }, // prettier-ignore
  });
  const e = apply("exp", apply("subtract", x, reduced(0)));
  return [
    ...(["negate", "exp", "log", "erf", "tanh"] as const).map(elementwise),
    {
      name: "softmax of 1088 rows of 64",
      lengths: [69632, 69632],
      work: 69632,
      unit: "G elements/s",
      kernel: {
        ...base, kind: "loop", grid: [a], row: [b],
        stages: [
          { kind: "reduce", reducer: "max", value: x, dtype: "f32" },
          { kind: "reduce", reducer: "sum", value: e, dtype: "f32" },
          { kind: "store", over: "row", store: { buffer: 1, index: over(a, b), value: apply("divide", e, reduced(1)) } },
        ],
      }, // prettier-ignore
    },
    {
      name: "column sums of 1088 x 64",
      lengths: [69632, 64],
      work: 69632,
      unit: "G elements/s",
      kernel: {
        ...base, kind: "loop", grid: [b], row: [a],
        stages: [
          { kind: "reduce", reducer: "sum", value: x, dtype: "f32" },
          { kind: "store", over: "grid", store: { buffer: 1, index: over(b), value: reduced(0) } },
        ],
      }, // prettier-ignore
    },
  ];
}

/** A 3 x 3 convolution with a border of zeros: forward, or by its weights. */
function convolution(
  images: number,
  size: number,
  input: number,
  output: number,
  byWeights = false,
): Bench {
  const [b, y, x, c, ky, kx, o] = axes(images, size, size, input, 3, 3, output) as [Axis, Axis, Axis, Axis, Axis, Axis, Axis]; // prettier-ignore
  const at = (axis: Axis): Index => axisIndex(axis.id, axis.extent);
  const row = add(at(y), at(ky), constantIndex(-1));
  const col = add(at(x), at(kx), constantIndex(-1));
  const place = add(multiply(at(b), size * size * input), multiply(row, size * input), multiply(col, input), at(c)); // prettier-ignore
  const image: Expression = {
    kind: "guard",
    conditions: [
      { index: row, low: 0, high: size },
      { index: col, low: 0, high: size },
    ],
    value: load(0, place),
    otherwise: { kind: "constant", value: 0, dtype: "f32" },
    dtype: "f32",
  };
  const lengths = [images * size * size * input, 9 * input * output, images * size * size * output];
  const value: Expression = { kind: "accumulator", dtype: "f32" };
  const sides = byWeights
    ? { m: [ky, kx, c], k: [b, y, x], b: load(2, over(b, y, x, o)), stores: [{ buffer: 1, index: over(ky, kx, c, o), value }] } // prettier-ignore
    : { m: [b, y, x], k: [ky, kx, c], b: load(1, over(ky, kx, c, o)), stores: [{ buffer: 2, index: over(b, y, x, o), value }] }; // prettier-ignore
  return {
    name: `conv ${images} x ${size}^2, ${input} to ${output}${byWeights ? ", dW" : ""}`,
    lengths,
    kernel: { ...base, kind: "contraction", batch: [], n: [o], a: image, ...sides },
    work: 2 * images * size * size * 9 * input * output,
    unit: "GFLOP/s",
  };
}

function attention(
  batch: number,
  heads: number,
  tokens: number,
  channels: number,
  pass: "forward" | "backward",
): Bench {
  const view = (buffer: number): HeadsView => ({
    buffer,
    offset: 0,
    strides: [tokens * heads * channels, channels, heads * channels, 1],
  });
  const size = batch * tokens * heads * channels;
  const kernel: AttentionKernel = {
    ...base, kind: "attention", pass, batch: [batch], heads, queries: tokens, keys: tokens, channels,
    valueChannels: channels, scale: channels ** -0.5,
    q: view(0), k: view(1), v: view(2), output: view(3), statistics: 4,
    ...(pass === "backward" ? { dOutput: view(5), dq: view(6), dk: view(7), dv: view(8) } : {}),
  }; // prettier-ignore
  const products = pass === "forward" ? 2 : 5;
  return {
    name: `attention ${batch} x ${heads}, ${tokens}^2 x ${channels}, ${pass}`,
    lengths: [size, size, size, size, batch * heads * tokens, size, size, size, size],
    kernel,
    work: products * 2 * batch * heads * tokens * tokens * channels,
    unit: "GFLOP/s",
  };
}

async function measure(device: WasmDevice, bench: Bench): Promise<number> {
  const buffers = bench.lengths.map((length) => ({ values: new Float64Array(length).map((_, i) => Math.sin(i)) })); // prettier-ignore
  const program = await device.load(
    programOf({ buffers, kernels: [bench.kernel] }, { share: false }),
  );
  buffers.forEach(({ values }, id) => program.writeResident(String(id), typed("f32", values)));
  let best = Number.POSITIVE_INFINITY;
  const started = performance.now();
  while (performance.now() - started < 500) {
    const before = performance.now();
    program.run("main", new Map());
    best = Math.min(best, performance.now() - before);
  }
  program.close();
  return bench.work / best / 1e6;
}

const benches = [
  product(197, 576, 192),
  product(64, 64, 64),
  product(768, 768, 768),
  product(1024, 64, 64),
  product(1088, 64, 64),
  product(1088, 192, 64),
  product(1088, 64, 192, "mk,nk"),
  product(64, 192, 1088, "km,kn"),
  product(768, 3072, 1576, "km,kn"),
  product(1576, 768, 3072, "mk,nk"),
  convolution(16, 28, 16, 32),
  convolution(16, 28, 16, 32, true),
  convolution(64, 28, 1, 16),
  convolution(64, 28, 1, 16, true),
  convolution(8, 14, 64, 64),
  ...(["forward", "backward"] as const).flatMap((pass) => [
    attention(64, 4, 17, 16, pass),
    attention(2, 3, 197, 64, pass),
  ]),
  ...loops(),
];
const devices = [await createWasmDevice({ threads: 1 }), await createWasmDevice({ threads: 2 }), await createWasmDevice({ threads: 1, relaxed: false })]; // prettier-ignore
console.log(`${"".padEnd(32)}1 thread   2 threads  1 thread, no fused multiply-add`);
for (const bench of benches.filter(({ name }) => name.includes(process.argv[2] ?? ""))) {
  const speeds: string[] = [];
  for (const device of devices) speeds.push((await measure(device, bench)).toFixed(2).padEnd(10));
  console.log(bench.name.padEnd(32) + speeds.join(" ") + bench.unit);
}
await Promise.all(devices.map((device) => device.close()));
