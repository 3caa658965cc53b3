// An evaluation's graph -> the same with every sum over examples weighted by the input `weights` [batch], so that what
// was a mean over the batch becomes a mean over its real examples: filler has weight 0, and each example counts once.
import { Builder } from "../builder.ts";
import type { Node, TensorGraph } from "../graph.ts";
import { batchLayout, reachOfNodes } from "./batch-reach.ts";
import type { Reach } from "./batch-reach.ts";

/** The name of the input that says which examples of a batch are real. */
export const weightsInput = "weights";

export type Weighed =
  | { readonly kind: "weighed"; readonly graph: TensorGraph }
  /** A node that mixes examples in another way than a mean: no weight can put that right. */
  | { readonly kind: "mixed"; readonly at: Node };

/** `views` are the inputs that hold a batch of `extent` examples. Outputs are scalars. */
export function weighExamples(
  graph: TensorGraph,
  views: ReadonlySet<string>,
  extent: number,
): Weighed {
  const reaches = reachOfNodes(graph.nodes, { extent, names: views });
  const at = mixedAt(graph, reaches);
  if (at) return { kind: "mixed", at };
  const g = new Builder();
  const weights = g.input(weightsInput, { shape: [extent], dtype: "f32" });
  // Means divide by the extent of the batch: times it, over the number of real examples.
  const share = g.multiply(g.divide(weights, g.sum(weights)), extent);
  const copies = g.import(graph, (node, inputs) => {
    const place = node.inputs.findIndex((input) => reaches.get(input)?.kind === "each");
    const reach = reaches.get(node.inputs[place] ?? node);
    if (reaches.get(node)?.kind !== "sum" || place === -1 || reach?.kind !== "each")
      return undefined;
    const x = inputs[place]!;
    const [outer, , rest] = batchLayout(x, reach.outer, extent);
    const flat = g.reshape(x, [outer, extent, rest]);
    const weighted = g.multiply(flat, g.broadcast(share, [outer, extent, rest], [1]));
    return g.add(
      node.op,
      inputs.with(place, g.reshape(weighted, x.shape)),
      node.attributes,
      node.origin,
    );
  });
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! }));
  return { kind: "weighed", graph: g.finish({ outputs }) };
}

/** The first node that stands in the way: mixed, or a sum of whole numbers, which has no weighted form. */
function mixedAt(graph: TensorGraph, reaches: ReadonlyMap<Node, Reach>): Node | undefined {
  for (const { value } of graph.outputs) {
    const reach = reaches.get(value);
    if (reach?.kind === "mixed") return reach.at;
    if (reach?.kind === "each") return value;
  }
  return graph.nodes.find((node) => {
    const isSum =
      reaches.get(node)?.kind === "sum" &&
      node.inputs.some((input) => reaches.get(input)?.kind === "each");
    return isSum && node.dtype !== "f32";
  });
}
