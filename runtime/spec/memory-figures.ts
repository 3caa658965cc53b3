// A compiled spec -> what its memory is for at the peak, as `vit compile` shows it: parameters, optimizer, gradients, what is
// saved for the backward pass, the rest; and the largest arrays with their places in the text.
import { positionAt } from "../../grammar/diagnostic.ts";
import type { Origin } from "../../compiler/graph/graph.ts";
import { isUnder } from "../../compiler/graph/lower/path-frame.ts";
import type { Footprint } from "../../compiler/program/footprint.ts";
import { memoryPeak } from "../../compiler/program/memory-peak.ts";
import type { ScratchKind } from "../../compiler/program/memory-peak.ts";
import type { CompiledSpec } from "./compile-spec.ts";

export interface MemoryFigures {
  /** Bytes by what they are for; they add up to the total. */
  readonly byKind: {
    readonly parameters: number;
    readonly optimizer: number;
    readonly gradients: number;
    readonly saved: number;
    readonly temporary: number;
    /** Batches, tables, and what the device needs beside. */
    readonly workspace: number;
    /** Between what lives at the peak and what the plan takes. */
    readonly unused: number;
  };
  /** Where the most lives at once; absent where nothing is kept between kernels. */
  readonly peak?: { readonly entry: string; readonly kernel: string; readonly phase: string };
  /** The largest arrays of a step that live then. */
  readonly largest: readonly LargeArray[];
}

export interface LargeArray {
  readonly kind: ScratchKind;
  readonly bytes: number;
  readonly module: string;
  /** Made by. */
  readonly kernel: string;
  /** `specs/vit.vit:31:8`, where a text says so. */
  readonly source?: string;
}

const shownArrays = 6;

export function memoryFigures(spec: CompiledSpec, memory: Footprint): MemoryFigures {
  const { program } = spec.compiled;
  const peak = program && memoryPeak(spec.entries ?? [], program.target, program.limits);
  const scratch = peak?.byKind ?? { gradients: 0, saved: 0, temporary: 0 };
  const { parameters, optimizer, activations, workspace } = memory;
  const largest = (peak?.holders ?? []).slice(0, shownArrays).map((holder): LargeArray => {
    const { kind, bytes, label, origin } = holder;
    const source = sourceOf(spec, origin);
    return { kind, bytes, module: origin.path, kernel: label, ...(source ? { source } : {}) };
  });
  return {
    byKind: { parameters, optimizer, ...scratch, workspace, unused: activations - (peak?.bytes ?? 0) },
    ...(peak ? { peak: { entry: peak.entry, kernel: peak.label, phase: peak.phase } } : {}),
    largest,
  }; // prettier-ignore
}

/** Where it stands; of what stands in the standard library, the place of the nearest part above that does not. */
function sourceOf(spec: CompiledSpec, origin: Origin): string | undefined {
  const { library } = spec;
  const modules = spec.kind === "recipe" ? spec.compiled.modules : spec.compiled.model.modules;
  const above = modules
    .filter(({ path }) => path !== "" && isUnder(origin.path, path))
    .sort((a, b) => b.path.length - a.path.length);
  const isOwn = ({ file }: Origin) => file !== undefined && library.files.get(file)?.isStandard === false; // prettier-ignore
  const own = [origin, ...above.map((module) => module.origin)].find(isOwn);
  const { file, span } = own ?? origin;
  const text = file === undefined ? undefined : library.sources.get(file);
  if (text === undefined || !span) return undefined;
  const { line, column } = positionAt(text, span.start);
  return `${file}:${line}:${column}`;
}
