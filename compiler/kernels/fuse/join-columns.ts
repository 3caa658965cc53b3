// Sums over long columns and a walk over the rows of the same array -> one kernel, that walks its rows in parts and adds up
// the columns of each part as it goes. So a norm's backward pass reads the gradient once for dx and for the gradients of
// gain and offset, and so does the gradient of a layer's scale.
// Only shapes and what waits for what decide, so a step adds up in the same order whatever else it stores.
import type { Node } from "../../graph/graph.ts";
import { axesOf, substitute } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import { elementCount } from "../../ops/shape.ts";
import type { Group, Mapping } from "./group.ts";
import type { Grouping } from "./group-nodes.ts";
import type { Sources } from "./sources.ts";

/** Where the axes of one group are in another one, by id. */
type Positions = ReadonlyMap<number, Index>;

/** Gives the sums of each narrow group to a walk over rows that reads or makes most of what they read, if one can make them. */
export function joinColumns(grouping: Grouping): void {
  const narrow = grouping.groups.all.filter((group) => group.isNarrow);
  if (narrow.length > 0) new ColumnJoining(grouping).run(narrow);
}

class ColumnJoining {
  private readonly grouping: Grouping;
  /** Walks over rows by what is at hand in them. */
  private readonly walks = new Map<Node, Group[]>();

  constructor(grouping: Grouping) {
    this.grouping = grouping;
    for (const group of grouping.groups.all) {
      if (group.kind !== "loop" || group.row === undefined || group.isNarrow) continue;
      // Another one has taken in what it was.
      if (group.members.size === 0) continue;
      for (const value of this.madeFrom([...group.reads, ...group.members])) {
        const walks = this.walks.get(value);
        if (walks === undefined) this.walks.set(value, [group]);
        else walks.push(group);
      }
    }
  }

  /** Values and what they are made from, two steps back: elementwise work is done again by any reader. */
  private madeFrom(values: readonly Node[]): ReadonlySet<Node> {
    const { sources } = this.grouping;
    let last = values;
    const found = new Set(values);
    for (let steps = 0; steps < 2; steps++) {
      last = last.flatMap((value) => (isElementwise(sources, value) ? sources.basesBehind(value) : [])); // prettier-ignore
      for (const value of last) found.add(value);
    }
    return found;
  }

  run(narrow: readonly Group[]): void {
    for (const sums of narrow) {
      const nodes = [...sums.members].filter((node) => !this.grouping.sources.isPointwise(node));
      if (isPlain(sums, nodes)) this.join(sums, nodes);
    }
  }

  private join(sums: Group, nodes: readonly Node[]): void {
    const { groups, sources } = this.grouping;
    const bases = [...new Set(nodes.flatMap((node) => sources.basesOf(node.inputs[0]!)))];
    if (bases.some((base) => sums.members.has(base))) return;
    for (const walk of this.candidates(sums, bases)) {
      const mayRead = nodes.every((node) => this.grouping.mayRead(walk, bases, node));
      if (!mayRead || groups.dependsOn(walk, sums)) continue;
      const positions = positionsIn(this.grouping, walk, sums, nodes);
      if (positions === undefined) continue;
      walk.columns.set(sums, positions);
      this.grouping.awaitMakers(walk, bases);
      return groups.addDependency(sums, walk);
    }
  }

  /** Walks in which something as large as what is summed is at hand, those first that have most of it. */
  private candidates(sums: Group, bases: readonly Node[]): Group[] {
    const whole = elementCount(sums.axes.map(({ extent }) => extent));
    const large = [...this.madeFrom(bases)].filter(({ shape }) => elementCount(shape) === whole);
    const shared = new Map<Group, number>();
    for (const value of large)
      for (const walk of this.walks.get(value) ?? []) shared.set(walk, (shared.get(walk) ?? 0) + 1);
    return [...shared.keys()].sort((a, b) => shared.get(b)! - shared.get(a)! || b.id - a.id);
  }
}

function isElementwise(sources: Sources, value: Node): boolean {
  return sources.roleOf(value) === "computed" && sources.isPointwise(value);
}

/** Sums of reals, none of which rests on another one. */
function isPlain({ remade }: Group, reductions: readonly Node[]): boolean {
  return (
    remade.size === 0 &&
    reductions.length > 0 &&
    reductions.every(
      ({ op, dtype, inputs }) => op === "sum" && dtype === "f32" && inputs[0]!.dtype === "f32",
    )
  );
}

/** What of a value's element is at these positions. */
export function mappedTo(mapping: Mapping, positions: Positions): Mapping {
  return mapping.map((index) =>
    substitute(index, (axis, extent) => positions.get(axis) ?? { kind: "axis", axis, extent }),
  );
}

/** The axes of the sums in the walk: those that they add up along are its grid, the others its row. */
function positionsIn(
  grouping: Grouping,
  walk: Group,
  sums: Group,
  nodes: readonly Node[],
): Positions | undefined {
  const first = nodes[0]!.inputs[0]!;
  for (const mapping of grouping.mappings(walk, [first], first)) {
    const positions = positionsAt(sums.at.get(first)!, mapping);
    if (positions === undefined || !isAcross(walk, sums, positions)) continue;
    const isAtHand = nodes.every(({ inputs: [operand] }) =>
      grouping.isOperandAtHand(walk, operand!, mappedTo(sums.at.get(operand!)!, positions)),
    );
    if (isAtHand) return positions;
  }
  return undefined;
}

/** One axis after the other, where an operand is at the axes themselves. */
function positionsAt(own: Mapping, there: Mapping): Positions | undefined {
  const positions = new Map<number, Index>();
  for (const [i, index] of own.entries()) {
    if (index.kind === "constant") continue;
    if (index.kind !== "axis" || positions.has(index.axis)) return undefined;
    positions.set(index.axis, there[i]!);
  }
  return positions;
}

/** Whether one walks along what the other one keeps. */
function isAcross(walk: Group, sums: Group, positions: Positions): boolean {
  const used = (isSummed: boolean): Set<number> => {
    const found = new Set<number>();
    for (const [axis, index] of positions)
      if (sums.row!.has(axis) === isSummed) axesOf(index, found);
    return found;
  };
  const [along, kept] = [used(true), used(false)];
  return walk.axes
    .filter(({ extent }) => extent > 1)
    .every(({ id }) => (walk.row!.has(id) ? kept : along).has(id) && !(kept.has(id) && along.has(id))); // prettier-ignore
}
