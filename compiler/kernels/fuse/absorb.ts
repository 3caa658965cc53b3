// Two loop groups -> one: a loop moves into another group whose new member reads both, which gives one kernel with several
// results. It must be elementwise, or walk the same rows and read some of the same, or little.
import type { Node } from "../../graph/graph.ts";
import { elementCount, sameShape } from "../../ops/shape.ts";
import { isOverRow, sameMapping, type Group, type Mapping } from "./group.ts";
import type { Grouping } from "./group-nodes.ts";
import { keptAxes, mapped, walksAlong } from "./walk.ts";

/** Moves all that `other` makes into `group`, if every member can be made there. */
export function absorb(grouping: Grouping, group: Group, other: Group): void {
  if (other.kind !== "loop" || other.members.size === 0 || other.remade.size > 0) return;
  if (other.row !== undefined && (group.row === undefined || group.isNarrow)) return;
  if (other.row !== undefined && !sharesReads(group, other)) return;
  if (grouping.groups.dependsOn(group, other) || grouping.groups.dependsOn(other, group)) return;
  const moved = new Map<Node, Mapping>();
  for (const node of other.members) {
    const place = grouping.sources.isPointwise(node)
      ? placeMoved(grouping, group, node, moved)
      : placeMovedWalk(grouping, group, node, moved);
    if (place === undefined) return;
    if (group.isNarrow && isOverRow(group, place)) return;
    moved.set(node, place);
  }
  const members = [...other.members];
  grouping.groups.empty(other);
  for (const [node, mapping] of moved) {
    if (members.includes(node)) grouping.join(group, node, mapping);
    else group.at.set(node, mapping);
  }
  // Whoever waits for the emptied group waits for this one now.
  grouping.groups.addDependency(other, group);
}

/** Whether two walks read some of the same, or one of them nothing that is as large as what it walks. */
function sharesReads(group: Group, other: Group): boolean {
  if ([...other.reads].some((base) => group.reads.has(base))) return true;
  const points = elementCount(group.axes.map(({ extent }) => extent));
  const readsLittle = ({ reads, members }: Group) =>
    [...reads].every((base) => members.has(base) || elementCount(base.shape) < points);
  return readsLittle(group) || readsLittle(other);
}

function placeMoved(
  grouping: Grouping,
  group: Group,
  node: Node,
  moved: ReadonlyMap<Node, Mapping>,
): Mapping | undefined {
  const inputs = node.inputs.flatMap((input) => {
    const mapping = moved.get(input);
    return mapping !== undefined && sameShape(input.shape, node.shape) ? [mapping] : [];
  });
  const whole = group.shapes.get(node.shape.join());
  const candidates = [...inputs, ...grouping.mappings(group, node.inputs, node), ...(whole ? [whole] : [])]; // prettier-ignore
  return candidates.find(
    (mapping) =>
      grouping.isAtHand(group, node, mapping) && fitsMoved(grouping, node, mapping, moved),
  );
}

/** A reduction moves with its operand, if that is walked in the same way. */
function placeMovedWalk(
  grouping: Grouping,
  group: Group,
  node: Node,
  moved: Map<Node, Mapping>,
): Mapping | undefined {
  const operand = node.inputs[0]!;
  const mapping = moved.get(operand) ?? group.shapes.get(operand.shape.join());
  if (mapping === undefined || !grouping.isOperandAtHand(group, operand, mapping)) return undefined;
  if (!fitsMoved(grouping, node, mapping, moved) || !walksAlong(group, node, mapping))
    return undefined;
  moved.set(operand, mapping);
  return mapped(mapping, keptAxes(node));
}

/** Whether what moves along is read where it will be made. */
function fitsMoved(
  { sources }: Grouping,
  node: Node,
  mapping: Mapping,
  moved: ReadonlyMap<Node, Mapping>,
): boolean {
  let isSame = true;
  const check = (base: Node, indices: Mapping): void => {
    const at = moved.get(base);
    if (at !== undefined) isSame &&= sameMapping(at, indices);
  };
  if (sources.isPointwise(node)) sources.resolveBehind(node, mapping, check);
  else sources.resolve(node.inputs[0]!, mapping, check);
  return isSame;
}
