// Reverse-mode differentiation, graph to graph: adds to the builder the nodes that compute the gradient of a loss.
// From the loss backwards each node's op says how dOutput goes to its inputs; a value used several times gets the sum,
// in order of its uses from the last to the first. The forward nodes stay untouched.
// A structured op without a gradient of its own is differentiated through its expansion.
import { isFloat } from "../ops/elementwise.ts";
import { op as opByName } from "../ops/registry.ts";
import { showType } from "../ops/shape.ts";
import type { Builder } from "./builder.ts";
import type { Node } from "./graph.ts";

/**
 * Gradient of `loss` (a float scalar) by each of `wrt`; undefined where no gradient flows.
 * The nodes made carry the origin of the node they stem from, with role `gradient`.
 */
export function differentiate(g: Builder, loss: Node, wrt: readonly Node[]): (Node | undefined)[] {
  if (loss.shape.length !== 0 || !isFloat(loss.dtype))
    throw new Error(`a loss is a float scalar, not ${showType(loss)}`);
  return pullBack(g, loss, g.full(1, loss), wrt);
}

/**
 * Gradient by each of `wrt` of sum(output * seed): the vector-Jacobian product.
 * With `asLeaves` the given nodes count as independent, even where one is computed from another.
 */
export function pullBack(
  g: Builder,
  output: Node,
  seed: Node,
  wrt: readonly Node[],
  asLeaves = false,
): (Node | undefined)[] {
  const sources = new Set(wrt);
  const between = nodesBetween(g, output, sources, asLeaves);
  const gradients = new Map<Node, Node>([[output, seed]]);
  for (const node of between) {
    const dOutput = gradients.get(node);
    if (dOutput === undefined || (asLeaves && sources.has(node))) continue;
    const flows = g.under(
      { ...node.origin, role: "gradient" },
      () =>
      flowsOf(g, node, dOutput, node.inputs.map((input) => between.has(input))), // prettier-ignore
    );
    node.inputs.forEach((input, place) => {
      const flow = flows[place];
      if (flow === undefined || !between.has(input)) return;
      const before = gradients.get(input);
      const sum = () => (before === undefined ? flow : g.plus(before, flow));
      gradients.set(input, g.under({ ...input.origin, role: "gradient" }, sum));
    });
  }
  return wrt.map((node) => (between.has(node) ? gradients.get(node) : undefined));
}

/** The float nodes on a path from a source to the output, last first. */
function nodesBetween(
  g: Builder,
  output: Node,
  sources: ReadonlySet<Node>,
  asLeaves: boolean,
): Set<Node> {
  const upstream = upstreamOf(output, asLeaves ? sources : new Set());
  const dependent = new Set<Node>();
  for (let id = 0; id <= output.id; id++) {
    const node = g.nodes[id]!;
    if (!upstream.has(node) || !isFloat(node.dtype)) continue;
    if (sources.has(node) || node.inputs.some((input) => dependent.has(input))) dependent.add(node);
  }
  return new Set([...dependent].reverse());
}

/** All nodes that the output depends on, not looking past `stops`. */
function upstreamOf(output: Node, stops: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>();
  const open = [output];
  while (open.length > 0) {
    const node = open.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    if (!stops.has(node)) open.push(...node.inputs);
  }
  return found;
}

function flowsOf(
  g: Builder,
  node: Node,
  dOutput: Node,
  wanted: readonly boolean[],
): readonly (Node | undefined)[] {
  const op = opByName(node.op);
  if (op.gradient !== undefined) return op.gradient(g, node, dOutput, wanted);
  if (op.kind !== "structured") return [];
  const sought = node.inputs.filter((_, place) => wanted[place]);
  const flows = pullBack(g, op.expand(g, node), dOutput, [...new Set(sought)], true);
  const bySource = new Map([...new Set(sought)].map((source, place) => [source, flows[place]]));
  // A node that stands at several inputs already has its whole gradient: it is given once.
  return node.inputs.map((input, place) =>
    wanted[place] && node.inputs.indexOf(input) === place ? bySource.get(input) : undefined,
  );
}
