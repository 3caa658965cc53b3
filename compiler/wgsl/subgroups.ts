// Joining the partial results of neighbouring invocations without workgroup memory, where a device has subgroups.
// Invocations exchange values crosswise (i with i ^ 1, then i ^ 2, ...): after each exchange twice as many have been
// joined, and all of them hold the same bits, since sums and maxima do not mind the order of two.
// Only so many neighbours are taken for granted as the device promises at least (`Limits.subgroupSize`), so results do
// not depend on how large a driver makes its subgroups.
import type { Limits } from "../program/limits.ts";

/**
 * Masks of the exchanges that join `lanes` invocations which lie `stride` apart, nearest first; none where the device
 * has no subgroups or they are too small. Both are powers of two. Each mask doubles the lanes that are joined.
 */
export function exchangeMasks(
  lanes: number,
  stride: number,
  { subgroupSize = 1 }: Limits,
): readonly number[] {
  const masks: number[] = [];
  for (let mask = stride; mask < Math.min(subgroupSize, lanes * stride); mask *= 2)
    masks.push(mask);
  return masks;
}

/** The value that the invocation across has: every invocation of the workgroup must get here. */
export function exchanged(value: string, mask: number): string {
  return `subgroupShuffleXor(${value}, ${mask}u)`;
}

/** Whether a kernel's text needs the extension. */
export function usesSubgroups(body: string): boolean {
  return body.includes("subgroupShuffleXor(");
}
