// A small Vision Transformer with its loss, gradients and SGD updates: what fusion is tried on as a whole.
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import { recognise } from "../../../compiler/graph/recognise.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { smallVit, type VitSizes } from "../graph/small-vit.ts";

export const tinySizes: VitSizes = {
  batch: 2,
  image: 6,
  channels: 1,
  patch: 3,
  width: 8,
  depth: 2,
  heads: 2,
  classes: 3,
};

export interface TrainingGraph {
  readonly graph: TensorGraph;
  readonly parameters: number;
}

/** `update` says how a parameter is renewed; without it the gradients are outputs. Rules may be left out by name. */
export function trainingGraph(
  sizes: VitSizes,
  update: "sgd" | "none" = "sgd",
  without: readonly string[] = [],
): TrainingGraph {
  const first = new Builder();
  const { loss } = smallVit(first, sizes);
  const forward = first.finish({ outputs: [{ name: "loss", value: loss }] });
  const { graph: recognised } = recognise(simplify(forward, { without }), { without });
  const g = new Builder();
  const copies = g.import(recognised);
  const leaves = g.nodes.filter((node) => node.op === "parameter");
  const value = copies.get(recognised.outputs[0]!.value)!;
  const gradients = differentiate(g, value, leaves);
  const lr = g.input("lr", { shape: [], dtype: "f32" });
  const named = leaves.map((leaf, i) => {
    const path = String(leaf.attributes["path"]);
    const gradient = gradients[i]!;
    const next = g.under({ path, role: "optimizer" }, () =>
      g.subtract(leaf, g.multiply(gradient, lr)),
    );
    return { path, gradient, next };
  });
  const outputs = [{ name: "loss", value }];
  const updates = named.map(({ path, next }) => ({ path, value: next }));
  const finished =
    update === "sgd"
      ? g.finish({ outputs, updates })
      : g.finish({
          outputs: [
            ...outputs,
            ...named.map(({ path, gradient }) => ({ name: path, value: gradient })),
          ],
        });
  return {
    graph: simplify(finished, { isDifferentiated: true, without }),
    parameters: leaves.length,
  };
}
