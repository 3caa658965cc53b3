// Prepared graph -> groups: node by node, each joins a group that makes its inputs, or begins one.
//   elementwise   joins the latest group of its inputs in which every input is at hand at the same point
//   reduction     joins a loop that walks its operand along the same axes, or makes a loop of elementwise work its own;
//                 the sum of an operand of a product joins the product
//   contraction, attention, scatter and host begin a group (the parts of one attention share it)
// Members may yet be computed again elsewhere, or not at all: `choose-stored.ts` decides what lies in memory.
import type { Node } from "../../graph/graph.ts";
import { numbers } from "../../ops/attributes.ts";
import { elementCount, sameShape } from "../../ops/shape.ts";
import { forward, isBijective } from "./bijection.ts";
import { contractionDomain } from "./contraction-domain.ts";
import { Groups, isOverRow, sameMapping, type Group, type Mapping } from "./group.ts";
import type { Preparation } from "./prepare.ts";
import { operatorOf, type Sources } from "./sources.ts";
import { keptAxes, mapped, summedOperand, walksAlong } from "./walk.ts";

export function groupNodes(prepared: Preparation, sources: Sources): Groups {
  return new Grouping(prepared, sources).run();
}

class Grouping {
  private readonly prepared: Preparation;
  private readonly sources: Sources;
  private readonly groups: Groups;
  /** Loop groups that reduce, by what they walk. */
  private readonly walks = new Map<string, Group[]>();
  private readonly attentions = new Map<string, Group>();
  private readonly madeBy = new Map<Node, readonly Group[]>();
  private readonly order = new Map<Node, number>();

  constructor(prepared: Preparation, sources: Sources) {
    this.prepared = prepared;
    this.sources = sources;
    this.groups = new Groups(prepared.nodes.length);
    prepared.nodes.forEach((node, place) => this.order.set(node, place));
  }

  run(): Groups {
    for (const node of this.prepared.nodes)
      if (this.sources.roleOf(node) === "computed" && this.groups.of(node) === undefined)
        this.assign(node);
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
  private join(group: Group, node: Node, mapping?: Mapping): void {
    this.groups.addMember(group, node, mapping);
    for (const base of this.sources.basesBehind(node)) {
      if (!group.members.has(base)) group.reads.add(base);
      for (const maker of this.makersOf(base)) this.groups.addDependency(group, maker);
    }
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
  private mayRead(group: Group, bases: readonly Node[]): boolean {
    return bases.every((base) =>
      this.makersOf(base).every((maker) =>
        maker === group ? group.members.has(base) : !this.groups.dependsOn(maker, group),
      ),
    );
  }

  // ---- elementwise ----

  private assignPointwise(node: Node): void {
    const bases = this.sources.basesBehind(node);
    for (const group of this.candidates(bases)) {
      if (!this.mayRead(group, bases)) continue;
      const mapping = this.placeIn(group, node);
      if (mapping === undefined || (group.isNarrow && isOverRow(group, mapping))) continue;
      for (const other of this.candidates(bases)) if (other !== group) this.absorb(group, other);
      this.note(group, node, mapping);
      return this.join(group, node, mapping);
    }
    const { group, mapping } = this.groups.createOver(node);
    this.note(group, node, mapping);
    this.join(group, node, mapping);
  }

  /** Groups of these values, those with sums or products first, then the latest. */
  private candidates(bases: readonly Node[]): Group[] {
    const found = new Set<Group>();
    for (const base of bases) {
      const group = this.groups.of(base);
      if (group !== undefined) found.add(group);
    }
    const rank = (group: Group) => (isPlainLoop(group) ? 0 : 1);
    return [...found].sort((a, b) => rank(b) - rank(a) || b.id - a.id);
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
  private *mappings(group: Group, inputs: readonly Node[], node: Node): Iterable<Mapping> {
    const tried: Mapping[] = [];
    const isNew = (mapping: Mapping | undefined): mapping is Mapping =>
      mapping !== undefined && !tried.some((other) => sameMapping(other, mapping));
    for (const input of inputs) {
      const mapping = this.inputMapping(group, input);
      if (!isNew(mapping) || mapping.length !== node.shape.length) continue;
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
  private isAtHand(group: Group, node: Node, mapping: Mapping): boolean {
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

  /**
   * Moves a loop into another group whose new member reads both: one kernel, several results. It must be elementwise,
   * or walk the same rows and read some of the same.
   */
  private absorb(group: Group, other: Group): void {
    if (other.kind !== "loop" || other.members.size === 0) return;
    const sharesReads = [...other.reads].some((base) => group.reads.has(base));
    if (other.row !== undefined && (group.row === undefined || group.isNarrow || !sharesReads))
      return;
    if (this.groups.dependsOn(group, other) || this.groups.dependsOn(other, group)) return;
    const moved = new Map<Node, Mapping>();
    for (const node of other.members) {
      const place = this.sources.isPointwise(node)
        ? this.placeMoved(group, node, moved)
        : this.placeMovedWalk(group, node, moved);
      if (place === undefined) return;
      if (group.isNarrow && isOverRow(group, place)) return;
      moved.set(node, place);
    }
    const members = [...other.members];
    this.groups.empty(other);
    for (const [node, mapping] of moved) {
      if (members.includes(node)) this.join(group, node, mapping);
      else group.at.set(node, mapping);
    }
    // Whoever waits for the emptied group waits for this one now.
    this.groups.addDependency(other, group);
  }

  private placeMoved(
    group: Group,
    node: Node,
    moved: ReadonlyMap<Node, Mapping>,
  ): Mapping | undefined {
    const inputs = node.inputs.flatMap((input) => {
      const mapping = moved.get(input);
      return mapping !== undefined && sameShape(input.shape, node.shape) ? [mapping] : [];
    });
    const whole = group.shapes.get(node.shape.join());
    const candidates = [...inputs, ...this.mappings(group, node.inputs, node), ...(whole ? [whole] : [])]; // prettier-ignore
    return candidates.find(
      (mapping) => this.isAtHand(group, node, mapping) && this.fitsMoved(node, mapping, moved),
    );
  }

  /** A reduction moves with its operand, if that is walked in the same way. */
  private placeMovedWalk(group: Group, node: Node, moved: Map<Node, Mapping>): Mapping | undefined {
    const operand = node.inputs[0]!;
    const mapping = moved.get(operand) ?? group.shapes.get(operand.shape.join());
    if (mapping === undefined || !this.isOperandAtHand(group, operand, mapping)) return undefined;
    if (!this.fitsMoved(node, mapping, moved) || !walksAlong(group, node, mapping))
      return undefined;
    moved.set(operand, mapping);
    return mapped(mapping, keptAxes(node));
  }

  /** Whether what moves along is read where it will be made. */
  private fitsMoved(node: Node, mapping: Mapping, moved: ReadonlyMap<Node, Mapping>): boolean {
    let isSame = true;
    const check = (base: Node, indices: Mapping): void => {
      const at = moved.get(base);
      if (at !== undefined) isSame &&= sameMapping(at, indices);
    };
    if (this.sources.isPointwise(node)) this.sources.resolveBehind(node, mapping, check);
    else this.sources.resolve(node.inputs[0]!, mapping, check);
    return isSame;
  }

  // ---- reductions ----

  private assignReduction(node: Node): void {
    if (this.joinProduct(node)) return;
    const operand = node.inputs[0]!;
    const bases = this.sources.basesOf(operand);
    const walk = `${operand.shape.join()}|${numbers(node.attributes, "axes").join()}`;
    const related = (this.walks.get(walk) ?? []).filter(
      (group) => isSmall(operand) || this.isRelated(group, bases),
    );
    const candidates = [...new Set([...this.candidates(bases), ...related])]
      .filter((group) => group.kind === "loop")
      .sort((a, b) => b.id - a.id);
    for (const group of candidates) {
      if (!this.mayRead(group, bases)) continue;
      for (const mapping of this.mappings(group, [operand], operand))
        if (this.isOperandAtHand(group, operand, mapping) && walksAlong(group, node, mapping))
          return this.joinWalk(group, node, mapping, walk);
    }
    const { group, mapping } = this.groups.createOver(operand);
    group.shapes.set(operand.shape.join(), mapping);
    walksAlong(group, node, mapping);
    this.joinWalk(group, node, mapping, walk);
  }

  private joinWalk(group: Group, node: Node, mapping: Mapping, walk: string): void {
    const operand = node.inputs[0]!;
    const kept = keptAxes(node);
    this.join(group, node, mapped(mapping, kept));
    // What is walked is at hand at every point of the row, wherever it comes from.
    for (const base of this.sources.basesOf(operand)) group.reads.add(base);
    group.at.set(operand, mapping);
    const known = this.walks.get(walk);
    if (known === undefined) this.walks.set(walk, [group]);
    else if (!known.includes(group)) known.push(group);
  }

  private isOperandAtHand(group: Group, operand: Node, mapping: Mapping): boolean {
    let isSame = true;
    this.sources.resolve(operand, mapping, (base, indices) => {
      if (!isSame || !group.members.has(base)) return;
      const at = group.at.get(base);
      isSame = at !== undefined && sameMapping(at, indices);
    });
    return isSame;
  }

  /** Reads some of what the group reads, or something made of it. */
  private isRelated(group: Group, bases: readonly Node[]): boolean {
    return bases.some(
      (base) =>
        group.reads.has(base) ||
        group.members.has(base) ||
        (this.sources.roleOf(base) === "computed" &&
          this.sources.isPointwise(base) &&
          this.sources.basesBehind(base).some((inner) => group.reads.has(inner))),
    );
  }

  /** A sum over rows of an operand of a product that is contracted along them: made while it is packed. */
  private joinProduct(node: Node): boolean {
    if (node.op !== "sum") return false;
    const operand = node.inputs[0]!;
    for (const product of this.prepared.consumers.get(operand) ?? []) {
      if (operatorOf(product).kind !== "contraction") continue;
      const side = summedOperand(product, node);
      if (side === undefined || !this.isReady(product, node)) continue;
      if (this.groups.of(product) === undefined) this.beginContraction(product);
      const group = this.groups.of(product)!;
      if (group.sums.some((sum) => sum.operand === side)) continue;
      group.sums.push({ node, operand: side });
      this.join(group, node);
      return true;
    }
    return false;
  }

  /** Whether all that a product reads stands before a node. */
  private isReady(product: Node, node: Node): boolean {
    const place = this.order.get(node)!;
    return this.sources.basesBehind(product).every((base) => this.order.get(base)! < place);
  }

  // ---- groups of their own ----

  private beginContraction(node: Node): void {
    const domain = contractionDomain(node);
    const axes = [...domain.batch, ...domain.m, ...domain.n];
    const group = this.groups.create("contraction", node, axes, domain);
    group.shapes.set(node.shape.join(), domain.output);
    this.join(group, node, domain.output);
  }

  /** `attention` and its statistics are one kernel, the three gradients another. */
  private assignAttention(node: Node): void {
    const isForward = node.op === "attention" || node.op === "attention_statistics";
    const shared = isForward ? node.inputs.slice(0, 2) : node.inputs;
    const ids = shared.map((input) => input.id).join();
    const key = `${isForward} ${ids} ${JSON.stringify(node.attributes)}`;
    const known = this.attentions.get(key);
    const isFree = ![...(known?.members ?? [])].some((member) => member.op === node.op);
    if (known !== undefined && isFree && this.mayRead(known, this.sources.basesBehind(node)))
      return this.join(known, node);
    const group = this.groups.create("attention", node, []);
    this.attentions.set(key, group);
    this.join(group, node);
  }
}

/** Elementwise work alone. */
export function isPlainLoop(group: Group): boolean {
  return group.kind === "loop" && group.row === undefined;
}

/** So little work that one kernel for several sums is better, whatever they add up. */
function isSmall(operand: Node): boolean {
  return elementCount(operand.shape) <= 4096;
}

function isWhole(group: Group, node: Node): boolean {
  return elementCount(node.shape) === elementCount(group.axes.map((axis) => axis.extent));
}
