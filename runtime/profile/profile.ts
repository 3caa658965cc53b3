// A compiled recipe or model on a device -> where the time of one training step (or forward pass) goes: each kernel's
// time, held against its work, what the device can reach, and the line of the spec that it came from.
// The step runs on generated values, so that no data set is needed; how long a kernel takes does not depend on them.
import { positionAt } from "../../grammar/diagnostic.ts";
import type { Origin } from "../../compiler/graph/graph.ts";
import type { Kernel } from "../../compiler/kernels/kernel.ts";
import type { Dispatch, Entry } from "../../compiler/program/program.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { TypedArray } from "../device/device.ts";
import type { EntryInput, LoadedCompilation } from "../device/loaded-compilation.ts";
import { asStored } from "../device/loaded-compilation.ts";
import type { Host } from "../host/host.ts";
import { entriesOfStep } from "../spec/compile-figures.ts";
import type { CompiledSpec } from "../spec/compile-spec.ts";
import { initialize } from "../training/initialize.ts";
import { kernelGroups, type KernelGroup } from "./kernel-groups.ts";
import type { MachinePeak } from "./machine-peak.ts";

export interface ProfiledStep {
  readonly label: string;
  /** `loop`, `contraction`, `attention`, `scatter`, `copy`, or `host`. */
  readonly kind: Kernel["kind"] | "copy" | "host";
  /** Module path; empty where none is behind it. */
  readonly path: string;
  readonly phase: Dispatch["phase"];
  /** `specs/vit.vit:8:5`, where text of a spec is behind it. */
  readonly source?: string;
  /** Median. */
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
  /** The time that the device needs for this work at best, as a share of the time that it took. */
  readonly ofPeak: number;
  /** What the time at best is made of; `start` where the step is hardly longer than an empty one. */
  readonly limit: "arithmetic" | "memory" | "start";
}

export interface Profile {
  readonly device: string;
  readonly subject: "training step" | "forward pass";
  readonly batch: number;
  readonly repeats: number;
  readonly peak: MachinePeak;
  /** One whole step, run as in training: median. */
  readonly wholeMs: number;
  /** Sum of the steps' times: what starting them one by one adds is in here. */
  readonly sumMs: number;
  /** In the order in which they run. */
  readonly steps: readonly ProfiledStep[];
  /** The same with equal layers together, the longest first. */
  readonly groups: readonly KernelGroup[];
}

export interface ProfileSettings {
  readonly repeats: number;
  readonly seed: number;
  readonly peak: MachinePeak;
}

export async function profileSpec(
  spec: CompiledSpec,
  device: ChosenDevice,
  host: Host,
  { repeats, seed, peak }: ProfileSettings,
): Promise<Profile> {
  const loaded = await device.load(spec.compiled);
  try {
    initialize(loaded, seed, host.files);
    const entries = entriesOfStep(spec, spec.compiled.program!);
    for (const { name } of entries) loaded.run(name, generatedInputs(loaded.inputs(name)));
    const whole: number[] = [];
    const times: number[][] = [];
    for (let i = 0; i < repeats; i++) {
      const start = host.now();
      for (const { name } of entries) loaded.run(name, new Map());
      await loaded.finish();
      whole.push(host.now() - start);
      times.push((await timesOf(loaded, entries)).flat());
    }
    const shortest = Math.min(...medians(times).filter((ms) => ms > 0));
    const steps = entries
      .flatMap((entry) => entry.steps.map((step, at) => describeStep(spec, entry, step, at)))
      .map((step, at) => judged(step, medians(times)[at]!, peak, shortest));
    return {
      device: device.description,
      subject: spec.kind === "recipe" ? "training step" : "forward pass",
      batch: spec.kind === "recipe" ? spec.compiled.plan.batch : batchOf(entries),
      repeats,
      peak,
      wholeMs: median(whole),
      sumMs: steps.reduce((sum, { ms }) => sum + ms, 0),
      steps,
      groups: kernelGroups(steps),
    };
  } finally {
    loaded.close();
  }
}

async function timesOf(loaded: LoadedCompilation, entries: readonly Entry[]): Promise<number[][]> {
  const times: number[][] = [];
  for (const { name } of entries) times.push([...(await loaded.profile(name))]);
  return times;
}

function batchOf(entries: readonly Entry[]): number {
  return entries[0]?.inputs[0]?.shape[0] ?? 1;
}

// ---- inputs ----

/** Numbers between -1 and 1 for what is real, a small rate for scalars, zeros for labels and ids, which are always in range. */
export function generatedInputs(inputs: readonly EntryInput[]): Map<string, TypedArray> {
  return new Map(
    inputs.map(({ name, shape, dtype }) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      const isReal = dtype === "f32" || dtype === "f16" || dtype === "bf16";
      const value = (i: number) => (shape.length === 0 ? 1e-3 : Math.sin(i * 12.9898));
      return [name, asStored(Float64Array.from({ length }, (_, i) => (isReal ? value(i) : 0)), dtype)]; // prettier-ignore
    }),
  );
}

// ---- steps ----

type Described = Omit<ProfiledStep, "ms" | "ofPeak" | "limit">;

function describeStep(
  spec: CompiledSpec,
  entry: Entry,
  step: Entry["steps"][number],
  at: number,
): Described {
  if (step.kind === "copy")
    return { label: "copy", kind: "copy", path: "", phase: "update", flops: 0, bytes: step.bytes };
  const { path, phase, bytes } = step;
  // A kernel is named after its module and what it does; the module has a place of its own here.
  const label = step.label.startsWith(`${path} `) ? step.label.slice(path.length + 1) : step.label;
  const { origin, kind } = spec.entries!.find(({ name }) => name === entry.name)!.kernels.kernels[at]!; // prettier-ignore
  const source = sourceOf(spec, origin);
  const flops = step.kind === "host" ? 0 : step.flops;
  return { label, kind, path, phase, ...(source && { source }), flops, bytes };
}

function sourceOf({ library }: CompiledSpec, { file, span }: Origin): string | undefined {
  const text = file === undefined ? undefined : library.sources.get(file);
  if (text === undefined || span === undefined) return undefined;
  const { line, column } = positionAt(text, span.start);
  return `${file}:${line}:${column}`;
}

function judged(step: Described, ms: number, peak: MachinePeak, shortest: number): ProfiledStep {
  const arithmetic = (step.flops / peak.flops) * 1000;
  const memory = (step.bytes / peak.bytes) * 1000;
  const atBest = Math.max(arithmetic, memory);
  const isShort = ms < 3 * shortest && atBest < ms / 2;
  const limit = isShort ? "start" : arithmetic > memory ? "arithmetic" : "memory";
  return { ...step, ms, ofPeak: ms > 0 ? atBest / ms : 0, limit };
}

function medians(times: readonly (readonly number[])[]): number[] {
  return (times[0] ?? []).map((_, at) => median(times.map((run) => run[at]!)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
