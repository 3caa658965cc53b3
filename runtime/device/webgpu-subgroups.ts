// A device that says it has subgroups -> whether invocations lie in them in order, so that invocation i of a workgroup
// reaches i ^ mask. WebGPU leaves the order to the driver, so it is tried, on workgroups of every size that we use.
import type { Limits } from "../../compiler/program/limits.ts";
import { mappedBytes } from "./webgpu-readback.ts";

const sizes = [32, 64, 128, 256];

/** Of GPUBufferUsage, which Node does not know. */
const usage = { read: 0x1, copyFrom: 0x4, copyTo: 0x8, storage: 0x80 } as const;

/** Makes every exchange that `Limits.subgroupSize` promises once; false where one brings the wrong value. */
export async function exchangesInOrder(gpuDevice: GPUDevice, limits: Limits): Promise<boolean> {
  const { subgroupSize = 1, workgroupInvocations } = limits;
  if (!Number.isInteger(Math.log2(subgroupSize))) return false;
  const fitting = sizes.filter((size) => size <= workgroupInvocations);
  const answers: boolean[] = [];
  for (const size of fitting) answers.push(await isInOrder(gpuDevice, size, subgroupSize));
  return answers.every(Boolean);
}

async function isInOrder(
  gpuDevice: GPUDevice,
  invocations: number,
  subgroupSize: number,
): Promise<boolean> {
  const size = 4 * invocations;
  const label = "subgroup probe";
  const results = gpuDevice.createBuffer({ label, size, usage: usage.storage | usage.copyFrom });
  const staging = gpuDevice.createBuffer({ label, size, usage: usage.copyTo | usage.read });
  try {
    const module = gpuDevice.createShaderModule({ label, code: probe(invocations, subgroupSize) });
    const pipeline = await gpuDevice.createComputePipelineAsync({ label, layout: "auto", compute: { module } }); // prettier-ignore
    const layout = pipeline.getBindGroupLayout(0);
    const entries = [{ binding: 0, resource: { buffer: results } }];
    const encoder = gpuDevice.createCommandEncoder({ label });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpuDevice.createBindGroup({ label, layout, entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(results, 0, staging, 0, size);
    gpuDevice.queue.submit([encoder.finish()]);
    const wrong = new Uint32Array(await mappedBytes(staging, size));
    return wrong.every((count) => count === 0);
  } finally {
    results.destroy();
    staging.destroy();
  }
}

/** Counts for each invocation the exchanges that brought another value than that of its partner. */
function probe(invocations: number, subgroupSize: number): string {
  const masks: number[] = [];
  for (let mask = 1; mask < subgroupSize; mask *= 2) masks.push(mask);
  return `enable subgroups;
@group(0) @binding(0) var<storage, read_write> wrong: array<u32>;
@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) invocation: u32) {
  var count = 0u;
${masks.map((mask) => `  if (subgroupShuffleXor(invocation, ${mask}u) != (invocation ^ ${mask}u)) { count++; }`).join("\n")}
  wrong[invocation] = count;
}
`;
}
