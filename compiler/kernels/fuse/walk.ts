// Reductions and the rows that loop groups walk: whether one fits the other, and which sums ride on a product.
import type { Node } from "../../graph/graph.ts";
import { numbers } from "../../ops/attributes.ts";
import { axesOf, linearIndex } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import type { ReductionOp } from "../../ops/op.ts";
import { elementCount, otherAxes, pick } from "../../ops/shape.ts";
import { contractionDomain } from "./contraction-domain.ts";
import { equalIndex, type Group, type Mapping } from "./group.ts";
import { operatorOf } from "./sources.ts";

/** The axes of its operand that a reduction leaves. */
export function keptAxes(reduction: Node): number[] {
  return otherAxes(reduction.inputs[0]!.shape.length, numbers(reduction.attributes, "axes"));
}

export function mapped(mapping: Mapping, axes: readonly number[]): Mapping {
  return axes.map((axis) => mapping[axis]!);
}

/**
 * Whether the axes that a reduction removes, its operand being at `mapping`, are the group's row;
 * makes them so where it has none.
 */
export function walksAlong(group: Group, node: Node, mapping: Mapping): boolean {
  const axes = numbers(node.attributes, "axes").toSorted((a, b) => a - b);
  const reduced = mapped(mapping, axes);
  const row = axesIn(reduced);
  const kept = axesIn(mapped(mapping, keptAxes(node)));
  if ([...row].some((axis) => kept.has(axis))) return false;
  const rowAxes = group.axes.filter((axis) => row.has(axis.id));
  const extents = pick(node.inputs[0]!.shape, axes);
  if (extentOf(rowAxes) !== elementCount(extents)) return false;
  if (elementCount(node.inputs[0]!.shape) !== extentOf(group.axes)) return false;
  if (isPosition(node) && !isInOrder(reduced, extents, rowAxes)) return false;
  if (group.row !== undefined)
    return group.row.size === row.size && [...row].every((axis) => group.row!.has(axis));
  const isNarrow = isNarrowWalk(group, row);
  if (isNarrow && group.members.size > 0) return false;
  if ([...group.at].some(([, at]) => !isWholeMapping(at, group))) return false;
  group.row = row;
  group.isNarrow = isNarrow;
  return true;
}

function extentOf(axes: Group["axes"]): number {
  return elementCount(axes.map((axis) => axis.extent));
}

function isWholeMapping(mapping: Mapping, group: Group): boolean {
  const used = axesIn(mapping);
  return group.axes.every((axis) => axis.extent === 1 || used.has(axis.id));
}

function axesIn(mapping: readonly Index[]): Set<number> {
  const found = new Set<number>();
  for (const index of mapping) axesOf(index, found);
  return found;
}

function isPosition(node: Node): boolean {
  const { reducer } = operatorOf(node) as ReductionOp;
  return reducer === "argmax" || reducer === "argmin";
}

/** Whether walking the row's axes in order meets the reduced elements in row-major order. */
function isInOrder(
  reduced: readonly Index[],
  extents: readonly number[],
  row: readonly { readonly id: number; readonly extent: number }[],
): boolean {
  const walked = row.map((axis): Index => ({ kind: "axis", axis: axis.id, extent: axis.extent }));
  return equalIndex(
    linearIndex(reduced, extents),
    linearIndex(walked, row.map((axis) => axis.extent)), // prettier-ignore
  );
}

/**
 * Few rows that are long, or long columns: such sums are cut into partial sums later, and nothing else may be made
 * along them, since it would run on too few threads.
 */
function isNarrowWalk(group: Group, row: ReadonlySet<number>): boolean {
  const points = extentOf(group.axes.filter((axis) => !row.has(axis.id)));
  const length = extentOf(group.axes.filter((axis) => row.has(axis.id)));
  const last = group.axes.findLast((axis) => axis.extent > 1);
  const isColumn = last !== undefined && !row.has(last.id);
  if (isColumn && length >= 1024 && points <= 4096) return true;
  return length > 32768 && points < 64;
}

/**
 * Which operand of a product this sum adds up: over exactly the contracted axes, all others kept. Where products of
 * many groups have one column each, they are no products but a loop over channels, which makes no such sum.
 */
export function summedOperand(product: Node, sum: Node): "a" | "b" | undefined {
  const operand = sum.inputs[0]!;
  const domain = contractionDomain(product);
  if (extentOf(domain.batch) > 1 && extentOf(domain.n) === 1) return undefined;
  const kept = keptAxes(sum);
  const reduced = numbers(sum.attributes, "axes");
  const fits = (
    side: 0 | 1,
    indices: readonly Index[],
    free: readonly { readonly id: number }[],
    k: readonly { readonly id: number }[],
  ) => {
    if (product.inputs[side] !== operand) return false;
    const isUnit = (axis: number) => operand.shape[axis] === 1;
    const isOf = (list: readonly { readonly id: number }[]) => (axis: number) =>
      isUnit(axis) || [...axesOf(indices[axis]!)].every((of) => list.some(({ id }) => id === of));
    return kept.every(isOf([...domain.batch, ...free])) && reduced.every(isOf(k));
  };
  if (fits(1, domain.b, domain.n, domain.k)) return "b";
  if (product.op === "dot" && fits(0, domain.a, domain.m, domain.k)) return "a";
  return undefined;
}
