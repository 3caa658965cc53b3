// Who reads each value of a graph: nodes, and the graph's own outputs and updates as `result`.
import type { Node, TensorGraph } from "./graph.ts";

export type Users = ReadonlyMap<Node, readonly (Node | "result")[]>;

export function usersOf(graph: TensorGraph): Users {
  const users = new Map<Node, (Node | "result")[]>(graph.nodes.map((node) => [node, []]));
  for (const node of graph.nodes) for (const input of node.inputs) users.get(input)!.push(node);
  for (const { value } of [...graph.outputs, ...graph.updates]) users.get(value)!.push("result");
  return users;
}
