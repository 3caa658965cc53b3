// Tensor graph -> kernel graph: which nodes share a kernel, and what each kernel computes.
//   prepare        concats that are assembled in place, views that must be copied, values that have a home
//   groupNodes     which nodes one kernel could make together
//   chooseStored   which of them lie in memory; the others are made again by each reader
//   writeKernels   index maps and expressions
//   joinTogether   partial sums of many layers are joined by one kernel
//   updateInPlace  new values of residents take the old ones' place; the final order
// What each may decide is a list of rules with names, `fuse/rules.ts`.
// Expects: verify(graph) holds. Promises: verify(kernels) holds, and interpreting both gives the same values.
import { expand } from "../graph/expand.ts";
import type { TensorGraph } from "../graph/graph.ts";
import { chooseStored } from "./fuse/choose-stored.ts";
import { groupNodes } from "./fuse/group-nodes.ts";
import { Places } from "./fuse/place.ts";
import { prepare } from "./fuse/prepare.ts";
import { followsAllBut } from "./fuse/rules.ts";
import { joinRule } from "./fuse/rules/joining-rules.ts";
import { attentionRule } from "./fuse/rules/placing-rules.ts";
import { Sources } from "./fuse/sources.ts";
import { updateInPlace } from "./fuse/update-in-place.ts";
import { writeKernels } from "./fuse/write-kernels.ts";
import type { KernelGraph } from "./kernel.ts";

export interface FuseSettings {
  /** Names of rules to leave out, for tests and experiments: see `fusionRules`. */
  readonly without?: readonly string[];
}

export function fuse(graph: TensorGraph, { without = [] }: FuseSettings = {}): KernelGraph {
  const follows = followsAllBut(without);
  const hasTemplate = (op: string) => follows(attentionRule) && attentionRule.keeps(op);
  const prepared = prepare(expand(graph, hasTemplate), follows);
  const sources = new Sources(prepared);
  const groups = groupNodes(prepared, sources, follows);
  const stored = chooseStored(prepared, sources, groups, follows);
  const places = new Places(prepared, sources, stored, follows);
  const written = writeKernels(groups, sources, places, stored);
  const kernels = follows(joinRule) ? joinRule.join(written, places.buffers) : written.kernels;
  const updates = [...prepared.claims].flatMap(([value, claim]) =>
    claim.kind === "update" ? [{ path: claim.path, value }] : [],
  );
  return { kernels: updateInPlace(kernels, places, updates, follows), buffers: places.buffers };
}
