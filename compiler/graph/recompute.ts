// The graph of a training step -> the same, keeping only what goes from layer to layer: what the backward pass reads of a
// layer's inside is computed a second time, from the layer's inputs, when the gradient has come back to it.
// (Chen et al., 2016, "Training deep nets with sublinear memory cost".)
//   layer     a part of a `repeat`: the path of a node up to its last number, `model.layers.3`
//   kept      what another layer or the rest of the net reads, results of the step, and sums a sixteenth as long as what
//             they add up: statistics of norms
//   again     a kept value as the second computation reads it: another value to all later passes, so that the two are not
//             merged, and there only after the gradient
// Draws are counted, not streamed, so that they come out the same. Expects: verify(graph) holds, the graph is differentiated
// (its backward nodes have the role `gradient`), simplified, and has its precision: what is made twice is rounded twice
// alike. Promises: the same values.
import { op as opByName } from "../ops/registry.ts";
import { elementCount } from "../ops/shape.ts";
import { Builder } from "./builder.ts";
import type { Node, TensorGraph } from "./graph.ts";

/** The layers of which something is saved for the backward pass, in the order in which they are computed. */
export function layersOf(graph: TensorGraph): string[] {
  const inside = new Inside(graph, () => true);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (!isBackward(node)) continue;
    for (const input of node.inputs) if (inside.has(input)) found.add(inside.layerOf(input)!);
  }
  const first = new Map<string, number>();
  for (const node of graph.nodes) {
    const layer = inside.layerOf(node);
    if (layer !== undefined && !first.has(layer)) first.set(layer, node.id);
  }
  return [...found].sort((a, b) => first.get(a)! - first.get(b)!);
}

/** @param layers those whose inside is computed again; paths as `layersOf` gives them */
export function recompute(graph: TensorGraph, layers: readonly string[]): TensorGraph {
  const chosen = new Set(layers);
  return new Rewriting(graph, new Inside(graph, (layer) => chosen.has(layer))).run();
}

function isBackward({ origin }: Node): boolean {
  return origin.role === "gradient";
}

const sizeOfStatistic = 1 / 16;

/** Which values lie inside of layers: they are not kept, and could be made again. */
class Inside {
  private readonly layers = new Map<string, string | undefined>();
  private readonly inside = new Set<Node>();
  /** What rests on the batch. */
  private readonly resting = new Set<Node>();
  private readonly isChosen: (layer: string) => boolean;

  constructor(graph: TensorGraph, isChosen: (layer: string) => boolean) {
    this.isChosen = isChosen;
    const kept = this.findKept(graph);
    const resting = this.resting;
    const pulled = new Set<Node>();
    for (const node of graph.nodes) {
      if (isBackward(node) || node.inputs.some((input) => pulled.has(input))) pulled.add(node);
      if (isActivation(node) || node.inputs.some((input) => resting.has(input))) resting.add(node);
      const isMade = opByName(node.op).kind !== "leaf" && resting.has(node) && !pulled.has(node);
      if (isMade && !kept.has(node) && this.layerOf(node) !== undefined) this.inside.add(node);
    }
  }

  has(node: Node): boolean {
    return this.inside.has(node);
  }

  rests(node: Node): boolean {
    return this.resting.has(node);
  }

  /** `model.layers.3` of `model.layers.3.attn.qkv`; undefined for what stands in no layer, or in one not chosen. */
  layerOf({ origin: { path, role } }: Node): string | undefined {
    if (role !== undefined) return undefined;
    if (!this.layers.has(path)) this.layers.set(path, this.layerAt(path));
    return this.layers.get(path);
  }

  private layerAt(path: string): string | undefined {
    const layer = /^(?:.*\.)?\d+(?=\.|$)/.exec(path)?.[0];
    return layer !== undefined && this.isChosen(layer) ? layer : undefined;
  }

  private findKept(graph: TensorGraph): ReadonlySet<Node> {
    const kept = new Set([...graph.outputs, ...graph.updates].map(({ value }) => value));
    for (const node of graph.nodes.toReversed()) {
      if (isStatistic(node)) kept.add(node);
      // A view is no memory: what it shows is kept with it.
      if (kept.has(node) && isWholeView(node)) kept.add(node.inputs[0]!);
      if (isBackward(node)) continue;
      const layer = this.layerOf(node);
      for (const input of node.inputs) {
        const other = this.layerOf(input);
        if (other !== undefined && !isWithin(layer, other)) kept.add(input);
      }
    }
    return kept;
  }
}

/** A value that is different for each batch. */
function isActivation({ op, shape }: Node): boolean {
  return op === "input" && shape.length > 0;
}

function isStatistic({ op, shape, inputs }: Node): boolean {
  if (opByName(op).kind !== "reduction") return false;
  return elementCount(shape) <= elementCount(inputs[0]!.shape) * sizeOfStatistic;
}

function isWholeView({ op, shape, inputs }: Node): boolean {
  if (opByName(op).kind !== "view" || inputs.length !== 1) return false;
  return elementCount(shape) === elementCount(inputs[0]!.shape);
}

/** Whether a reader belongs to the layer of what it reads: one of them may lie in the other, as heads in a layer. */
function isWithin(reader: string | undefined, layer: string): boolean {
  if (reader === undefined) return false;
  return reader === layer || reader.startsWith(`${layer}.`) || layer.startsWith(`${reader}.`);
}

/** What the backward pass reads of a layer's inside. */
interface Demand {
  readonly values: Set<Node>;
  /** The gradient that comes back to the layer: it is awaited. */
  readonly after: Node;
}

class Rewriting {
  private readonly g = new Builder();
  private readonly graph: TensorGraph;
  private readonly inside: Inside;
  private readonly copies = new Map<Node, Node>();
  private readonly remade = new Map<Node, Node>();
  /** What rests on a gradient that comes back to a layer. */
  private readonly pulled = new Set<Node>();
  private readonly slopes = new Set<Node>();

  constructor(graph: TensorGraph, inside: Inside) {
    this.graph = graph;
    this.inside = inside;
  }

  run(): TensorGraph {
    const { g, graph, copies } = this;
    const demands = this.demandsByGradient();
    g.declareLeavesOf(graph);
    for (const node of graph.nodes) {
      const inputs = node.inputs.map((input) => this.inputOf(node, input));
      copies.set(node, g.add(node.op, inputs, node.attributes, this.originOf(node, demands)));
      // At once, before all that reads the gradient: so each group of nodes finds what it would have found there.
      for (const { values } of demands.get(node) ?? [])
        for (const value of values) this.again(value, copies.get(node)!);
    }
    return g.finish({
      outputs: graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
      updates: graph.updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
      keepLeaves: true,
    });
  }

  /** What the backward pass makes of the inside alone (a bend's slope) goes with the second computation. */
  private originOf(node: Node, gradients: ReadonlyMap<Node, unknown>): Node["origin"] {
    const { inputs, origin } = node;
    if (gradients.has(node) || inputs.some((input) => this.pulled.has(input)))
      this.pulled.add(node);
    if (!isBackward(node) || this.pulled.has(node)) return origin;
    const isSlope = inputs.some((input) => this.inside.has(input) || this.slopes.has(input));
    if (!isSlope) return origin;
    this.slopes.add(node);
    return { ...origin, role: "recompute" };
  }

  private inputOf(node: Node, input: Node): Node {
    const isInside = isBackward(node) && this.inside.has(input);
    return (isInside ? this.remade : this.copies).get(input)!;
  }

  private demandsByGradient(): ReadonlyMap<Node, readonly Demand[]> {
    const byLayer = new Map<string, Demand>();
    let latest = this.graph.nodes[0]!;
    for (const node of this.graph.nodes) {
      for (const input of isBackward(node) ? node.inputs : []) {
        if (!this.inside.has(input)) continue;
        const layer = this.inside.layerOf(input)!;
        const demand = byLayer.get(layer) ?? { values: new Set(), after: awaitedBy(node) ?? latest }; // prettier-ignore
        demand.values.add(input);
        byLayer.set(layer, demand);
      }
      if (isMade(node)) latest = node;
    }
    const byGradient = new Map<Node, Demand[]>();
    for (const demand of byLayer.values())
      byGradient.set(demand.after, [...(byGradient.get(demand.after) ?? []), demand]);
    return byGradient;
  }

  private again(node: Node, after: Node): Node {
    const known = this.remade.get(node);
    if (known !== undefined) return known;
    const made = this.inside.has(node) ? this.madeAgain(node, after) : this.keptFor(node, after);
    this.remade.set(node, made);
    return made;
  }

  private madeAgain(node: Node, after: Node): Node {
    const inputs = node.inputs.map((input) => this.again(input, after));
    return this.g.add(node.op, inputs, node.attributes, { ...node.origin, role: "recompute" });
  }

  /** Constants, weights and what rests on them alone are read as they are. */
  private keptFor(node: Node, after: Node): Node {
    const copy = this.copies.get(node)!;
    if (!this.inside.rests(node)) return copy;
    return this.g.add("again", [copy, after], {}, { ...node.origin, role: "recompute" });
  }
}

/**
 * What the first backward node that reads a layer's inside reads besides. It stands before all that reads the inside, so
 * that no two wait for each other.
 */
function awaitedBy(node: Node): Node | undefined {
  const gradients = node.inputs.filter((each) => isBackward(each) && isArray(each));
  let last = gradients.sort((a, b) => b.id - a.id)[0];
  while (last !== undefined && isWholeView(last) && isBackward(last.inputs[0]!)) [last] = last.inputs; // prettier-ignore
  return last;
}

function isMade({ op }: Node): boolean {
  const { kind } = opByName(op);
  return kind !== "leaf" && kind !== "view" && kind !== "constant" && kind !== "random";
}

function isArray({ shape }: Node): boolean {
  return elementCount(shape) > 1;
}
