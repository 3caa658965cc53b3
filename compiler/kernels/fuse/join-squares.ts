// The squares about a mean, summed in the walk that sums for the mean: so a variance over long columns, of which nothing but
// sums may be made in one walk, takes no walk of its own. The kernel makes `x - mean` for itself, whoever else makes or
// stores it; `split-sums.ts` knows what to do where the walk is cut into parts.
import type { Node } from "../../graph/graph.ts";
import { matchCentred } from "../../graph/match-centred.ts";
import { numbers } from "../../ops/attributes.ts";
import { sameShape } from "../../ops/shape.ts";
import type { Grouping } from "./group-nodes.ts";
import { keptAxes, mapped } from "./walk.ts";

/** Makes a sum of `(x - mean x)^2` beside the sum of x that the mean is made of, if they run along the same axes. */
export function joinSquares(grouping: Grouping, node: Node): boolean {
  const square = node.inputs[0]!;
  const [difference, other] = square.inputs;
  if (node.op !== "sum" || square.op !== "multiply" || difference !== other) return false;
  const centred = matchCentred(difference!);
  if (centred === undefined) return false;
  const { x, sum, axes, mean } = centred;
  const own = numbers(node.attributes, "axes").toSorted((a, b) => a - b);
  const group = grouping.groups.of(sum);
  const mapping = group?.at.get(x);
  if (group?.isNarrow !== true || mapping === undefined || !sameShape(own, axes)) return false;
  // What must wait for something is left where it was put.
  const made = [node, square, difference!, mean];
  if (made.some((each) => grouping.sources.waitsOf(each).length > 0)) return false;
  grouping.groups.addMember(group, node, mapped(mapping, keptAxes(node)));
  group.at.set(square, mapping);
  for (const each of made) if (!group.members.has(each)) group.remade.add(each);
  return true;
}
