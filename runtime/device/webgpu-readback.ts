// Reading what a WebGPU program has made: copies into staging buffers that were made at load, then mapped.
import {
  mayKeep,
  mostKeptRuns,
  slotBytes,
  type Staging,
} from "../../compiler/wgsl/device-memory.ts";
import type { DType } from "../../compiler/graph/graph.ts";
import type { Slot } from "../../compiler/program/program.ts";
import type { KeptOutputs, TypedArray } from "./device.ts";

const MAP_READ = 1; // GPUMapMode.READ

/** The outputs of one entry. All of a run's outputs are fetched by the first read after it, in one go. */
export class EntryOutputs {
  private readonly gpuDevice: GPUDevice;
  private readonly arenas: readonly GPUBuffer[];
  private readonly plan: Staging;
  private readonly free: GPUBuffer[];
  private current: Promise<ArrayBuffer> | undefined;

  constructor(
    gpuDevice: GPUDevice,
    arenas: readonly GPUBuffer[],
    plan: Staging,
    staging: readonly GPUBuffer[],
  ) {
    this.gpuDevice = gpuDevice;
    this.arenas = arenas;
    this.plan = plan;
    this.free = [...staging];
  }

  /** The entry has been run again: the next read fetches anew. */
  ran(): void {
    this.current = undefined;
  }

  /** The values of the last run before this call, also if further runs start before they arrive. */
  async read(name: string): Promise<TypedArray> {
    const output = this.plan.outputs.find(({ slot }) => slot.name === name);
    if (output === undefined) throw new Error(`${this.plan.entry} has no output ${name}`);
    this.current ??= this.fetch();
    const bytes = await this.current;
    return typedArray(
      output.slot.dtype,
      bytes.slice(output.at, output.at + slotBytes(output.slot)),
    );
  }

  private async fetch(): Promise<ArrayBuffer> {
    const staging = this.free.pop();
    if (staging === undefined)
      throw new Error(
        `outputs of ${this.plan.entry} are being read for ${this.plan.buffers} runs already: await one first`,
      );
    const encoder = this.gpuDevice.createCommandEncoder();
    encodeOutputs(encoder, this.arenas, this.plan, staging, 0);
    this.gpuDevice.queue.submit([encoder.finish()]);
    try {
      return await mappedBytes(staging, this.plan.bytes);
    } finally {
      this.free.push(staging);
    }
  }
}

function encodeOutputs(
  encoder: GPUCommandEncoder,
  arenas: readonly GPUBuffer[],
  { outputs }: Staging,
  staging: GPUBuffer,
  start: number,
): void {
  for (const { slot, at } of outputs) {
    const { arena, offset } = slot.place;
    encoder.copyBufferToBuffer(arenas[arena]!, offset, staging, start + at, slotBytes(slot));
  }
}

/** Outputs of many runs, of any entry, side by side in one buffer until they are read in one go. */
export class OutputKeeper {
  private readonly arenas: readonly GPUBuffer[];
  private readonly free: GPUBuffer[];
  private filling: GPUBuffer | undefined;
  private runs: { readonly plan: Staging; readonly at: number }[] = [];
  private end = 0;

  constructor(arenas: readonly GPUBuffer[], staging: readonly GPUBuffer[]) {
    this.arenas = arenas;
    this.free = [...staging];
  }

  /** @throws Error where the outputs of this entry, or of so many runs, cannot be kept. */
  checkRoom(plan: Staging): void {
    if (!mayKeep(plan)) throw new Error(`the outputs of ${plan.entry} are too large to keep`);
    if (this.runs.length >= mostKeptRuns || (this.filling ?? this.free[0]) === undefined)
      throw new Error(`the outputs of ${this.runs.length} runs are kept already: read them first`);
  }

  /** Adds the copies to the commands of the run. */
  keep(encoder: GPUCommandEncoder, plan: Staging): void {
    this.checkRoom(plan);
    this.filling ??= this.free.pop()!;
    encodeOutputs(encoder, this.arenas, plan, this.filling, this.end);
    this.runs.push({ plan, at: this.end });
    this.end += plan.bytes;
  }

  async read(): Promise<readonly KeptOutputs[]> {
    const { filling, runs, end } = this;
    if (filling === undefined) return [];
    this.filling = undefined;
    this.runs = [];
    this.end = 0;
    try {
      const bytes = end === 0 ? new ArrayBuffer(0) : await mappedBytes(filling, end);
      return runs.map(({ plan, at }) => outputsAt(plan, bytes, at));
    } finally {
      this.free.push(filling);
    }
  }
}

function outputsAt({ outputs }: Staging, bytes: ArrayBuffer, start: number): KeptOutputs {
  return new Map(
    outputs.map(({ slot, at }) => {
      const piece = bytes.slice(start + at, start + at + slotBytes(slot));
      return [slot.name, typedArray(slot.dtype, piece)];
    }),
  );
}

/** Reads resident arrays piece by piece through one staging buffer, one array after another. */
export class ResidentReader {
  private readonly gpuDevice: GPUDevice;
  private readonly arenas: readonly GPUBuffer[];
  private readonly staging: GPUBuffer | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(gpuDevice: GPUDevice, arenas: readonly GPUBuffer[], staging: GPUBuffer | undefined) {
    this.gpuDevice = gpuDevice;
    this.arenas = arenas;
    this.staging = staging;
  }

  /** The array as it is when its pieces are copied: no run may start before this has resolved. */
  read(slot: Slot): Promise<TypedArray> {
    const reading = this.last.then(() => this.readPieces(slot));
    this.last = reading.catch(() => undefined);
    return reading;
  }

  private async readPieces(slot: Slot): Promise<TypedArray> {
    const bytes = slotBytes(slot);
    const result = new Uint8Array(bytes);
    const staging = this.staging!;
    for (let at = 0; at < bytes; at += staging.size) {
      const size = Math.min(staging.size, bytes - at);
      const encoder = this.gpuDevice.createCommandEncoder();
      const arena = this.arenas[slot.place.arena]!;
      encoder.copyBufferToBuffer(arena, slot.place.offset + at, staging, 0, size);
      this.gpuDevice.queue.submit([encoder.finish()]);
      result.set(new Uint8Array(await mappedBytes(staging, size)), at);
    }
    return typedArray(slot.dtype, result.buffer);
  }
}

export async function mappedBytes(staging: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
  await staging.mapAsync(MAP_READ, 0, bytes);
  const copy = staging.getMappedRange(0, bytes).slice(0);
  staging.unmap();
  return copy;
}

export function typedArray(dtype: DType, bytes: ArrayBuffer): TypedArray {
  switch (dtype) {
    case "f32":
    case "f16":
    case "bf16":
      return new Float32Array(bytes);
    case "i32":
      return new Int32Array(bytes);
    case "u32":
    case "bool":
      return new Uint32Array(bytes);
  }
}
