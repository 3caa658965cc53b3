// Speed of single kernels on the wasm device, on one thread and on two: `npx tsx bench/wasm-kernels.ts`.
// Best of many runs; matrix products are packed anew in each, as in a training step.
import type { Axis, ContractionKernel, Expression, Kernel } from "../compiler/kernels/kernel.ts";
import { axisIndex, linearIndex } from "../compiler/ops/index-arithmetic.ts";
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
