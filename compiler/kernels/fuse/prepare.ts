// Tensor graph -> what fusion must know before it groups nodes: which concats are assembled in place, which views must
// be copied into memory because a template reads its operands by strides, and which values have a home already
// (an output, the new value of a resident, a part of an assembled concat).
import type { Node, TensorGraph } from "../../graph/graph.ts";
import { affine, axisIndices, linearIndex } from "../../ops/index-arithmetic.ts";
import { strip } from "./bijection.ts";
import { equalIndex } from "./group.ts";
import { followsAll, type Follows } from "./rules/fusion-rule.ts";
import { assemblyRule, claimRule } from "./rules/placing-rules.ts";
import { inputsRead, operatorOf, Sources } from "./sources.ts";

/** Where a value is to be written, through `views` (outermost first) of it. */
export type Claim = { readonly views: readonly Node[] } & (
  | { readonly kind: "output"; readonly name: string }
  | { readonly kind: "update"; readonly path: string }
  | { readonly kind: "part"; readonly of: Node; readonly start: number }
);

export interface Preparation {
  /** All nodes in order, with the copies that had to be added. */
  readonly nodes: readonly Node[];
  readonly copied: ReadonlySet<Node>;
  /** Assembled concats, each with what is written into its parts. */
  readonly assembled: ReadonlyMap<Node, readonly Node[]>;
  readonly claims: ReadonlyMap<Node, Claim>;
  readonly consumers: ReadonlyMap<Node, readonly Node[]>;
}

/** Concats of more pieces are not worth a chain of guards in each reader. */
const mostGuardedPieces = 4;

export function prepare(graph: TensorGraph, follows: Follows = followsAll): Preparation {
  return new Preparing(graph, follows).run();
}

export class Preparing {
  private readonly graph: TensorGraph;
  private readonly follows: Follows;
  private readonly consumers = new Map<Node, Node[]>();
  private readonly roots: ReadonlySet<Node>;
  private readonly copied = new Set<Node>();
  private readonly assembled = new Map<Node, readonly Node[]>();
  private readonly claims = new Map<Node, Claim>();
  private readonly sources: Sources;
  private added = 0;

  constructor(graph: TensorGraph, follows: Follows) {
    this.graph = graph;
    this.follows = follows;
    for (const node of graph.nodes)
      for (const input of new Set(inputsRead(node))) {
        const known = this.consumers.get(input);
        if (known === undefined) this.consumers.set(input, [node]);
        else known.push(node);
      }
    this.roots = new Set([...graph.outputs, ...graph.updates].map(({ value }) => value));
    this.sources = new Sources({ copied: this.copied, assembled: this.assembled });
  }

  run(): Preparation {
    for (const node of this.graph.nodes)
      if (node.op === "concat" && this.assembles(node)) this.assembled.set(node, node.inputs);
    for (const node of this.graph.nodes) this.copyOperands(node);
    const last = this.claimRoots();
    const nodes: Node[] = [];
    for (const node of this.graph.nodes) {
      if (this.assembled.has(node)) nodes.push(...this.claimParts(node));
      nodes.push(node);
    }
    const { copied, assembled, claims, consumers } = this;
    return { nodes: [...nodes, ...last], copied, assembled, claims, consumers };
  }

  private assembles(concat: Node): boolean {
    return this.follows(assemblyRule) && assemblyRule.assembles(this, concat);
  }

  /** Whether writing the parts of a concat into it is better than asking at each element which part it is in. */
  isAssembled(concat: Node): boolean {
    if (concat.inputs.length > mostGuardedPieces || this.isReadByTemplate(concat)) return true;
    return concat.inputs.every((piece) => {
      const { base } = strip(piece, (node) => this.usesOf(node).length > 1);
      return this.usesOf(base).length === 1 && !this.roots.has(base) && isMadeOnce(base);
    });
  }

  /** Whether a product, a structured op, a scatter, the host or the world reads a value, maybe through views. */
  private isReadByTemplate(node: Node): boolean {
    if (this.roots.has(node)) return true;
    return this.usesOf(node).some((user) => {
      const { kind } = operatorOf(user);
      if (kind === "view") return this.isReadByTemplate(user);
      return kind === "contraction" || kind === "structured" || isDenseAlone(user);
    });
  }

  private usesOf(node: Node): readonly Node[] {
    return this.consumers.get(node) ?? [];
  }

  private copyOperands(node: Node): void {
    const { kind } = operatorOf(node);
    if (kind !== "structured" && !isDenseAlone(node)) return;
    const fits = kind === "structured" ? isStrided : isDense;
    for (const input of node.inputs)
      if (this.sources.roleOf(input) === "inline" && !fits(this.sources, input))
        this.copied.add(input);
  }

  private claimRoots(): Node[] {
    const added: Node[] = [];
    const claimOrCopy = (value: Node, claim: (views: readonly Node[]) => Claim): void => {
      if (!this.claimed(value, claim)) added.push(this.copyOf(value, claim));
    };
    for (const { path, value } of this.graph.updates)
      if (value.attributes["path"] !== path)
        claimOrCopy(value, (views) => ({ kind: "update", path, views }));
    for (const { name, value } of this.graph.outputs)
      claimOrCopy(value, (views) => ({ kind: "output", name, views }));
    return added;
  }

  /** Gives each piece of a concat its part; pieces that already have a home are copied. */
  private claimParts(concat: Node): Node[] {
    const axis = Number(concat.attributes["axis"]);
    const added: Node[] = [];
    let start = 0;
    const parts = concat.inputs.map((piece): Node => {
      const from = start;
      start += piece.shape[axis]!;
      const claim = (views: readonly Node[]): Claim => ({
        kind: "part",
        of: concat,
        start: from,
        views,
      });
      const claimed = this.claimed(piece, claim);
      if (claimed !== undefined) return claimed;
      const copy = this.copyOf(piece, claim);
      added.push(copy);
      return copy;
    });
    this.assembled.set(concat, parts);
    return added;
  }

  private claimed(value: Node, claim: (views: readonly Node[]) => Claim): Node | undefined {
    return this.follows(claimRule) ? claimRule.claim(this, value, claim) : undefined;
  }

  /** The computed value behind bijective views, if it has no home yet and can be written through the views. */
  claim(value: Node, claim: (views: readonly Node[]) => Claim): Node | undefined {
    const isStored = (node: Node) => this.sources.roleOf(node) !== "inline";
    const { base, views } = strip(value, isStored);
    const role = this.sources.roleOf(base);
    if ((role !== "computed" && role !== "assembled") || this.claims.has(base)) return undefined;
    if (isDenseAlone(base) && views.some((view) => view.op === "permute")) return undefined;
    this.claims.set(base, claim(views));
    return base;
  }

  private copyOf(value: Node, claim: (views: readonly Node[]) => Claim): Node {
    const { shape, dtype, origin } = value;
    const id = this.graph.nodes.length + this.added++;
    const copy: Node = {
      id,
      op: "stop",
      inputs: [value],
      attributes: {},
      signature: "stop{}",
      shape,
      dtype,
      origin,
    };
    this.copied.add(copy);
    this.claims.set(copy, claim([]));
    return copy;
  }
}

/** Reads and writes whole arrays, row-major. */
export function isDenseAlone(node: Node): boolean {
  return node.op === "scatter_add" || operatorOf(node).kind === "host";
}

/** Made by a kernel of its own that can write anywhere. */
function isMadeOnce(node: Node): boolean {
  const { kind } = operatorOf(node);
  return kind === "contraction" || kind === "structured" || kind === "reduction";
}

function isStrided(sources: Sources, view: Node): boolean {
  const found = sources.place(view);
  return found !== undefined && affine(linearIndex(found.indices, found.base.shape)) !== undefined;
}

function isDense(sources: Sources, view: Node): boolean {
  const found = sources.place(view);
  const own = linearIndex(axisIndices(view.shape), view.shape);
  return found !== undefined && equalIndex(linearIndex(found.indices, found.base.shape), own);
}
