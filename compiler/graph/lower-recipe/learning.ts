// Which parameters a loss can teach (those that it reaches without passing a `stop`), and which arrays any graph reads.
import { reachable } from "../builder.ts";
import type { Node, TensorGraph } from "../graph.ts";
import type { Training } from "./training.ts";

/** Paths of parameters whose gradient is not zero by construction. */
export function learningPaths(losses: readonly Node[]): ReadonlySet<string> {
  const seen = new Set<Node>();
  const paths = new Set<string>();
  const open = [...losses];
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node) || node.op === "stop") continue;
    seen.add(node);
    if (node.op === "parameter") paths.add(String(node.attributes.path));
    open.push(...node.inputs);
  }
  return paths;
}

/** Paths of parameters and states that a training graph or one of the others reads or renews. */
export function usedPaths(
  trainings: readonly Training[],
  graphs: readonly TensorGraph[],
): ReadonlySet<string> {
  const nodes = [...trainings.flatMap(nodesOf), ...graphs.flatMap((graph) => graph.nodes)];
  const leaves = nodes.filter((node) => node.op === "parameter" || node.op === "state");
  return new Set([
    ...leaves.map((node) => String(node.attributes.path)),
    ...trainings.flatMap(({ updates }) => updates.map((update) => update.path)),
  ]);
}

function nodesOf({ dataflow, losses, metrics, updates }: Training): readonly Node[] {
  const roots = [...losses, ...metrics, ...updates].map((root) => root.value);
  return [...reachable(roots, dataflow.builder.nodes.length)];
}
