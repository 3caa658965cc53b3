// Groups -> which computed values lie in memory. All others are made inside each kernel that reads them.
// Sums, products and structured results are never made twice. Elementwise work is done again where that moves no more
// bytes than storing its result would; where it rests on a small unstored value (the mean of a row), that is stored.
// Where several results of one group would be stored that all follow from one earlier value, that one is stored.
import { byteSize, type Node } from "../../graph/graph.ts";
import { instructionWeight, randomWeight } from "../scalar-work.ts";
import type { Group, Groups } from "./group.ts";
import type { Preparation } from "./prepare.ts";
import { ReplacedValues } from "./replaced-values.ts";
import { followsAll, type Follows } from "./rules/fusion-rule.ts";
import { blockersRule, forkRule, halfRule, repeatingRules } from "./rules/storing-rules.ts";
import type { RepeatingRule } from "./rules/storing-rules.ts";
import { inputsRead, operatorOf, type Sources } from "./sources.ts";

/** What making a value again costs: what it loads, in bytes by value, and how many simple instructions it takes. */
interface Cost {
  readonly loads: ReadonlyMap<Node, number>;
  readonly weight: number;
}

/** How a value is read by another kernel. */
type Use =
  /** By strides, or written to a given place: it must lie in memory. */
  | "strict"
  /** While an operand of a product is packed, many times. */
  | "operand"
  | "pointwise";

export interface ExternalUse {
  readonly use: Use;
  readonly by: Group | undefined;
}

const mostLoads = 8;
/** A blocking value this much smaller than what rests on it is stored instead. */
const smallFraction = 4;

export function chooseStored(
  prepared: Preparation,
  sources: Sources,
  groups: Groups,
  follows: Follows = followsAll,
): Set<Node> {
  return new Choice(prepared, sources, groups, follows).run();
}

export class Choice {
  private readonly prepared: Preparation;
  private readonly sources: Sources;
  private readonly groups: Groups;
  private readonly follows: Follows;
  private readonly repeating: readonly RepeatingRule[];
  private readonly replaced: ReplacedValues;
  /** In the order in which they were chosen, so that a choice can be taken back. */
  private readonly stored = new Set<Node>();
  private readonly chosen: Node[] = [];
  private readonly costs = new Map<Node, Cost | undefined>();
  private readonly uses = new Map<Node, ExternalUse[]>();
  private readonly internal = new Map<Node, number>();

  constructor(prepared: Preparation, sources: Sources, groups: Groups, follows: Follows) {
    this.prepared = prepared;
    this.sources = sources;
    this.groups = groups;
    this.follows = follows;
    this.repeating = repeatingRules.filter(follows);
    this.replaced = new ReplacedValues(prepared, groups);
    for (const node of prepared.nodes) this.collectUses(node);
    for (const node of prepared.claims.keys())
      if (sources.roleOf(node) === "computed") this.addUse(node, "strict", undefined);
  }

  run(): Set<Node> {
    for (const node of this.prepared.nodes)
      if (this.sources.roleOf(node) === "computed") this.decide(node);
    return this.stored;
  }

  private collectUses(node: Node): void {
    if (this.sources.roleOf(node) !== "computed") return;
    const group = this.groups.of(node)!;
    const use = this.useBy(node, group);
    for (const base of this.basesRead(node, group)) {
      if (this.sources.roleOf(base) !== "computed") continue;
      this.addReader(base, use, group);
      const half = this.follows(halfRule) ? halfRule.behind(base) : undefined;
      if (half !== undefined && use !== "strict" && this.sources.roleOf(half) === "computed")
        this.addReader(half, use, group);
    }
  }

  /** The values behind a node, and behind what its group makes for itself. */
  private basesRead(node: Node, group: Group): readonly Node[] {
    const bases = this.sources.basesBehind(node);
    if (group.remade.size === 0) return bases;
    return bases.flatMap((base) => (group.remade.has(base) ? this.basesRead(base, group) : [base]));
  }

  private addReader(base: Node, use: Use, by: Group): void {
    if (this.groups.of(base) !== by) return this.addUse(base, use, by);
    this.internal.set(base, (this.internal.get(base) ?? 0) + 1);
  }

  private useBy(node: Node, group: Group): Use {
    if (group.kind !== "loop" && group.kind !== "contraction") return "strict";
    return group.kind === "contraction" && !this.sources.isPointwise(node)
      ? "operand"
      : "pointwise";
  }

  private addUse(node: Node, use: Use, by: Group | undefined): void {
    const known = this.uses.get(node);
    if (known === undefined) this.uses.set(node, [{ use, by }]);
    else if (!known.some((other) => other.use === use && other.by === by)) known.push({ use, by });
  }

  private decide(node: Node): void {
    const uses = this.uses.get(node) ?? [];
    if (uses.length === 0) {
      if (this.follows(forkRule)) forkRule.store(this, node, uses);
      return;
    }
    if (!this.mayBeLeftOut(node, uses)) this.store(node);
  }

  /** Whether every reader can make a value again, maybe of something smaller that is stored now. */
  private mayBeLeftOut(node: Node, uses: readonly ExternalUse[]): boolean {
    if (this.mayRepeat(node, uses)) return true;
    return this.follows(blockersRule) && blockersRule.store(this, node, uses);
  }

  private store(node: Node): void {
    this.put(node);
    for (const member of this.groups.of(node)!.members) this.costs.delete(member);
  }

  private put(node: Node): void {
    if (this.stored.has(node)) return;
    this.stored.add(node);
    this.chosen.push(node);
  }

  // ---- making a value again ----

  private mayRepeat(node: Node, uses: readonly ExternalUse[]): boolean {
    const cost = this.costOf(node);
    return cost !== undefined && uses.every((use) => this.accepts(node, cost, use, uses));
  }

  private accepts(
    node: Node,
    cost: Cost,
    { use, by }: ExternalUse,
    uses: readonly ExternalUse[],
  ): boolean {
    if (use === "strict" || (by !== undefined && this.restsOnGone(cost, by))) return false;
    const readers = new Set(uses.map(({ by }) => by)).size;
    const isOnlyThere = readers === 1 && (this.internal.get(node) ?? 0) === 0;
    const value = { node, use, ...cost, readers, isOnlyThere };
    return this.repeating.some((rule) => rule.allows(value));
  }

  /** Whether a group that made a value again would read residents that were replaced before it runs. */
  private restsOnGone({ loads }: Cost, by: Group): boolean {
    const mustRead = (value: Node) => this.costOf(value) === undefined;
    return [...loads.keys()].some((leaf) => this.replaced.isGoneFor(leaf, by, mustRead));
  }

  /** Undefined where a value rests on what is neither stored nor elementwise. */
  private costOf(node: Node): Cost | undefined {
    if (this.costs.has(node)) return this.costs.get(node);
    const cost = this.sources.isPointwise(node) ? this.sumOfCosts(node) : undefined;
    this.costs.set(node, cost);
    return cost;
  }

  private sumOfCosts(node: Node): Cost | undefined {
    const loads = new Map<Node, number>();
    let weight = weightOf(node);
    for (const input of inputsRead(node)) {
      const cost = this.costToRead(input);
      if (cost === undefined) return undefined;
      weight += cost.weight;
      for (const [base, bytes] of cost.loads)
        loads.set(base, Math.max(loads.get(base) ?? 0, Math.min(bytes, byteSize(node))));
    }
    return loads.size > mostLoads ? undefined : { loads, weight };
  }

  private costToRead(node: Node): Cost | undefined {
    const role = this.sources.roleOf(node);
    if (role === "leaf" || role === "assembled" || this.stored.has(node))
      return { loads: new Map([[node, byteSize(node)]]), weight: 0 };
    if (role === "computed") return this.costOf(node);
    if (node.op === "table") return { loads: new Map([[node, byteSize(node)]]), weight: 0 };
    return this.sumOfCosts(node);
  }

  // ---- storing something else instead ----

  /** Stores the small values that a result rests on, if it can be made again from them then. */
  storeBlockers(node: Node, uses: readonly ExternalUse[]): boolean {
    if (!this.sources.isPointwise(node) || uses.some(({ use }) => use === "strict")) return false;
    const blockers = new Set<Node>();
    if (!this.collectBlockers(node, byteSize(node) / smallFraction, blockers)) return false;
    if (blockers.size === 0) return false;
    const before = this.chosen.length;
    for (const blocker of blockers) this.put(blocker);
    this.costs.clear();
    if (this.mayRepeat(node, uses)) return true;
    this.restore(before);
    return false;
  }

  private collectBlockers(node: Node, mostBytes: number, found: Set<Node>): boolean {
    return this.sources.basesBehind(node).every((base) => {
      if (this.sources.roleOf(base) !== "computed" || this.stored.has(base)) return true;
      if (this.costOf(base) !== undefined) return true;
      if (byteSize(base) <= mostBytes) return found.add(base) !== undefined;
      return this.sources.isPointwise(base) && this.collectBlockers(base, mostBytes, found);
    });
  }

  /** Stores a value that no other kernel reads, where that spares more bytes of what follows from it. */
  storeFork(node: Node): boolean {
    const isWorthIt = this.isForkWorthStoring(node);
    if (isWorthIt) this.store(node);
    return isWorthIt;
  }

  /** Whether storing this value, which no other kernel reads, spares more bytes of what follows from it. */
  private isForkWorthStoring(node: Node): boolean {
    if ((this.internal.get(node) ?? 0) < 2 || this.isRemadeFreely(node)) return false;
    const group = this.groups.of(node)!;
    const later = [...group.members].filter(
      (member) => member.id > node.id && this.uses.has(member),
    );
    if (later.length < 2) return false;
    const without = this.bytesStored(later);
    const withIt = this.bytesStored(later, node) + byteSize(node);
    return withIt < without;
  }

  /** Whether any reader may make a value again, whenever it runs. */
  private isRemadeFreely(node: Node): boolean {
    const cost = this.costOf(node);
    return cost !== undefined && ![...cost.loads.keys()].some((leaf) => this.replaced.has(leaf));
  }

  /** Bytes of the given members that would be stored, `extra` being in memory. */
  private bytesStored(members: readonly Node[], extra?: Node): number {
    const before = this.chosen.length;
    if (extra !== undefined) this.store(extra);
    let bytes = 0;
    for (const member of members) {
      const uses = this.uses.get(member)!;
      if (this.mayBeLeftOut(member, uses)) continue;
      this.store(member);
      bytes += byteSize(member);
    }
    this.restore(before);
    return bytes;
  }

  /** Takes back all choices but the first so many. */
  private restore(count: number): void {
    for (const node of this.chosen.splice(count)) this.stored.delete(node);
    this.costs.clear();
  }
}

/** Views that ask at each element where it comes from. */
const guardedViews: Readonly<Record<string, number>> = {
  concat: 32,
  window: 4,
  slide: 4,
  unslide: 8,
  pad: 2,
};

function weightOf(node: Node): number {
  const op = operatorOf(node);
  switch (op.kind) {
    case "elementwise":
      return instructionWeight(op.instruction);
    case "random":
      return randomWeight;
    case "indexing":
      return 2;
    case "view":
      return guardedViews[node.op] ?? 0;
    default:
      return 0;
  }
}
