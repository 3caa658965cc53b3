// `precision = f16`: the graph of a training step -> the same with some values kept as halves.
//   what a product or attention reads      f16: rounded once where it is made, whoever reads it then reads the half
//   what the backward pass reads again     f16: the values from which all others of the forward pass are made anew
//   all else                               f32: master weights, slots, gradients of parameters, statistics of norms,
//                                          losses and what leads to them, and every sum
// A weight is read where its f32 master lies: a copy in halves would cost memory, and sums are made in f32 anyway.
// (Micikevicius et al., 2018, "Mixed precision training".) Expects: verify(graph) holds, the graph is differentiated and
// its backward nodes have the role `gradient`. Promises: verify holds; inputs, outputs and updates keep their types.
import { op as opByName } from "../ops/registry.ts";
import { elementCount } from "../ops/shape.ts";
import { Builder } from "./builder.ts";
import type { Node, TensorGraph } from "./graph.ts";

export function assignPrecision(graph: TensorGraph): TensorGraph {
  const kept = new KeptHalves(graph).find();
  return new Rewriting(graph, kept).run();
}

/** Chooses the values that lie in memory as halves: none of them a view. */
class KeptHalves {
  private readonly graph: TensorGraph;
  private readonly readers: readonly Node[][];
  private readonly kept = new Set<Node>();
  private readonly roots = new Map<Node, ReadonlySet<Node>>();
  private readonly statistics = new Map<Node, boolean>();

  constructor(graph: TensorGraph) {
    this.graph = graph;
    this.readers = graph.nodes.map(() => []);
    for (const node of graph.nodes)
      for (const input of new Set(node.inputs)) (this.readers[input.id] as Node[]).push(node);
  }

  find(): ReadonlySet<Node> {
    for (const node of this.graph.nodes)
      if (isProduct(node) && isDifferentiated(node)) this.keepOperands(node);
    const leadsOn = this.leadingToProducts();
    for (const node of this.graph.nodes)
      if (leadsOn.has(node) && this.isReadBackwards(node))
        for (const root of this.rootsOf(node)) this.keep(this.endOfChain(root));
    return this.kept;
  }

  private keep(node: Node): void {
    if (node.dtype === "f32" && isMade(node)) this.kept.add(node);
  }

  private keepOperands(product: Node): void {
    for (const input of product.inputs) {
      if (product.op.startsWith("attention_gradient") && input === product.inputs[4]) continue;
      for (const base of basesOf(input))
        // A number spread over an operand is no array to keep.
        if (elementCount(base.shape) * 4 > elementCount(input.shape)) this.keep(base);
    }
    if (isAttention(product) && product.op !== "attention_statistics") this.keep(product);
  }

  /** Forward values from which a product of the forward pass is made: not those between the last one and a loss. */
  private leadingToProducts(): ReadonlySet<Node> {
    const found = new Set<Node>();
    for (const node of this.graph.nodes.toReversed()) {
      if (isBackward(node)) continue;
      const leads = this.readers[node.id]!.some(
        (reader) => !isBackward(reader) && (isProduct(reader) || found.has(reader)),
      );
      if (leads) found.add(node);
    }
    return found;
  }

  private isReadBackwards(node: Node): boolean {
    return isMade(node) && this.readersThroughViews(node).some(isBackward);
  }

  private readersThroughViews(node: Node): readonly Node[] {
    return this.readers[node.id]!.flatMap((reader) =>
      opByName(reader.op).kind === "view" && !isBackward(reader)
        ? this.readersThroughViews(reader)
        : [reader],
    );
  }

  /**
   * The values from which a value is made by elementwise work and views alone. What is made from two or more of them
   * (a residual sum) counts as one itself, so that its readers need not make it from ever more.
   */
  private rootsOf(node: Node): ReadonlySet<Node> {
    const known = this.roots.get(node);
    if (known !== undefined) return known;
    const roots = this.findRoots(node);
    this.roots.set(node, roots);
    return roots;
  }

  private findRoots(node: Node): ReadonlySet<Node> {
    const { kind } = opByName(node.op);
    if (this.kept.has(node)) return new Set([node]);
    if (kind === "leaf" || kind === "constant" || kind === "random") return new Set();
    if (this.isStatistic(node)) return new Set();
    const behind = new Set(node.inputs.flatMap((input) => [...this.rootsOf(input)]));
    if (kind === "view") return behind;
    if (kind === "elementwise") return behind.size > 1 && node.dtype === "f32" ? new Set([node]) : behind; // prettier-ignore
    return new Set([node]);
  }

  /** The last of the values that follow one from the other without a fork: a sum with its bias, not the sum alone. */
  private endOfChain(root: Node): Node {
    let end = root;
    for (let at = root; ;) {
      const [reader, ...others] = this.readers[at.id]!;
      if (reader === undefined || others.length > 0 || isBackward(reader)) return end;
      const { kind } = opByName(reader.op);
      if (kind !== "view" && kind !== "elementwise") return end;
      if (reader.dtype !== "f32" || !this.rootsOf(reader).has(root)) return end;
      if (kind === "elementwise") end = reader;
      at = reader;
    }
  }

  /** A reduction, or what follows from reductions alone: the mean of a row, its deviation. */
  private isStatistic(node: Node): boolean {
    const known = this.statistics.get(node);
    if (known !== undefined) return known;
    const { kind } = opByName(node.op);
    const isOne =
      kind === "reduction" ||
      node.op === "attention_statistics" ||
      ((kind === "elementwise" || kind === "view") &&
        node.inputs.some((input) => this.isStatistic(input)) &&
        node.inputs.every((input) => this.isStatistic(input) || isFixed(input)));
    this.statistics.set(node, isOne);
    return isOne;
  }
}

function isBackward(node: Node): boolean {
  return node.origin.role === "gradient";
}

/** Of the forward pass or of the gradients: an optimizer's own products stay in f32. */
function isDifferentiated({ origin: { role } }: Node): boolean {
  return role === undefined || role === "gradient";
}

function isAttention(node: Node): boolean {
  return node.op.startsWith("attention");
}

function isProduct(node: Node): boolean {
  return opByName(node.op).kind === "contraction" || isAttention(node);
}

/** Neither handed in nor a view, a constant or a draw: made by a kernel. */
function isMade(node: Node): boolean {
  const { kind } = opByName(node.op);
  return kind !== "leaf" && kind !== "view" && kind !== "constant" && kind !== "random";
}

function isFixed(node: Node): boolean {
  const { kind } = opByName(node.op);
  return kind === "leaf" || kind === "constant" || (kind === "view" && node.inputs.every(isFixed));
}

/** The values behind views. */
function basesOf(node: Node): readonly Node[] {
  return opByName(node.op).kind === "view" ? node.inputs.flatMap(basesOf) : [node];
}

/** Rebuilds the graph with halves in the place of what is kept. */
class Rewriting {
  private readonly g = new Builder();
  private readonly graph: TensorGraph;
  private readonly kept: ReadonlySet<Node>;
  /** The half of which a value in f32 is the widening. */
  private readonly halves = new Map<Node, Node>();
  /** Values before they are rounded, for outputs and updates. */
  private readonly exact = new Map<Node, Node>();

  constructor(graph: TensorGraph, kept: ReadonlySet<Node>) {
    this.graph = graph;
    this.kept = kept;
  }

  run(): TensorGraph {
    const { g, graph } = this;
    const copies = g.import(graph, (node, inputs) =>
      g.under(node.origin, () => this.rewritten(node, inputs)),
    );
    const result = (value: Node): Node => this.exact.get(value) ?? copies.get(value)!;
    return g.finish({
      outputs: graph.outputs.map(({ name, value }) => ({ name, value: result(value) })),
      updates: graph.updates.map(({ path, value }) => ({ path, value: result(value) })),
      keepLeaves: true,
    });
  }

  private rewritten(node: Node, inputs: readonly Node[]): Node | undefined {
    if (isAttention(node)) return this.attention(node, inputs);
    if (node.op === "concat" && this.isMostlyHalves(inputs)) {
      const halves = inputs.map((input) => this.halfOf(input));
      return this.widened(this.g.add("concat", halves, node.attributes));
    }
    if (!this.kept.has(node)) return undefined;
    const exact = this.g.add(node.op, inputs, node.attributes);
    this.exact.set(node, exact);
    return this.widened(this.g.cast(exact, "f16"));
  }

  /** Attention reads and makes halves as they are; its statistics are f32. */
  private attention(node: Node, inputs: readonly Node[]): Node {
    const isStatistics = node.op === "attention_statistics";
    const halves = inputs.map((input, place) => (place === 4 ? input : this.halfOf(input)));
    const made = this.g.add(node.op, halves, node.attributes);
    return isStatistics ? made : this.widened(made);
  }

  /** Pieces that are halves are joined as such: a concat is one array, into which its pieces are written. */
  private isMostlyHalves(inputs: readonly Node[]): boolean {
    const count = (nodes: readonly Node[]) =>
      nodes.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return count(inputs.filter((input) => this.isHalf(input))) * 2 > count(inputs);
  }

  private isHalf(node: Node): boolean {
    if (this.halves.has(node)) return true;
    return opByName(node.op).kind === "view" && node.inputs.length === 1 && this.isHalf(node.inputs[0]!); // prettier-ignore
  }

  /** The half of a value: the one that it was widened from, seen through the same views, or a new one. */
  private halfOf(node: Node): Node {
    const known = this.halves.get(node);
    if (known !== undefined) return known;
    const half = this.isHalf(node)
      ? this.g.add(node.op, [this.halfOf(node.inputs[0]!)], node.attributes, node.origin)
      : this.g.cast(node, "f16");
    this.halves.set(node, half);
    return half;
  }

  private widened(half: Node): Node {
    const wide = this.g.cast(half, "f32");
    this.halves.set(wide, half);
    return wide;
  }
}
