// What a WebGPU device allocates for a program besides its arenas: offsets of every dispatch's buffers, and staging
// from which the host reads. The compiler's footprint and the device both get it from here, so they agree.
import type { Copy, Dispatch, Entry, HostStep, Place, Program, Slot } from "../program/program.ts";
import { offsetWords } from "./bindings.ts";

/** Offsets of bindings are multiples of this. */
const ALIGNMENT = 256;

/** The largest piece of a resident array that is read at once. */
const RESIDENT_PIECE = 4 * 1024 * 1024;

/** Runs whose outputs may wait on the device until they are read together. */
export const mostKeptRuns = 64;

/** Outputs of a run that may be kept: metrics. Of more bytes, or of a row for each example, they are for `readOutput`. */
const LARGEST_KEPT = 16 * 1024;

export interface DeviceMemory {
  readonly arenas: readonly number[];
  /** One uniform buffer with a block for each distinct list of offsets. */
  readonly offsets: { readonly bytes: number; readonly blocks: readonly OffsetBlock[] };
  /** By entry: buffers of one run's outputs, as many as runs may be read at once. */
  readonly staging: readonly Staging[];
  /** Outputs of many runs of any entry: while one buffer is read, the next runs fill the other. */
  readonly kept: { readonly bytes: number; readonly buffers: number };
  readonly residentStagingBytes: number;
  /** What the largest step of the host reads. */
  readonly hostStagingBytes: number;
  readonly totalBytes: number;
}

export interface OffsetBlock {
  readonly at: number;
  readonly words: Uint32Array<ArrayBuffer>;
}

export interface Staging {
  readonly entry: string;
  readonly bytes: number;
  readonly buffers: number;
  readonly outputs: readonly { readonly slot: Slot; readonly at: number }[];
}

export function planDeviceMemory(program: Program): DeviceMemory {
  // whole vectors, so that a shader that reads four elements at a time reaches the last one
  const arenas = program.arenas.map((arena) => Math.max(16, alignUp(arena.bytes, 16)));
  const offsets = planOffsets(program);
  const staging = program.entries.map(planStaging);
  const kept = planKept(staging);
  const residentStagingBytes = Math.min(
    RESIDENT_PIECE,
    Math.max(0, ...program.residents.map(slotBytes)),
  );
  const hostStagingBytes = Math.max(
    0,
    ...program.entries.flatMap(({ steps }) =>
      steps.map((step) => (step.kind === "host" ? hostReadBytes(step) : 0)),
    ),
  );
  const stagingBytes = staging.reduce((sum, of) => sum + of.bytes * of.buffers, 0);
  const totalBytes =
    arenas.reduce((sum, bytes) => sum + bytes, 0) +
    offsets.bytes +
    stagingBytes +
    kept.bytes * kept.buffers +
    residentStagingBytes +
    hostStagingBytes;
  return { arenas, offsets, staging, kept, residentStagingBytes, hostStagingBytes, totalBytes };
}

/** Whether an entry's outputs may wait on the device for those of other runs. */
export function mayKeep({ bytes, outputs }: Staging): boolean {
  return bytes <= LARGEST_KEPT && outputs.every(({ slot }) => slot.shape.length <= 1);
}

function planKept(staging: readonly Staging[]): DeviceMemory["kept"] {
  const sizes = staging.filter(mayKeep).map(({ bytes }) => bytes);
  const bytes = mostKeptRuns * Math.max(0, ...sizes);
  return { bytes, buffers: bytes === 0 ? 0 : 2 };
}

/** Bytes that the webgpu device allocates for this program, to the last one. */
export function webgpuBytes(program: Program): number {
  return planDeviceMemory(program).totalBytes;
}

/** The places that a step's offsets name. */
export function placesOf(step: Dispatch | Copy): readonly Place[] {
  return step.kind === "dispatch" ? step.places : [step.from, step.to];
}

/** What the step's uniform holds: an offset for each place; for a copy its length comes after them. */
export function stepWords(step: Dispatch | Copy): Uint32Array<ArrayBuffer> {
  const words = offsetWords(placesOf(step));
  if (step.kind === "copy") words[2] = step.bytes / 4;
  return words;
}

/** A name for a list of offsets: steps with equal ones share a block. */
export function offsetsKey(words: Uint32Array): string {
  return words.join(" ");
}

/** Bytes of all that a step of the host reads, one array behind the other. */
export function hostReadBytes(step: HostStep): number {
  return step.inputs.reduce((sum, input) => sum + slotBytes(input), 0);
}

export function slotBytes(slot: Pick<Slot, "shape">): number {
  return slot.shape.reduce((product, extent) => product * extent, 4);
}

function planOffsets(program: Program): DeviceMemory["offsets"] {
  const blocks = new Map<string, OffsetBlock>();
  let bytes = 0;
  for (const step of program.entries.flatMap((entry) => entry.steps)) {
    if (step.kind === "host") continue;
    const words = stepWords(step);
    if (blocks.has(offsetsKey(words))) continue;
    blocks.set(offsetsKey(words), { at: bytes, words });
    bytes += alignUp(words.byteLength, ALIGNMENT);
  }
  return { bytes, blocks: [...blocks.values()] };
}

function planStaging(entry: Entry): Staging {
  let bytes = 0;
  const outputs = entry.outputs.map((slot) => {
    const at = bytes;
    bytes += slotBytes(slot);
    return { slot, at };
  });
  return { entry: entry.name, bytes, buffers: bytes === 0 ? 0 : bytes <= 1 << 20 ? 4 : 2, outputs };
}

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
