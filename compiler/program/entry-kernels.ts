// What fusion hands to the planner: the kernels of an entry, and the arrays that the host writes and reads.
import type { TensorType } from "../graph/graph.ts";
import type { KernelGraph } from "../kernels/kernel.ts";

export interface EntryKernels {
  readonly name: string;
  readonly kernels: KernelGraph;
  readonly inputs: readonly (TensorType & { readonly name: string })[];
  readonly outputs: readonly (TensorType & { readonly name: string })[];
}
