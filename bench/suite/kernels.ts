// Single kernels as the compiler makes them, on one thread and on several in turn, each held against what the machine
// can reach at best, which is measured first: arithmetic, or memory where that is what a kernel needs more of.
import { WASM_LIMITS } from "../../compiler/program/limits.ts";
import type { Dispatch } from "../../compiler/program/program.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import type { LoadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { loadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { createWasmDevice, type WasmDevice } from "../../runtime/device/wasm.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { measurePeak } from "../../runtime/profile/machine-peak.ts";
import { generatedInputs } from "../../runtime/profile/profile.ts";
import { compileSpec } from "../../runtime/spec/compile-spec.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import { initialize } from "../../runtime/training/initialize.ts";
import type { KernelResult, KernelTime, PeakResult } from "./figures.ts";
import { spreadOf } from "./measure.ts";

/** A kernel, or the few that a thing takes, out of a model's forward pass or a recipe's training step. */
interface Bench {
  readonly group: string;
  readonly name: string;
  readonly target: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly batch?: number;
  /** Of the entry's dispatches; all, unless said. */
  readonly chosen?: (dispatch: Dispatch) => boolean;
}

const kernels = "bench/kernels.vit";
const settingsOf = (numbers: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));

type Form = "Product" | "ProductByInput" | "ProductByWeights";
const forms: Readonly<Record<Form, string>> = {
  Product: "",
  ProductByInput: ", by input",
  ProductByWeights: ", by weights",
};

function product(m: number, n: number, k: number, form: Form = "Product"): Bench {
  const settings = settingsOf({ m, n, k });
  return { group: "product", name: `${m} x ${n} x ${k}${forms[form]}`, target: `${kernels}:${form}`, settings }; // prettier-ignore
}

function model(
  group: string,
  name: string,
  block: string,
  numbers: Readonly<Record<string, number>>,
  batch?: number,
): Bench {
  const target = `${kernels}:${block}`;
  return { group, name, target, settings: settingsOf(numbers), ...(batch === undefined ? {} : { batch }) }; // prettier-ignore
}

function partOf(
  recipe: string,
  group: string,
  name: string,
  chosen: (dispatch: Dispatch) => boolean,
): Bench {
  return { group, name, target: `bench/models.vit:${recipe}`, chosen };
}

const layer = "model.layers.3";

export const benches: readonly Bench[] = [
  product(768, 768, 768),
  product(64, 64, 64),
  product(2176, 192, 64),
  product(64, 192, 2176, "ProductByWeights"),
  product(1576, 576, 192),
  product(1576, 192, 576, "ProductByInput"),
  product(192, 576, 1576, "ProductByWeights"),
  product(1576, 1536, 384),
  product(384, 1536, 1576, "ProductByWeights"),
  product(1576, 768, 3072, "ProductByInput"),
  product(768, 3072, 1576, "ProductByWeights"),
  model("convolution", "8 x 14^2, 256 to 256, 3 x 3", "Convolution", { size: 14, width: 256, out: 256 }, 8), // prettier-ignore
  model("convolution", "8 x 56^2, 64 to 64, 3 x 3", "Convolution", { size: 56, width: 64, out: 64 }, 8), // prettier-ignore
  model("depthwise", "8 x 56^2, 96, 7 x 7", "Depthwise", { size: 56, width: 96, kernel: 7 }, 8),
  model("depthwise", "8 x 14^2, 384, 3 x 3", "Depthwise", { size: 14, width: 384, kernel: 3 }, 8),
  model("attention", "8 x 3 heads, 197^2 x 64, forward", "Attend", { heads: 3, tokens: 197, c: 64 }, 8), // prettier-ignore
  model("attention", "128 x 4 heads, 17^2 x 16, forward", "Attend", { heads: 4, tokens: 17, c: 16 }, 128), // prettier-ignore
  partOf("vit_tiny", "attention", "8 x 3 heads, 197^2 x 64, backward", ({ path, phase, label }) => path === `${layer}.attn` && phase === "backward" && label.includes("attention")), // prettier-ignore
  model("layer norm", "1576 x 192", "Norm", { rows: 1576, width: 192 }),
  model("layer norm", "12608 x 768", "Norm", { rows: 12608, width: 768 }),
  partOf("vit_tiny", "layer norm", "two of 1576 x 192 and their residuals, backward", ({ path, phase }) => path === layer && phase === "backward"), // prettier-ignore
  model("softmax", "4728 x 197", "Softmax", { rows: 4728, cols: 197 }),
  partOf("vit_tiny", "update", "Adam, 5.4M parameters", ({ phase }) => phase === "update"),
];

export interface KernelSettings {
  /** Each once on one device. */
  readonly threads: readonly number[];
  /** Milliseconds for each kernel. */
  readonly milliseconds: number;
  readonly wanted: (name: string) => boolean;
}

export async function measureKernels({
  threads,
  milliseconds,
  wanted,
}: KernelSettings): Promise<{ peaks: PeakResult[]; kernels: KernelResult[] }> {
  const devices = await Promise.all(threads.map((each) => createWasmDevice({ threads: each })));
  try {
    const peaks: PeakResult[] = [];
    for (const device of devices) peaks.push(await peakOf(device));
    const results: KernelResult[] = [];
    for (const bench of benches.filter(({ group, name }) => wanted(`${group} ${name}`)))
      results.push(await measureKernel(bench, devices, peaks, milliseconds));
    return { peaks, kernels: results };
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
}

async function peakOf(device: WasmDevice): Promise<PeakResult> {
  const { threads, relaxed } = device;
  const load = (program: Parameters<WasmDevice["load"]>[0]) => device.load(program);
  const peak = await measurePeak({ target: "wasm", limits: WASM_LIMITS, threads, relaxed, clock: nodeHost.now, load }); // prettier-ignore
  return { threads, ...peak };
}

async function measureKernel(
  bench: Bench,
  devices: readonly WasmDevice[],
  peaks: readonly PeakResult[],
  milliseconds: number,
): Promise<KernelResult> {
  const { group, name, target, settings = {}, batch, chosen = () => true } = bench;
  const spec = compileSpec(
    parseTarget(target),
    { files: specFiles(), catalog: catalog(nodeHost), settings, ...(batch === undefined ? {} : { batch }) }, // prettier-ignore
    { target: "wasm", limits: WASM_LIMITS },
  );
  const { program } = spec.compiled;
  const entry = program!.entries.find((each) => each.name === (spec.kind === "recipe" ? "train" : "forward"))!; // prettier-ignore
  const places = entry.steps.flatMap((step, at) => (step.kind === "dispatch" && chosen(step) ? [at] : [])); // prettier-ignore
  if (places.length === 0) throw new Error(`${target} has no kernel for ${group}, ${name}`);
  const dispatches = places.map((at) => entry.steps[at] as Dispatch);
  const sum = (of: (dispatch: Dispatch) => number) => dispatches.reduce((total, each) => total + of(each), 0); // prettier-ignore
  const [flops, bytes] = [sum((each) => each.flops), sum((each) => each.bytes)];
  const loaded: LoadedCompilation[] = [];
  for (const device of devices) {
    const one = loadedCompilation(spec.compiled, await device.load(program!));
    initialize(one, 0, nodeHost.files);
    one.run(entry.name, generatedInputs(one.inputs(entry.name)));
    loaded.push(one);
  }
  const times = devices.map((): number[] => []);
  const started = nodeHost.now();
  for (let round = 0; round < 5 || nodeHost.now() - started < milliseconds; round++)
    for (const [i, one] of loaded.entries()) {
      const all = await one.profile(entry.name);
      times[i]!.push(places.reduce((total, at) => total + all[at]!, 0));
    }
  loaded.forEach((one) => one.close());
  const judged = times.map((ms, i): KernelTime => {
    const { threads, ...peak } = peaks[i]!;
    const spread = spreadOf(ms);
    const [arithmetic, memory] = [(flops / peak.flops) * 1000, (bytes / peak.bytes) * 1000];
    return {
      threads,
      spread,
      ofPeak: Math.max(arithmetic, memory) / spread.least,
      limit: arithmetic > memory ? "arithmetic" : "memory",
    };
  });
  return { group, name, flops, bytes, times: judged };
}
