// The figures of a run -> what was promised, beside what was measured.
import type { CompileResult, PeerResult, SuiteFigures } from "../suite/figures.ts";

export interface Floor {
  readonly what: string;
  readonly floor: number;
  readonly aim: number;
  /** `x`: times as fast; `ms`; `share` of a peak; `count`. */
  readonly unit: "x" | "ms" | "share" | "count";
  /** Ratios and shares should be large, the others small. */
  readonly measured: number | { readonly missing: string };
}

type Measured = Floor["measured"];
const missing = (why: string): Measured => ({ missing: why });

export function floorsOf(figures: SuiteFigures): Floor[] {
  const against = (workload: string, peers: RegExp, own = /^Vitrail, wasm/) => ratio(figures, workload, own, peers); // prettier-ignore
  const javascript = /^(jax-js|TensorFlow\.js), (wasm|cpu)/;
  const webgpu = /^Vitrail, WebGPU/;
  return [
    { what: "digits ViT, training step, against the fastest JavaScript peer", floor: 5, aim: 8, unit: "x", measured: against("digits", javascript) },
    { what: "the same, against PyTorch on the CPU with as many threads", floor: 1, aim: 2, unit: "x", measured: against("digits", /^PyTorch, native/) },
    { what: "ViT-Ti/16 at 224, training at batch 8, against the fastest JavaScript peer", floor: 8, aim: 11, unit: "x", measured: against("vit-tiny", javascript) },
    { what: "the same, against PyTorch on the CPU", floor: 0.4, aim: 0.7, unit: "x", measured: against("vit-tiny", /^PyTorch, native/) },
    { what: "ResNet-50 at 224, forward at batch 1, against ONNX Runtime", floor: 0.25, aim: 0.4, unit: "x", measured: against("resnet50-forward", /^ONNX/) },
    { what: "matrix product 768 cube, one thread, of the measured 128-bit peak", floor: 0.65, aim: 0.8, unit: "share", measured: productOfPeak(figures) },
    { what: "several threads over one, ViT-Ti/16 training", floor: 1.6, aim: 1.85, unit: "x", measured: threadsOverOne(figures) },
    { what: "dispatches in a ViT training step, for each layer (ViT-B/16)", floor: 24, aim: 18, unit: "count", measured: compiled(figures, "vit_base", ({ dispatches, layers }) => (dispatches.forward + dispatches.backward + dispatches.update) / layers!) },
    { what: "optimizer dispatches, clipping included (ViT-B/16)", floor: 4, aim: 2, unit: "count", measured: compiled(figures, "vit_base", ({ optimizerDispatches }) => optimizerDispatches) },
    { what: "planned memory over the largest live set (the worst of what is compiled below)", floor: 1.05, aim: 1.02, unit: "count", measured: worstPlan(figures) },
    { what: "compile ViT-B/16's training step", floor: 500, aim: 200, unit: "ms", measured: compiled(figures, "vit_base", ({ milliseconds }) => milliseconds.median) },
    { what: "compile ViT-G/14's training step", floor: 1500, aim: 500, unit: "ms", measured: compiled(figures, "vit_giant", ({ milliseconds }) => milliseconds.median) },
    { what: "WebGPU on a GPU: ViT-S/16 training against jax-js on the same adapter", floor: 2, aim: 4, unit: "x", measured: against("vit-small", /^jax-js, WebGPU/, webgpu) },
    { what: "the same against PyTorch in float32, eager", floor: 0.3, aim: 0.6, unit: "x", measured: against("vit-small", /^PyTorch, CUDA/, webgpu) },
  ]; // prettier-ignore
}

/** Whether a figure keeps its promise. */
export function verdict({ floor, aim, unit, measured }: Floor): string {
  if (typeof measured !== "number") return measured.missing;
  const keeps = (promised: number) =>
    unit === "x" || unit === "share" ? measured >= promised : measured <= promised;
  if (keeps(aim)) return "aim reached";
  return keeps(floor) ? "floor reached" : "**below the floor**";
}

function ratio(figures: SuiteFigures, name: string, own: RegExp, peers: RegExp): Measured {
  const results = resultsOf(figures, name);
  const us = withMostThreads(results.filter((each) => own.test(each.name)));
  const theirs = results.filter((each) => peers.test(each.name));
  if (us?.spread === undefined) return missing(us?.why ?? "not measured");
  const them = fastest(theirs.filter(({ threads }) => (threads ?? 1) === us.threads || !hasThreads(theirs, us.threads))); // prettier-ignore
  if (them?.spread === undefined) return missing(theirs[0]?.why ?? "not measured");
  return them.spread.median / us.spread.median;
}

/** A peer that runs with as many threads as we do is compared there. */
function hasThreads(results: readonly PeerResult[], threads: number | undefined): boolean {
  return results.some((each) => each.threads === threads);
}

function resultsOf({ workloads }: SuiteFigures, name: string): readonly PeerResult[] {
  return workloads.find(({ workload }) => workload.name === name)?.results ?? [];
}

function withMostThreads(results: readonly PeerResult[]): PeerResult | undefined {
  return [...results].sort((one, other) => (other.threads ?? 1) - (one.threads ?? 1))[0];
}

function fastest(results: readonly PeerResult[]): PeerResult | undefined {
  const median = ({ spread }: PeerResult) => spread?.median ?? Infinity;
  return [...results].sort((one, other) => median(one) - median(other))[0];
}

function threadsOverOne(figures: SuiteFigures): Measured {
  const own = resultsOf(figures, "vit-tiny").filter(({ name }) => name === "Vitrail, wasm");
  const [several, one] = [withMostThreads(own), own.find(({ threads }) => threads === 1)];
  if (several?.spread === undefined || one?.spread === undefined || several === one)
    return missing("not measured");
  return one.spread.median / several.spread.median;
}

function productOfPeak({ kernels }: SuiteFigures): Measured {
  const found = kernels.find(({ group, name }) => group === "product" && name === "768 x 768 x 768"); // prettier-ignore
  return found?.times.find(({ threads }) => threads === 1)?.ofPeak ?? missing("not measured");
}

function compiled(
  { compilations }: SuiteFigures,
  recipe: string,
  of: (result: CompileResult) => number,
): Measured {
  const found = compilations.find(({ target }) => target.endsWith(`:${recipe}`));
  return found === undefined ? missing("not measured") : of(found);
}

function worstPlan({ compilations }: SuiteFigures): Measured {
  if (compilations.length === 0) return missing("not measured");
  return Math.max(...compilations.map(({ memory }) => memory.total / memory.lowerBound));
}
