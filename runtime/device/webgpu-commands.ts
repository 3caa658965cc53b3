// One dispatch as a GPU takes it, and how long each of a list takes by the GPU's own clock.
import { WorldError } from "../errors.ts";

export interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

export function encodeCommand(
  pass: GPUComputePassEncoder,
  { pipeline, bindGroup, workgroups }: Command,
): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
}

/** Timestamps that one set of queries may hold (WebGPU allows 4096). */
const mostQueries = 4096;

/**
 * Runs commands one after another, each in a pass of its own, and gives the milliseconds of each.
 * @throws WorldError `unsupported` where the adapter has no timestamp queries.
 */
export async function timedCommands(
  gpuDevice: GPUDevice,
  commands: readonly Command[],
): Promise<number[]> {
  if (!gpuDevice.features.has("timestamp-query"))
    throw new WorldError(
      "unsupported",
      "this GPU has no timestamp queries, so its kernels cannot be timed one by one",
      "use --device wasm, or another adapter",
    );
  const times: number[] = [];
  for (let first = 0; first < commands.length; first += mostQueries / 2)
    times.push(...(await timed(gpuDevice, commands.slice(first, first + mostQueries / 2))));
  return times;
}

async function timed(gpuDevice: GPUDevice, commands: readonly Command[]): Promise<number[]> {
  const count = 2 * commands.length;
  const bytes = 8 * count;
  const querySet = gpuDevice.createQuerySet({ type: "timestamp", count });
  const resolved = gpuDevice.createBuffer({ size: bytes, usage: usage.resolve | usage.copyFrom });
  const staging = gpuDevice.createBuffer({ size: bytes, usage: usage.copyTo | usage.read });
  try {
    const encoder = gpuDevice.createCommandEncoder({ label: "profile" });
    commands.forEach((command, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: 2 * i,
          endOfPassWriteIndex: 2 * i + 1,
        },
      });
      encodeCommand(pass, command);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    gpuDevice.queue.submit([encoder.finish()]);
    await staging.mapAsync(1); // GPUMapMode.READ
    const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0));
    return commands.map((_, i) => Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!) / 1e6);
  } finally {
    for (const made of [querySet, resolved, staging]) made.destroy();
  }
}

/** Of GPUBufferUsage, which Node does not know. */
const usage = { read: 0x1, copyFrom: 0x4, copyTo: 0x8, resolve: 0x200 } as const;
