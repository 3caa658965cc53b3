// Tensor graph -> kernel graph: which nodes share a kernel, and what each kernel computes.
//   prepare        concats that are assembled in place, views that must be copied, values that have a home
//   groupNodes     which nodes one kernel could make together
//   chooseStored   which of them lie in memory; the others are made again by each reader
//   writeKernels   index maps and expressions
//   updateInPlace  new values of residents take the old ones' place; the final order
// Expects: verify(graph) holds. Promises: verify(kernels) holds, and interpreting both gives the same values.
import { expand } from "../graph/expand.ts";
import type { TensorGraph } from "../graph/graph.ts";
import { chooseStored } from "./fuse/choose-stored.ts";
import { groupNodes } from "./fuse/group-nodes.ts";
import { Places } from "./fuse/place.ts";
import { prepare } from "./fuse/prepare.ts";
import { Sources } from "./fuse/sources.ts";
import { updateInPlace } from "./fuse/update-in-place.ts";
import { writeKernels } from "./fuse/write-kernels.ts";
import type { KernelGraph } from "./kernel.ts";

export function fuse(graph: TensorGraph): KernelGraph {
  const prepared = prepare(expand(graph, hasTemplate));
  const sources = new Sources(prepared);
  const groups = groupNodes(prepared, sources);
  const stored = chooseStored(prepared, sources, groups);
  const places = new Places(prepared, sources, stored);
  const { kernels } = writeKernels(groups, sources, places, stored);
  const updates = [...prepared.claims].flatMap(([value, claim]) =>
    claim.kind === "update" ? [{ path: claim.path, value }] : [],
  );
  return { kernels: updateInPlace(kernels, places, updates), buffers: places.buffers };
}

/** Structured ops that every target has a kernel for. */
function hasTemplate(op: string): boolean {
  return op.startsWith("attention");
}
