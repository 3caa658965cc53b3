// Equal products of one value -> one product: x Wq, x Wk and x Wv are x [Wq Wk Wv], whose axis of members stands before
// the axes of the weights, as in a packed product; those who read one of them read a slice of the whole.
// Runs before differentiation, which then finds one product for the gradient by x and one for that by the arrays. These
// lie one behind the other in their resident (`besideEachOther`), so that neither they nor their gradients are copied.
// Expects: verify(graph), simplified, attention recognised. Promises: the same values.
import type { ResidentLayout } from "../compiled.ts";
import { numberLists, numbers } from "../ops/attributes.ts";
import { dotAxes } from "../ops/dot.ts";
import { Builder, Copies } from "./builder.ts";
import { equalProducts, pathOf, type EqualProducts } from "./equal-products.ts";
import type { Node, Origin, TensorGraph } from "./graph.ts";
import { lyingTogether } from "./lying-together.ts";
import type { RuleSettings } from "./simplify.ts";

/** The name of what this pass does, for those who leave it out. */
export const joiningOfProducts = "equal products of one value are one product";

/** Paths of arrays that should lie one behind the other, list by list. */
export function wantedTogether(graph: TensorGraph, { without }: RuleSettings = {}): string[][] {
  if (without?.includes(joiningOfProducts)) return [];
  return equalProducts(graph).flatMap(({ stacks }) => stacks.map((stack) => stack.map(pathOf)));
}

export function joinProducts(
  graph: TensorGraph,
  layout: ResidentLayout,
  { without }: RuleSettings = {},
): TensorGraph {
  if (without?.includes(joiningOfProducts)) return graph;
  const sets = equalProducts(graph, lyingTogether(layout));
  return sets.length === 0 ? graph : new Joining(graph, sets).run();
}

class Joining {
  private readonly graph: TensorGraph;
  private readonly sets: ReadonlyMap<Node, EqualProducts>;
  private readonly joined: ReadonlySet<Node>;
  private readonly g = new Builder();
  private readonly copies = new Copies();

  constructor(graph: TensorGraph, sets: readonly EqualProducts[]) {
    this.graph = graph;
    this.sets = new Map(sets.map((set) => [set.members[0]![0]!, set]));
    this.joined = new Set(sets.flatMap(({ members }) => members.flat()));
  }

  run(): TensorGraph {
    const { graph, g, copies } = this;
    g.declareLeavesOf(graph);
    for (const node of graph.nodes) {
      const set = this.sets.get(node);
      if (set !== undefined) this.join(set);
      else if (!this.joined.has(node)) copies.set(node, g.copy(node, copies.ofAll(node.inputs)));
    }
    return g.finish({
      outputs: graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
      updates: graph.updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
      keepLeaves: true,
    });
  }

  /** The first product stands where all that the members need is there. */
  private join({ members, ends }: EqualProducts): void {
    const { g } = this;
    const places = members[0]!.map((_, place) => members.map((member) => member[place]!));
    const axis = memberAxis(members[0]![0]!);
    const wholes = new Map<Node, Node>();
    for (const alike of places) {
      const [first] = alike as [Node];
      const whole = g.under(originOf(alike), () =>
        wholes.size === 0 ? this.product(alike) : this.work(alike, wholes, axis),
      );
      wholes.set(first, whole);
    }
    for (const end of ends)
      places[end]!.forEach((node, which) => {
        const whole = wholes.get(places[end]![0]!)!;
        const part = () => g.reshape(g.sliceAxis(whole, axis, which, 1), node.shape);
        this.copies.set(node, g.under(node.origin, part));
      });
  }

  private product(alike: readonly Node[]): Node {
    const [first] = alike as [Node];
    const [batch, contract] = ["batch", "contract"].map((name) => {
      const [a, b] = numberLists(first.attributes, name, 2, [[], []]) as [number[], number[]];
      return [a, b.map((axis) => axis + 1)] as const;
    });
    const weights = this.stacked(alike.map((node) => node.inputs[1]!), 0); // prettier-ignore
    const x = this.copies.get(first.inputs[0]!)!;
    return this.g.dot(x, weights, { batch: batch!, contract: contract! });
  }

  private work(alike: readonly Node[], wholes: ReadonlyMap<Node, Node>, axis: number): Node {
    const [first] = alike as [Node];
    const inputs = first.inputs.map(
      (input, i) => wholes.get(input) ?? this.stacked(alike.map((node) => node.inputs[i]!), axis), // prettier-ignore
    );
    return this.g.add(first.op, inputs, first.attributes);
  }

  /** Arrays or constants of each member, with an axis of members at `axis`. */
  private stacked(alike: readonly Node[], axis: number): Node {
    const { g } = this;
    const [first] = alike as [Node];
    const shape = first.shape.toSpliced(axis, 0, alike.length);
    const inner = () => this.stacked(alike.map((node) => node.inputs[0]!), 0); // prettier-ignore
    switch (first.op) {
      case "constant":
        return g.full(Number(first.attributes["value"]), { ...first, shape });
      case "broadcast": {
        const moved = numbers(first.attributes, "axes").map((at) => (at < axis ? at : at + 1));
        return g.broadcast(inner(), shape, [axis, ...moved]);
      }
      case "reshape":
        return this.moved(g.reshape(inner(), [alike.length, ...first.shape]), axis);
      default: {
        const rows = alike.map((node) => g.reshape(g.copy(node, []), [1, ...node.shape]));
        return this.moved(g.concat(rows, 0), axis);
      }
    }
  }

  /** The first axis at another place. */
  private moved(x: Node, axis: number): Node {
    const others = x.shape.map((_, place) => place).slice(1);
    return axis === 0 ? x : this.g.permute(x, others.toSpliced(axis, 0, 0));
  }
}

/** Where the axis of members stands in the product. */
function memberAxis(product: Node): number {
  const { freeB } = dotAxes(product.inputs[0]!, product.inputs[1]!, product.attributes);
  return product.shape.length - freeB.length;
}

/** `layers.3.attn.q, k, v`, where the paths of all differ in their last name alone. */
function originOf(nodes: readonly Node[]): Origin {
  const [first] = nodes as [Node];
  const paths = nodes.map((node) => node.origin.path.split("."));
  const shared = paths[0]!.findIndex((name, i) => paths.some((path) => path[i] !== name));
  if (shared < 0) return first.origin;
  const lasts = paths.map((path) => path.slice(shared).join("."));
  const isShort = lasts.every((last) => last !== "" && !last.includes("."));
  const path = [...paths[0]!.slice(0, shared), ...(isShort ? [lasts.join(", ")] : [])].join(".");
  return { ...first.origin, path };
}
