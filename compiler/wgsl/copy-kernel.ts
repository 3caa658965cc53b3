// A copy inside the device as a kernel: the same arena may be source and target (WebGPU's own copy refuses that),
// and the step stays in one pass. Slot 0 is the source, slot 1 the target; the third offset is the length.
import type { Limits } from "../program/limits.ts";
import { foldWorkgroups, type Workgroups } from "./workgroups.ts";

const THREADS = 256;

export function copyKernel(
  elements: number,
  limits: Limits,
): { readonly wgsl: string; readonly workgroups: Workgroups } {
  const workgroups = foldWorkgroups(Math.ceil(elements / THREADS), limits);
  const wgsl = `@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) invocation: u32) {
  let element = i32((group.x + group.y * groups.x) * ${THREADS}u + invocation);
  if (element < i32(offsets[0].z)) { store1(element, load0(element)); }
}
`;
  return { wgsl, workgroups };
}
