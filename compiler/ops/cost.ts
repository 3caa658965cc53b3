// What one use of an op costs: from its entry, or by its kind. Views, constants and leaves are free.
import type { Attributes, TensorType } from "../graph/graph.ts";
import type { Cost } from "./op.ts";
import { op as opByName } from "./registry.ts";
import { elementCount } from "./shape.ts";

interface Costed extends TensorType {
  readonly op: string;
  readonly inputs: readonly TensorType[];
  readonly attributes: Attributes;
}

/** Multiply-adds of contractions, and floating point operations of everything (a multiply-add is two). */
export function costOf(node: Costed): Cost {
  const op = opByName(node.op);
  if (op.cost !== undefined) return op.cost(node.inputs, node, node.attributes);
  switch (op.kind) {
    case "elementwise":
      return { macs: 0, flops: elementCount(node.shape) };
    case "reduction":
    case "indexing":
    case "structured":
      return { macs: 0, flops: elementCount(node.inputs[0]?.shape ?? []) };
    case "view":
    case "constant":
    case "random":
    case "leaf":
    case "host":
    case "contraction":
      return { macs: 0, flops: 0 };
  }
}
