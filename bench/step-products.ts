// The graph of a training step -> how many matrix products and convolutions it computes.
import { elementCount } from "../compiler/graph/graph.ts";
import type { TensorGraph } from "../compiler/graph/graph.ts";
import { op } from "../compiler/ops/registry.ts";

/** Attention is two products forward and four backward: by the values and the weights, by the queries and the keys. */
const products: Readonly<Record<string, number>> = {
  attention: 2,
  attention_gradient_q: 2,
  attention_gradient_k: 1,
  attention_gradient_v: 1,
};

export function productsOf({ nodes }: TensorGraph): number {
  return nodes.reduce(
    (sum, node) => sum + (op(node.op).kind === "contraction" ? 1 : (products[node.op] ?? 0)),
    0,
  );
}

export function parameterCount({ parameters }: TensorGraph): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
