// Every buffer that a program has on a GPU, made at load by the plan of its memory and counted as it is made.
import type { DeviceMemory } from "../../compiler/wgsl/device-memory.ts";

/** GPUBufferUsage, whose global exists in a page only. */
const USAGE = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 };

/** All that is allocated for a program, counted as it is made. */
export class Buffers {
  readonly arenas: readonly GPUBuffer[];
  readonly offsets: GPUBuffer | undefined;
  readonly staging: readonly (readonly GPUBuffer[])[];
  readonly kept: readonly GPUBuffer[];
  readonly residentStaging: GPUBuffer | undefined;
  readonly hostStaging: GPUBuffer | undefined;
  private readonly all: GPUBuffer[] = [];
  private readonly gpuDevice: GPUDevice;

  constructor(gpuDevice: GPUDevice, memory: DeviceMemory) {
    this.gpuDevice = gpuDevice;
    const arenaUsage = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
    const readUsage = USAGE.mapRead | USAGE.copyTarget;
    this.arenas = memory.arenas.map((bytes, at) => this.make(`arena ${at}`, bytes, arenaUsage)!);
    this.offsets = this.make("offsets", memory.offsets.bytes, USAGE.uniform | USAGE.copyTarget);
    for (const { at, words } of memory.offsets.blocks)
      gpuDevice.queue.writeBuffer(this.offsets!, at, words);
    this.staging = memory.staging.map(({ entry, bytes, buffers }) =>
      Array.from({ length: buffers }, () => this.make(`outputs of ${entry}`, bytes, readUsage)!),
    );
    this.kept = Array.from({ length: memory.kept.buffers }, () => this.make("kept outputs", memory.kept.bytes, readUsage)!); // prettier-ignore
    this.residentStaging = this.make("residents", memory.residentStagingBytes, readUsage);
    this.hostStaging = this.make("steps of the host", memory.hostStagingBytes, readUsage);
  }

  private make(label: string, size: number, usage: number): GPUBuffer | undefined {
    if (size === 0) return undefined;
    const buffer = this.gpuDevice.createBuffer({ label, size, usage });
    this.all.push(buffer);
    return buffer;
  }

  get bytes(): number {
    return this.all.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  destroy(): void {
    for (const buffer of this.all) buffer.destroy();
  }
}
