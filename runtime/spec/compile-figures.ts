// A compiled program -> its figures, as `vit compile --json` prints them: known before anything runs.
import { deviceBytes } from "../../compiler/device-bytes.ts";
import type { Entry, Program } from "../../compiler/program/program.ts";
import type { Buffer } from "../../compiler/kernels/kernel.ts";
import { scalarWork } from "../../compiler/kernels/scalar-work.ts";
import { isHalf } from "../../compiler/ops/half.ts";
import { elementBytes, hasOwnArena } from "../../compiler/program/limits.ts";
import { footprint } from "../../compiler/program/footprint.ts";
import type { EntryKernels } from "../../compiler/program/entry-kernels.ts";
import type { Footprint } from "../../compiler/program/footprint.ts";
import type { CompiledSpec } from "./compile-spec.ts";
import { memoryFigures } from "./memory-figures.ts";
import type { MemoryFigures } from "./memory-figures.ts";

export interface CompileFigures {
  readonly target: "wasm" | "webgpu";
  /** Distinct pieces of generated code. */
  readonly kernels: number;
  /** Of a training step, or of a model's forward pass. */
  readonly dispatches: {
    readonly forward: number;
    readonly backward: number;
    readonly update: number;
    readonly total: number;
  };
  /** Bytes, of all programs together. */
  readonly memory: Footprint;
  /** What holds the memory where most of it is held. */
  readonly holding: MemoryFigures;
  /** Floating point operations, and bytes read and written, of a training step or a forward pass. */
  readonly flops: number;
  readonly bytes: number;
  /** Nodes of the graphs of all entries: what compiling takes follows them. */
  readonly nodes: number;
  /** Elementwise instructions of all entries, weighed by what one takes: see `scalarWork`. */
  readonly scalarWork: number;
  /** Bits that an f16 or bf16 takes in memory, the widest of them; absent where there is none. */
  readonly halfBits?: 16 | 32;
  /** Our own time: that in which the driver compiles pipelines is apart. */
  readonly compileMs: number;
}

/** Undefined for the interpreter, which has no program. `threads` is what wasm would run on: each has its scratch. */
export function compileFigures(spec: CompiledSpec, threads: number): CompileFigures | undefined {
  const { program, stages } = spec.compiled;
  if (program === undefined || spec.entries === undefined) return undefined;
  const steps = entriesOfStep(spec, program).flatMap((entry) => entry.steps);
  const dispatches = steps.filter((step) => step.kind === "dispatch");
  const inPhase = (phase: string) => dispatches.filter((step) => step.phase === phase).length;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const halfBits = widestHalf(program, spec.entries);
  const memory = footprint(program, spec.entries, deviceBytes(program, threads));
  return {
    target: program.target,
    kernels: program.codes.length,
    dispatches: {
      forward: inPhase("forward"),
      backward: inPhase("backward"),
      update: inPhase("update"),
      total: dispatches.length,
    },
    memory,
    holding: memoryFigures(spec, memory),
    flops: sum(dispatches.map(({ flops }) => flops)),
    bytes: sum(steps.map(({ bytes }) => bytes)),
    nodes: sum(spec.compiled.graphs.map(({ graph }) => graph.nodes.length)),
    scalarWork: sum(spec.entries.flatMap((entry) => entry.kernels.kernels.map(scalarWork))),
    ...(halfBits ? { halfBits } : {}),
    compileMs: Math.round(sum(stages.map(({ ms }) => ms)) * 10) / 10,
  };
}

/**
 * What one training step (or forward pass) runs: the parts of a split batch are run one after another, then the update. Where settings are drawn
 * at each step, of the choice that has the most to compute.
 */
export function entriesOfStep(spec: CompiledSpec, { entries }: Program): readonly Entry[] {
  const named = (name: string): Entry[] => entries.filter((each) => each.name === name);
  if (spec.kind === "model") return named("forward");
  const whole = costliest(entries, "train");
  if (whole !== undefined) return [whole];
  const part = costliest(entries, "accumulate")!;
  return [...Array.from({ length: spec.compiled.plan.accumulate }, () => part), ...named("update")];
}

function costliest(entries: readonly Entry[], name: string): Entry | undefined {
  const choices = entries.filter(
    (entry) => entry.name === name || entry.name.startsWith(`${name}.`),
  );
  const flops = ({ steps }: Entry): number =>
    steps.reduce((sum, step) => sum + (step.kind === "dispatch" ? step.flops : 0), 0);
  return choices.sort((one, other) => flops(other) - flops(one))[0];
}

function widestHalf(
  { target, limits }: Program,
  entries: readonly EntryKernels[],
): 16 | 32 | undefined {
  const halves = entries
    .flatMap(({ kernels }) => kernels.buffers)
    .filter(({ dtype }) => isHalf(dtype));
  if (halves.length === 0) return undefined;
  const isShort = ({ dtype, role }: Buffer): boolean =>
    elementBytes(dtype, target) === 2 ||
    (role.kind === "scratch" && hasOwnArena(dtype, target, limits));
  return halves.every(isShort) ? 16 : 32;
}
