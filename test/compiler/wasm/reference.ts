// What the generated code is compared with: the kernel interpreter, in float64.
import { runKernel } from "../../../compiler/kernels/interpret.ts";
import type { Case } from "./run-kernels.ts";

/** Values of every buffer after the kernels have run. */
export function reference(given: Case): Float64Array[] {
  const memory = given.buffers.map(({ values }) => Float64Array.from(values));
  for (const kernel of given.kernels) runKernel(kernel, memory);
  return memory;
}
