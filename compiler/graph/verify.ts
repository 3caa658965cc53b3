// Checks everything that `graph.ts` promises of a tensor graph. Run after every pass in tests.
import { op as opByName } from "../ops/registry.ts";
import { sameShape, showType } from "../ops/shape.ts";
import type { Node, TensorGraph, TensorType } from "./graph.ts";

/** @throws Error naming the broken promise, the node and its origin. */
export function verify(graph: TensorGraph): void {
  graph.nodes.forEach((node, place) => verifyNode(graph, node, place));
  verifyLeaves(graph);
  verifyRoots(graph);
}

function broken(claim: string, node?: Node): never {
  const where =
    node && ` at %${node.id} = ${node.op} ${showType(node)}, from \`${node.origin.path}\``;
  throw new Error(`tensor graph: ${claim}${where ?? ""}`);
}

function verifyNode(graph: TensorGraph, node: Node, place: number): void {
  if (node.id !== place) broken(`a node's id is its place, ${place}`, node);
  if (typeof node.origin?.path !== "string")
    broken("a node has an origin", { ...node, origin: { path: "?" } });
  for (const input of node.inputs) {
    if (graph.nodes[input.id] !== input) broken("an input is a node of the same graph", node);
    if (input.id >= node.id) broken("inputs precede their uses", node);
  }
  const type = inferred(node);
  if (!isSameType(type, node)) broken(`the op's rule gives ${showType(type)}`, node);
  if (!node.shape.every((extent) => Number.isInteger(extent) && extent >= 1))
    broken("extents are whole numbers >= 1", node);
}

function inferred(node: Node): TensorType {
  try {
    return opByName(node.op).infer(node.inputs, node.attributes);
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error), node);
  }
}

function isSameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

function verifyLeaves(graph: TensorGraph): void {
  const declared = {
    input: byName("input", graph.inputs.map((leaf) => [leaf.name, leaf])), // prettier-ignore
    parameter: byName("parameter", graph.parameters.map((leaf) => [leaf.path, leaf])), // prettier-ignore
    state: byName("state", graph.states.map((leaf) => [leaf.path, leaf])), // prettier-ignore
  };
  for (const node of graph.nodes) {
    if (node.op !== "input" && node.op !== "parameter" && node.op !== "state") continue;
    const name = String(node.attributes["path"] ?? node.attributes["name"]);
    const leaf = declared[node.op].get(name);
    if (leaf === undefined) broken(`${node.op} \`${name}\` is declared`, node);
    else if (!isSameType(leaf, node))
      broken(`${node.op} \`${name}\` is declared ${showType(leaf)}`, node);
  }
}

function byName(
  what: string,
  entries: readonly (readonly [string, TensorType])[],
): Map<string, TensorType> {
  const map = new Map(entries);
  if (map.size !== entries.length) broken(`each ${what} is declared once`);
  return map;
}

function verifyRoots(graph: TensorGraph): void {
  byName("output", graph.outputs.map(({ name, value }) => [name, value])); // prettier-ignore
  byName("update", graph.updates.map(({ path, value }) => [path, value])); // prettier-ignore
  for (const { value } of [...graph.outputs, ...graph.updates])
    if (graph.nodes[value.id] !== value) broken("an output is a node of the same graph", value);
  const arrays = new Map<string, TensorType>(
    [...graph.parameters, ...graph.states].map((leaf) => [leaf.path, leaf]),
  );
  for (const node of graph.nodes)
    if (node.op === "resident") arrays.set(String(node.attributes["name"]), node);
  for (const { path, value } of graph.updates) {
    const array = arrays.get(path);
    if (array === undefined) broken(`the updated \`${path}\` is declared`, value);
    else if (!isSameType(array, value))
      broken(`the new value of \`${path}\` is ${showType(array)}`, value);
  }
}
