// Runs a tensor graph in float64: the oracle that every target is tested against.
// Plain: one node after the other by its op's own meaning; a value is let go after its last use.
// Expects: verify(graph) holds. f32 is not rounded; a value of type f16 or bf16 is, as storing does.
import { isHalf, roundTo } from "../ops/half.ts";
import type { EvaluatedNode, Op, Values } from "../ops/op.ts";
import { op as opByName } from "../ops/registry.ts";
import { elementCount, showType } from "../ops/shape.ts";
import type { Node, TensorGraph } from "./graph.ts";

export interface Interpreted {
  /** Each output by its name. */
  readonly outputs: ReadonlyMap<string, Values>;
  /** The new value of each updated parameter and state by its path. */
  readonly updates: ReadonlyMap<string, Values>;
}

/**
 * @param inputs value of each graph input by name
 * @param arrays value of each parameter, state and resident by path or name
 * @param observe called with each node's value as it is made (to find where two targets part)
 * @throws Error where a value is missing or has the wrong length
 */
export function interpret(
  graph: TensorGraph,
  inputs: ReadonlyMap<string, Values>,
  arrays: ReadonlyMap<string, Values> = new Map(),
  observe?: (node: Node, values: Values) => void,
): Interpreted {
  const values: (Values | undefined)[] = [];
  const lastUse = lastUses(graph);
  for (const node of graph.nodes) {
    const own = evaluate(node, values, inputs, arrays);
    values[node.id] = own;
    observe?.(node, own);
    for (const input of node.inputs)
      if (lastUse[input.id] === node.id) values[input.id] = undefined;
  }
  return {
    outputs: new Map(graph.outputs.map(({ name, value }) => [name, values[value.id]!])),
    updates: new Map(graph.updates.map(({ path, value }) => [path, values[value.id]!])),
  };
}

function lastUses(graph: TensorGraph): number[] {
  const lastUse = graph.nodes.map(() => -1);
  for (const node of graph.nodes) for (const input of node.inputs) lastUse[input.id] = node.id;
  for (const { value } of [...graph.outputs, ...graph.updates]) lastUse[value.id] = Infinity;
  return lastUse;
}

function evaluate(
  node: Node,
  values: readonly (Values | undefined)[],
  inputs: ReadonlyMap<string, Values>,
  arrays: ReadonlyMap<string, Values>,
): Values {
  const op = opByName(node.op);
  if (op.kind === "leaf") return handedIn(node, inputs, arrays);
  const told: EvaluatedNode = { inputs: node.inputs, output: node, attributes: node.attributes };
  const value = op.evaluate(
    node.inputs.map((input) => values[input.id]!),
    told,
  );
  const { dtype } = node;
  return isHalf(dtype) && isComputed(node, op) ? value.map((each) => roundTo(each, dtype)) : value;
}

/** Neither a choice of values that are halves already, nor a cast, which rounds by itself. */
function isComputed(node: Node, { kind }: Op): boolean {
  return kind !== "view" && node.op !== "cast" && node.op !== "select";
}

function handedIn(
  node: Node,
  inputs: ReadonlyMap<string, Values>,
  arrays: ReadonlyMap<string, Values>,
): Values {
  const name = String(node.attributes["path"] ?? node.attributes["name"]);
  const value = (node.op === "input" ? inputs : arrays).get(name);
  if (value === undefined) throw new Error(`no value was given for ${node.op} \`${name}\``);
  if (value.length !== elementCount(node.shape))
    throw new Error(
      `${node.op} \`${name}\` is ${showType(node)}, but ${value.length} values were given`,
    );
  return value;
}
