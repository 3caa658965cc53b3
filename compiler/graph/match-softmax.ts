// Finds softmax in a graph: exp(s - max s) / sum exp(s - max s) along one axis, in the forms that specs and
// `simplify` leave: divided by the sum or multiplied by its reciprocal, with or without the maximum taken out.
import { numbers } from "../ops/attributes.ts";
import { otherAxes } from "../ops/shape.ts";
import type { Followed } from "./dense-axes.ts";
import { followAll, followUp } from "./dense-axes.ts";
import type { Node } from "./graph.ts";

export interface Softmax {
  /** What the softmax is taken of; its shape is that of the result. */
  readonly scores: Node;
  readonly axis: number;
}

export function matchSoftmax(node: Node): Softmax | undefined {
  const parts = node.op === "divide" || node.op === "multiply" ? node.inputs : [];
  const weights = parts.find((part) => part.op === "exp");
  const normaliser = parts.find((part) => part !== weights);
  if (weights === undefined || normaliser === undefined) return undefined;
  if (node.op === "divide" && parts[0] !== weights) return undefined;
  const axis = spreadAxis(normaliser, "sum", weights, node.op === "multiply");
  if (axis === undefined) return undefined;
  return { scores: withoutMaximum(weights.inputs[0]!, axis), axis };
}

/** s of s - max(s) along the axis; a finite shift that is the same along the axis would do as well. */
function withoutMaximum(node: Node, axis: number): Node {
  if (node.op !== "subtract") return node;
  const scores = node.inputs[0]!;
  return spreadAxis(node.inputs[1]!, "max", scores, false) === axis ? scores : node;
}

/**
 * The one axis along which `node` repeats reduction(of): it is a broadcast of that reduction back to the shape of
 * `of`, every other axis in its own place. `isInverse`: a reciprocal lies between.
 */
function spreadAxis(
  node: Node,
  reduction: "sum" | "max",
  of: Node,
  isInverse: boolean,
): number | undefined {
  let at: Followed = followAll(node);
  const own = at.axes;
  let needsInverse = isInverse;
  while (at.node.op !== reduction) {
    if (needsInverse && at.node.op === "reciprocal") {
      at = { node: at.node.inputs[0]!, axes: at.axes };
      needsInverse = false;
      continue;
    }
    const up = followUp(at);
    if (up === undefined) return undefined;
    at = up;
  }
  const reduced = numbers(at.node.attributes, "axes");
  const [axis] = reduced;
  if (needsInverse || at.node.inputs[0] !== of || axis === undefined || reduced.length > 1)
    return undefined;
  const kept = otherAxes(of.shape.length, reduced);
  const isInPlace = own.every((place, i) => {
    const from = at.axes[i];
    return from === undefined ? place === axis : kept[from] === place;
  });
  return isInPlace && own.includes(axis) ? axis : undefined;
}
