// A group: the nodes that one kernel computes, and the order among groups.
// A group has axes; each member knows which of its elements is made at a point of them (`at`). A loop group that reduces
// has some of its axes as `row`; what is made once a row depends on the others only.
import type { Node } from "../../graph/graph.ts";
import { add, axesOf, axisIndices, multiply, sameIndex } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import type { Axis } from "../kernel.ts";
import type { ContractionDomain } from "./contraction-domain.ts";

export type Mapping = readonly Index[];

/** A bias gradient made while an operand of a product is packed. */
export interface OperandSum {
  readonly node: Node;
  readonly operand: "a" | "b";
}

export interface Group {
  readonly id: number;
  readonly kind: "loop" | "contraction" | "attention" | "scatter" | "host";
  /** The node that began it. */
  readonly root: Node;
  readonly axes: readonly Axis[];
  /** Ids of the axes that reductions walk; undefined where nothing is reduced. */
  row: ReadonlySet<number> | undefined;
  /** One row is so long, or rows are so few, that only sums may be made in it. */
  isNarrow: boolean;
  readonly members: Set<Node>;
  /** Members of other groups that this one makes for its own sums, and reads from nowhere. */
  readonly remade: Set<Node>;
  readonly at: Map<Node, Mapping>;
  /** A mapping of the whole domain for each shape met. */
  readonly shapes: Map<string, Mapping>;
  /** Values read from outside. */
  readonly reads: Set<Node>;
  readonly domain?: ContractionDomain;
  readonly sums: OperandSum[];
  /** Narrow groups whose sums are made while this one walks its rows, each with its axes as positions here. */
  readonly columns: Map<Group, ReadonlyMap<number, Index>>;
}

/** Equal positions, in whatever order their terms stand. */
export function equalIndex(a: Index, b: Index): boolean {
  if (sameIndex(a, b)) return true;
  if (a.kind !== "add" || b.kind !== "add") return false;
  const rest = add(a, multiply(b, -1));
  return rest.kind === "constant" && rest.value === 0;
}

export function sameMapping(a: Mapping, b: Mapping): boolean {
  return a === b || (a.length === b.length && a.every((index, i) => equalIndex(index, b[i]!)));
}

export function usesAxes(mapping: Mapping, axes: ReadonlySet<number>): boolean {
  return mapping.some((index) => [...axesOf(index)].some((axis) => axes.has(axis)));
}

/** Whether a loop group makes this once for each point of a row. */
export function isOverRow(group: Group, mapping: Mapping): boolean {
  return group.row !== undefined && usesAxes(mapping, group.row);
}

/** Elementwise work alone. */
export function isPlainLoop(group: Group): boolean {
  return group.kind === "loop" && group.row === undefined;
}

export function axesOfShape(shape: readonly number[]): Axis[] {
  return shape.map((extent, id) => ({ id, extent }));
}

/** Groups and which depends on which, transitively, as bit sets. */
export class Groups {
  readonly all: Group[] = [];
  private readonly ancestors: Uint32Array[] = [];
  /** Groups that were made to depend on each, to be told of what it comes to depend on later. */
  private readonly waiting: Group[][] = [];
  private readonly words: number;
  private readonly homes = new Map<Node, Group>();

  constructor(most: number) {
    this.words = Math.ceil(most / 32);
  }

  create(
    kind: Group["kind"],
    root: Node,
    axes: readonly Axis[],
    domain?: ContractionDomain,
  ): Group {
    const group: Group = {
      id: this.all.length,
      kind,
      root,
      axes,
      row: undefined,
      isNarrow: false,
      members: new Set(),
      remade: new Set(),
      at: new Map(),
      shapes: new Map(),
      reads: new Set(),
      sums: [],
      columns: new Map(),
      ...(domain && { domain }),
    };
    this.all.push(group);
    this.ancestors.push(new Uint32Array(this.words));
    this.waiting.push([]);
    return group;
  }

  /** A loop over every element of a node, which is at the axes themselves. */
  createOver(node: Node): { readonly group: Group; readonly mapping: Mapping } {
    return {
      group: this.create("loop", node, axesOfShape(node.shape)),
      mapping: axisIndices(node.shape),
    };
  }

  of(node: Node): Group | undefined {
    return this.homes.get(node);
  }

  addMember(group: Group, node: Node, mapping?: Mapping): void {
    group.members.add(node);
    this.homes.set(node, group);
    if (mapping !== undefined) group.at.set(node, mapping);
  }

  /** Takes all members out of a group, which is empty then. */
  empty(group: Group): void {
    group.members.clear();
  }

  /** Whether `later` needs something of `earlier`. */
  dependsOn(later: Group, earlier: Group): boolean {
    return ((this.ancestors[later.id]![earlier.id >> 5]! >>> (earlier.id & 31)) & 1) === 1;
  }

  addDependency(later: Group, earlier: Group): void {
    if (later === earlier || this.dependsOn(later, earlier)) return;
    this.waiting[earlier.id]!.push(later);
    const told = new Set([later]);
    for (const group of told) {
      this.inherit(group, earlier);
      for (const waiting of this.waiting[group.id]!) told.add(waiting);
    }
  }

  /** A group depends on another now, and on all that this one depends on. */
  private inherit(group: Group, earlier: Group): void {
    const own = this.ancestors[group.id]!;
    const added = this.ancestors[earlier.id]!;
    for (let i = 0; i < own.length; i++) own[i]! |= added[i]!;
    own[earlier.id >> 5]! |= 1 << (earlier.id & 31);
  }
}
