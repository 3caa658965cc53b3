// Prepared graph -> groups: node by node, each joins a group that makes its inputs, or begins one.
//   elementwise   joins the latest group of its inputs in which every input is at hand at the same point
//   reduction     joins a loop that walks its operand along the same axes, or makes a loop of elementwise work its own;
//                 the sum of an operand of a product joins the product
//                 at the end, sums over long columns find a walk over the rows of the same array, if there is one
//   contraction, attention, scatter and host begin a group (the parts of one attention share it)
// Members may yet be computed again elsewhere, or not at all: `choose-stored.ts` decides what lies in memory.
import type { Node } from "../../graph/graph.ts";
import { numbers } from "../../ops/attributes.ts";
import { elementCount, sameShape } from "../../ops/shape.ts";
import { forward, isBijective } from "./bijection.ts";
import { contractionDomain } from "./contraction-domain.ts";
import { Groups, isOverRow, isPlainLoop, sameMapping, type Group, type Mapping } from "./group.ts";
import type { Preparation } from "./prepare.ts";
import { followsAll, type Follows } from "./rules/fusion-rule.ts";
import {
  absorbRule,
  attentionPartsRule,
  columnsRule,
  elementwiseRules,
  reductionRules,
  squaresRule,
  sumInProductRule,
  type JoiningRule,
  type WalkingRule,
} from "./rules/joining-rules.ts";
import { operatorOf, type Sources } from "./sources.ts";
import { keptAxes, mapped, walksAlong } from "./walk.ts";

export function groupNodes(
  prepared: Preparation,
  sources: Sources,
  follows: Follows = followsAll,
): Groups {
  return new Grouping(prepared, sources, follows).run();
}

export class Grouping {
  readonly prepared: Preparation;
  readonly sources: Sources;
  readonly groups: Groups;
  private readonly follows: Follows;
  private readonly elementwise: readonly JoiningRule[];
  private readonly reductions: readonly WalkingRule[];
  /** Loop groups that reduce, by what they walk. */
  private readonly walks = new Map<string, Set<Group>>();
  /** Groups by a value that they read. */
  private readonly readers = new Map<Node, Set<Group>>();
  /** Groups by a value that what they walk is made of. */
  private readonly walkersBehind = new Map<Node, Set<Group>>();
  private readonly attentions = new Map<string, Group>();
  private readonly madeBy = new Map<Node, readonly Group[]>();
  private readonly order = new Map<Node, number>();

  constructor(prepared: Preparation, sources: Sources, follows: Follows) {
    this.prepared = prepared;
    this.sources = sources;
    this.follows = follows;
    this.elementwise = elementwiseRules.filter(follows);
    this.reductions = reductionRules.filter(follows);
    this.groups = new Groups(prepared.nodes.length);
    prepared.nodes.forEach((node, place) => this.order.set(node, place));
  }

  run(): Groups {
    for (const node of this.prepared.nodes)
      if (this.sources.roleOf(node) === "computed" && this.groups.of(node) === undefined)
        this.assign(node);
    if (this.follows(columnsRule)) columnsRule.join(this);
    return this.groups;
  }

  private assign(node: Node): void {
    if (this.sources.isPointwise(node)) return this.assignPointwise(node);
    const { kind } = operatorOf(node);
    switch (kind) {
      case "reduction":
        return this.assignReduction(node);
      case "contraction":
        return this.beginContraction(node);
      case "structured":
        return this.assignAttention(node);
      default:
        return this.join(this.groups.create(kind === "host" ? "host" : "scatter", node, []), node);
    }
  }

  /** Makes a node a member, and its group depend on all that makes its inputs. */
  join(group: Group, node: Node, mapping?: Mapping): void {
    this.groups.addMember(group, node, mapping);
    for (const base of this.sources.basesBehind(node)) {
      if (!group.members.has(base)) this.addRead(group, base);
      for (const maker of this.makersOf(base)) this.groups.addDependency(group, maker);
    }
    for (const base of this.sources.waitsOf(node))
      for (const maker of this.makersOf(base)) this.groups.addDependency(group, maker);
  }

  private addRead(group: Group, base: Node): void {
    group.reads.add(base);
    put(this.readers, base, group);
  }

  /** The groups that make a value: several where it is assembled. */
  private makersOf(base: Node): readonly Group[] {
    const pieces = this.prepared.assembled.get(base);
    if (pieces === undefined) {
      const group = this.groups.of(base);
      return group === undefined ? [] : [group];
    }
    const known = this.madeBy.get(base);
    if (known !== undefined) return known;
    const makers = [...new Set(pieces.flatMap((piece) => this.makersOf(piece)))];
    this.madeBy.set(base, makers);
    return makers;
  }

  /** Whether a group may read all these values without waiting for itself. */
  mayRead(group: Group, bases: readonly Node[], node: Node): boolean {
    if (!isSameTime(group.root, node)) return false;
    const isThere = (base: Node) =>
      this.makersOf(base).every((maker) =>
        maker === group ? group.members.has(base) : !this.groups.dependsOn(maker, group),
      );
    return bases.every(isThere) && this.sources.waitsOf(node).every(isThere);
  }

  // ---- elementwise ----

  private assignPointwise(node: Node): void {
    const bases = this.sources.basesBehind(node);
    for (const group of this.candidates(bases)) {
      if (!belongs(this.elementwise, node, group, this) || !this.mayRead(group, bases, node))
        continue;
      const mapping = this.placeIn(group, node);
      if (mapping === undefined || (group.isNarrow && isOverRow(group, mapping))) continue;
      if (this.follows(absorbRule))
        for (const other of this.candidates(bases))
          if (other !== group && isSameTime(group.root, other.root))
            absorbRule.merge(this, group, other);
      this.note(group, node, mapping);
      return this.join(group, node, mapping);
    }
    const { group, mapping } = this.groups.createOver(node);
    this.note(group, node, mapping);
    this.join(group, node, mapping);
  }

  /** Groups of these values, those with sums or products first, then the latest. */
  private candidates(bases: readonly Node[]): Group[] {
    const found: Group[] = [];
    for (const base of bases) {
      const group = this.groups.of(base);
      if (group !== undefined && !found.includes(group)) found.push(group);
    }
    const rank = (group: Group) => (isPlainLoop(group) ? 0 : 1);
    return found.length < 2 ? found : found.sort((a, b) => rank(b) - rank(a) || b.id - a.id);
  }

  private note(group: Group, node: Node, mapping: Mapping): void {
    const key = node.shape.join();
    if (!group.shapes.has(key) && isWhole(group, node)) group.shapes.set(key, mapping);
  }

  /** Which element of an elementwise node can be made at a point of the group, all of its inputs being at hand. */
  private placeIn(group: Group, node: Node): Mapping | undefined {
    for (const mapping of this.mappings(group, node.inputs, node))
      if (this.isAtHand(group, node, mapping)) return mapping;
    return undefined;
  }

  /** Mappings that a node of this shape may have, from those of its inputs or of others of its shape. */
  *mappings(group: Group, inputs: readonly Node[], node: Node): Iterable<Mapping> {
    const tried: Mapping[] = [];
    const isNew = (mapping: Mapping | undefined): mapping is Mapping =>
      mapping !== undefined && !tried.some((other) => sameMapping(other, mapping));
    for (const input of inputs) {
      // A copied view may have fewer elements than what it shows.
      if (!sameShape(input.shape, node.shape)) continue;
      const mapping = this.inputMapping(group, input);
      if (!isNew(mapping)) continue;
      tried.push(mapping);
      yield mapping;
    }
    const known = group.shapes.get(node.shape.join());
    if (isNew(known)) yield known;
  }

  private inputMapping(group: Group, node: Node): Mapping | undefined {
    const known = group.at.get(node);
    if (known !== undefined) return known;
    if (this.sources.roleOf(node) !== "inline" || !isBijective(node)) return undefined;
    const inner = this.inputMapping(group, node.inputs[0]!);
    return inner && forward(node, inner);
  }

  /** Whether every member that this element is made from is read where it is made. */
  isAtHand(group: Group, node: Node, mapping: Mapping): boolean {
    let isSame = true;
    const check = (base: Node, indices: Mapping): void => {
      if (!isSame || !group.members.has(base)) return;
      const at = group.at.get(base);
      isSame = at !== undefined && sameMapping(at, indices);
    };
    const inputs = this.sources.isPointwise(node) && !this.prepared.copied.has(node);
    if (inputs) for (const input of node.inputs) this.sources.resolve(input, mapping, check);
    else this.sources.resolveBehind(node, mapping, check);
    return isSame;
  }

  // ---- reductions ----

  private assignReduction(node: Node): void {
    for (const rule of [sumInProductRule, squaresRule])
      if (this.follows(rule) && rule.join(this, node)) return;
    const operand = node.inputs[0]!;
    const bases = this.sources.basesOf(operand);
    const named = new Set(this.reductions.flatMap((rule) => [...rule.groups(node, this)]));
    const candidates = [...named]
      .filter((group) => group.kind === "loop")
      .sort((a, b) => b.id - a.id);
    for (const group of candidates) {
      if (!this.mayRead(group, bases, node)) continue;
      for (const mapping of this.mappings(group, [operand], operand))
        if (this.isOperandAtHand(group, operand, mapping) && walksAlong(group, node, mapping)) {
          this.joinWalk(group, node, mapping);
          return this.joinRelated(group, node);
        }
    }
    const { group, mapping } = this.groups.createOver(operand);
    group.shapes.set(operand.shape.join(), mapping);
    walksAlong(group, node, mapping);
    this.joinWalk(group, node, mapping);
  }

  /** Earlier sums over the same rows of what a walk reads become a part of it. */
  private joinRelated(group: Group, node: Node): void {
    if (!this.follows(absorbRule)) return;
    const alike = this.walksLike(node);
    const others = [...group.reads].flatMap((base) => [...(this.readers.get(base) ?? [])]);
    for (const other of new Set(others))
      if (other !== group && alike.has(other) && isSameTime(group.root, other.root))
        absorbRule.merge(this, group, other);
  }

  private joinWalk(group: Group, node: Node, mapping: Mapping): void {
    const operand = node.inputs[0]!;
    const kept = keptAxes(node);
    this.join(group, node, mapped(mapping, kept));
    // What is walked is at hand at every point of the row, wherever it comes from.
    for (const base of this.sources.basesOf(operand)) {
      this.addRead(group, base);
      for (const inner of this.elementwiseInputs(base)) put(this.walkersBehind, inner, group);
    }
    group.at.set(operand, mapping);
    put(this.walks, walkOf(node), group);
  }

  isOperandAtHand(group: Group, operand: Node, mapping: Mapping): boolean {
    let isSame = true;
    this.sources.resolve(operand, mapping, (base, indices) => {
      if (!isSame || !group.members.has(base)) return;
      const at = group.at.get(base);
      isSame = at !== undefined && sameMapping(at, indices);
    });
    return isSame;
  }

  /** Groups that make what a reduction walks. */
  makersOfOperand(reduction: Node): Iterable<Group> {
    return this.candidates(this.sources.basesOf(reduction.inputs[0]!));
  }

  /** Groups that have a reduction over the same axes of the same shape. */
  walksLike(reduction: Node): ReadonlySet<Group> {
    return this.walks.get(walkOf(reduction)) ?? new Set();
  }

  /** Those of them that read some of what a reduction walks, or of what that is made of, or what is made of it. */
  relatedWalks(reduction: Node): Iterable<Group> {
    const alike = this.walksLike(reduction);
    const related = new Set<Group>();
    const add = (groups: Iterable<Group> = []) => {
      for (const group of groups) if (alike.has(group)) related.add(group);
    };
    for (const base of this.sources.basesOf(reduction.inputs[0]!)) {
      add(this.readers.get(base));
      add(this.walkersBehind.get(base));
      for (const inner of this.elementwiseInputs(base)) add(this.readers.get(inner));
    }
    return related;
  }

  /** A group waits for what makes these values. */
  awaitMakers(group: Group, bases: readonly Node[]): void {
    for (const base of bases)
      for (const maker of this.makersOf(base)) this.groups.addDependency(group, maker);
  }

  /** What an elementwise value is made of; nothing for others. */
  private elementwiseInputs(base: Node): readonly Node[] {
    const isElementwise =
      this.sources.roleOf(base) === "computed" && this.sources.isPointwise(base);
    return isElementwise ? this.sources.basesBehind(base) : [];
  }

  // ---- groups of their own ----

  /** The group of a product, begun now if it stands later in the graph. */
  groupOfProduct(product: Node): Group {
    if (this.groups.of(product) === undefined) this.beginContraction(product);
    return this.groups.of(product)!;
  }

  /** Whether all that a product reads stands before a node. */
  isReady(product: Node, node: Node): boolean {
    const place = this.order.get(node)!;
    const needed = [...this.sources.basesBehind(product), ...this.sources.waitsOf(product)];
    return needed.every((base) => this.order.get(base)! < place);
  }

  private beginContraction(node: Node): void {
    const domain = contractionDomain(node);
    const axes = [...domain.batch, ...domain.m, ...domain.n];
    const group = this.groups.create("contraction", node, axes, domain);
    group.shapes.set(node.shape.join(), domain.output);
    this.join(group, node, domain.output);
  }

  private assignAttention(node: Node): void {
    if (this.follows(attentionPartsRule) && attentionPartsRule.join(this, node)) return;
    const group = this.groups.create("attention", node, []);
    this.attentions.set(attentionKey(node), group);
    this.join(group, node);
  }

  /** `attention` and its statistics are one kernel, the three gradients another. */
  joinAttention(node: Node): boolean {
    const known = this.attentions.get(attentionKey(node));
    if (known === undefined || [...known.members].some((member) => member.op === node.op))
      return false;
    if (!this.mayRead(known, this.sources.basesBehind(node), node)) return false;
    this.join(known, node);
    return true;
  }
}

/**
 * What is computed a second time shares no kernel with gradients, as the first time it could not: fused otherwise, sums
 * would be rounded otherwise.
 */
function isSameTime(one: Node, other: Node): boolean {
  return (one.origin.role === "recompute") === (other.origin.role === "recompute");
}

function belongs(
  rules: readonly JoiningRule[],
  node: Node,
  group: Group,
  grouping: Grouping,
): boolean {
  return rules.some((rule) => rule.belongs(node, group, grouping));
}

/** What a reduction walks: reductions with the same key may share their loop. */
function walkOf(reduction: Node): string {
  return `${reduction.inputs[0]!.shape.join()}|${numbers(reduction.attributes, "axes").join()}`;
}

/** What the parts of one attention have in common: forward and backward are two. */
function attentionKey(node: Node): string {
  const isForward = node.op === "attention" || node.op === "attention_statistics";
  const shared = isForward ? node.inputs.slice(0, 2) : node.inputs;
  const ids = shared.map((input) => input.id).join();
  return `${isForward} ${ids} ${JSON.stringify(node.attributes)}`;
}

function put<K>(map: Map<K, Set<Group>>, key: K, group: Group): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([group]));
  else known.add(group);
}

function isWhole(group: Group, node: Node): boolean {
  return elementCount(node.shape) === elementCount(group.axes.map((axis) => axis.extent));
}
