// What a device can reach at best: arithmetic and memory, each measured on it. What a kernel's time is held against.
import { Builder } from "../../compiler/graph/builder.ts";
import type { Node } from "../../compiler/graph/graph.ts";
import { fuse } from "../../compiler/kernels/fuse.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import { planProgram } from "../../compiler/program/plan.ts";
import type { Program } from "../../compiler/program/program.ts";
import { peakProbe, peakProbeFlops } from "../../compiler/wasm/peak-probe.ts";
import { wasmTarget } from "../../compiler/wasm/generate.ts";
import { webgpuTarget } from "../../compiler/wgsl/generate.ts";
import type { LoadedProgram } from "../device/device.ts";

export interface MachinePeak {
  /** Floating point operations in a second, in f32, by all threads together. */
  readonly flops: number;
  /** Bytes read and written in a second, of arrays too large for the caches. */
  readonly bytes: number;
}

export interface PeakSettings {
  readonly target: "wasm" | "webgpu";
  readonly limits: Limits;
  readonly threads: number;
  /** Whether the wasm engine fuses multiply and add. */
  readonly relaxed: boolean;
  /** Milliseconds from any start. */
  readonly clock: () => number;
  readonly load: (program: Program) => Promise<LoadedProgram>;
}

export async function measurePeak(settings: PeakSettings): Promise<MachinePeak> {
  const flops =
    settings.target === "wasm"
      ? (await threadPeak(settings.relaxed, settings.clock)) * settings.threads
      : await rate(settings, chains, 2 ** 20);
  return { flops, bytes: await rate(settings, stream, 2 ** 23) };
}

const tries = 12;

/** The best of several: whatever else runs on the machine only slows it. */
export async function threadPeak(relaxed: boolean, clock: () => number): Promise<number> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = await WebAssembly.compile(peakProbe(relaxed));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const probe = exports["probe"] as (turns: number, b: number, c: number, at: number) => void;
  const turns = 100_000;
  let best = 0;
  for (let i = 0; i < tries; i++) {
    const start = clock();
    probe(turns, 0, 0, 0);
    best = Math.max(best, (turns * peakProbeFlops) / ((clock() - start) / 1000));
  }
  return best;
}

interface Work {
  readonly value: (g: Builder, x: Node) => Node;
  /** What is counted for each element: operations, or bytes. */
  readonly each: number;
}

/** Eight chains side by side, long enough that memory does not matter. */
const chains: Work = {
  each: 8 * 32 * 2,
  value: (g, x) => {
    const ends = Array.from({ length: 8 }, (_, chain) => {
      let value = g.plus(x, chain / 8);
      for (let i = 0; i < 32; i++) value = g.plus(g.multiply(value, 0.999), 0.001 + chain / 1000);
      return value;
    });
    return ends.reduce((sum, end) => g.plus(sum, end));
  },
};

const stream: Work = { each: 8, value: (g, x) => g.plus(x, 1) };

async function rate(settings: PeakSettings, work: Work, length: number): Promise<number> {
  const g = new Builder();
  const y = work.value(g, g.input("x", { shape: [length], dtype: "f32" }));
  const graph = g.finish({ outputs: [{ name: "y", value: y }] });
  const type = { shape: [length], dtype: "f32" } as const;
  const entry = { name: "peak", kernels: fuse(graph), inputs: [{ name: "x", ...type }], outputs: [{ name: "y", ...type }] }; // prettier-ignore
  const target = settings.target === "wasm" ? wasmTarget : webgpuTarget;
  const program = planProgram([entry], { residents: [], parts: [] }, target, settings.limits);
  const loaded = await settings.load(program);
  try {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < tries; i++) {
      const [ms] = await loaded.profile("peak");
      if (ms! > 0) best = Math.min(best, ms!);
    }
    return (work.each * length) / (best / 1000);
  } finally {
    loaded.close();
  }
}
