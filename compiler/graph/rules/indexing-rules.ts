// Scatters that need none: the gradient of picking one element a row (a label's logit) is known by position.
import { number } from "../../ops/attributes.ts";
import { axesOfRank, elementCount } from "../../ops/shape.ts";
import type { Rule } from "./rule.ts";

export const indexingRules: readonly Rule[] = [
  {
    // It then joins the kernel of the softmax that it is subtracted from.
    name: "a scatter of one value a row is a choice by position",
    ops: ["scatter_add"],
    apply(g, node) {
      const [values, indices] = [node.inputs[0]!, node.inputs[1]!];
      const batch = number(node.attributes, "batch", 0);
      if (elementCount(indices.shape.slice(batch)) !== 1) return undefined;
      const { shape } = node;
      const lead = axesOfRank(batch);
      const inner = axesOfRank(shape.length).slice(batch + 1);
      const chosen = g.reshape(indices, shape.slice(0, batch));
      const value = g.reshape(values, [...shape.slice(0, batch), ...shape.slice(batch + 1)]);
      return g.select(
        g.equal(g.iota(shape, batch, indices.dtype), g.broadcast(chosen, shape, lead)),
        g.broadcast(value, shape, [...lead, ...inner]),
        0,
      );
    },
  },
];
