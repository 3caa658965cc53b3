// A sum over rows of an operand of a product that is contracted along them: made while the operand is packed. So a bias
// gradient, the sum of dY over rows, is made by the product that makes the gradient of the weight from the same dY.
import type { Node } from "../../graph/graph.ts";
import type { Grouping } from "./group-nodes.ts";
import { operatorOf } from "./sources.ts";
import { summedOperand } from "./walk.ts";

/** Makes a sum in the kernel of a product, if there is one that contracts along the same rows. */
export function joinProduct(grouping: Grouping, node: Node): boolean {
  if (node.op !== "sum") return false;
  const operand = node.inputs[0]!;
  for (const product of grouping.prepared.consumers.get(operand) ?? []) {
    if (operatorOf(product).kind !== "contraction") continue;
    const side = summedOperand(product, node);
    if (side === undefined || !grouping.isReady(product, node)) continue;
    const group = grouping.groupOfProduct(product);
    if (group.sums.some((sum) => sum.operand === side)) continue;
    group.sums.push({ node, operand: side });
    grouping.join(group, node);
    return true;
  }
  return false;
}
