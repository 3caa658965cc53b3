// Tensor graph -> tensor graph with `attention` in place of each softmax(scale * q k^T) v that was written out.
// Runs before differentiation: attention then has its own gradient, which saves a number a row instead of all weights;
// matching what differentiation leaves over would break at every edit of a spec.
// Expects: verify(graph) and a simplified graph. Promises: the same values; every near miss has a reason.
import { dotAxes } from "../ops/dot.ts";
import { elementCount, pick } from "../ops/shape.ts";
import { Builder } from "./builder.ts";
import type { Followed } from "./dense-axes.ts";
import { denseAxes, followAll, followUp } from "./dense-axes.ts";
import type { Node, Origin, TensorGraph } from "./graph.ts";
import { matchSoftmax } from "./match-softmax.ts";
import { constantValue } from "./rules/rule.ts";
import type { RuleSettings } from "./simplify.ts";
import { usersOf, type Users } from "./users.ts";

export interface FoundAttention {
  readonly origin: Origin;
  readonly scale: number;
  /** Of q, k, v as attention reads them. */
  readonly shapes: readonly (readonly number[])[];
}

export interface NearMiss {
  readonly origin: Origin;
  /** `the weights are used elsewhere`. */
  readonly reason: string;
}

export interface Recognised {
  readonly graph: TensorGraph;
  readonly found: readonly FoundAttention[];
  readonly nearMisses: readonly NearMiss[];
}

/** What was found and what was not, a line each, for people. */
export function describeRecognised({ found, nearMisses }: Recognised): string[] {
  const names = (path: string) => (path === "" ? "the top" : `\`${path}\``);
  return [
    ...found.map(({ origin, scale }) => `attention at ${names(origin.path)}, scale ${scale}`),
    ...nearMisses.map(({ origin, reason }) => `no attention at ${names(origin.path)}: ${reason}`),
  ];
}

/** The name of what this pass does, for those who leave it out. */
export const attentionRecognition = "a softmax between two products is attention";

export function recognise(graph: TensorGraph, { without }: RuleSettings = {}): Recognised {
  if (without?.includes(attentionRecognition)) return { graph, found: [], nearMisses: [] };
  const users = usersOf(graph);
  const matches = new Map<Node, Match>();
  const nearMisses: NearMiss[] = [];
  for (const node of graph.nodes) {
    const result = node.op === "dot" ? matchAttention(node, users) : undefined;
    if (typeof result === "string") nearMisses.push({ origin: node.origin, reason: result });
    else if (result !== undefined) matches.set(node, result);
  }
  const found = [...matches].map(([node, match]) => ({
    origin: node.origin,
    scale: match.scale,
    shapes: [match.q, match.k, match.v].map(operandShape),
  }));
  return { graph: matches.size === 0 ? graph : replace(graph, matches), found, nearMisses };
}

/** An operand of attention: axes of a node in groups, each group merged into one axis. */
interface Operand {
  readonly node: Node;
  /** One group a batch axis, then tokens, then channels. */
  readonly groups: readonly (readonly number[])[];
}

interface Match {
  readonly q: Operand;
  readonly k: Operand;
  readonly v: Operand;
  readonly scale: number;
  /** Extents of attention's result with its merged axes split again: batch, queries, value channels. */
  readonly split: readonly number[];
  /** Which of these each dense axis of the replaced product is. */
  readonly order: readonly number[];
}

/** Undefined: nothing like attention. A string: nearly, and why not. */
function matchAttention(product: Node, users: Users): Match | string | undefined {
  const results = ([0, 1] as const).map((side) => matchSide(product, side, users));
  return (
    results.find((result) => typeof result === "object") ??
    results.find((result) => result !== undefined)
  );
}

/** The roles of the axes of one operand of a product beside the other's. */
function sides(node: Node, side: 0 | 1) {
  const axes = dotAxes(node.inputs[0]!, node.inputs[1]!, node.attributes);
  const a = {
    node: node.inputs[0]!,
    batch: axes.batchA,
    contract: axes.contractA,
    free: axes.freeA,
  };
  const b = {
    node: node.inputs[1]!,
    batch: axes.batchB,
    contract: axes.contractB,
    free: axes.freeB,
  };
  return side === 0 ? { own: a, other: b } : { own: b, other: a };
}

function matchSide(product: Node, side: 0 | 1, users: Users): Match | string | undefined {
  const { own: weights, other: values } = sides(product, side);
  const soft = toSoftmax(followAll(weights.node));
  if (soft === undefined) return interruptedSoftmax(weights.node);
  const scores = toProduct({ node: soft.scores, axes: soft.followed.axes });
  if (typeof scores !== "object") return scores;

  const tracked = denseAxes(weights.node.shape);
  /** The scores' axis that an axis of the weights is. */
  const inScores = (axis: number) => scores.followed.axes[tracked.indexOf(axis)]!;
  const inSoftmax = (axis: number) => soft.followed.axes[tracked.indexOf(axis)]!;

  const contracted = denseAxes(weights.node.shape, weights.contract.slice());
  if (contracted.length !== 1 || inSoftmax(contracted[0]!) !== soft.axis)
    return "the product sums over other axes than the softmax runs along";
  const keys = inScores(contracted[0]!);
  const dot = scores.followed.node;
  const split = splitScores(dot, keys);
  if (split === undefined) return "the keys have more than one axis";

  const isSame = (own: readonly number[], theirs: readonly number[]) =>
    own.length === theirs.length && own.every((axis) => theirs.includes(axis));
  const batchHere = denseAxes(weights.node.shape, weights.batch.slice());
  if (!isSame(batchHere.map(inScores), split.batch))
    return "the two products share different axes: those that the queries and keys share, the values must have too";
  if (isUsedElsewhere(weights.node, product, dot, users))
    return "the weights or scores are used elsewhere";

  const queriesHere = denseAxes(weights.node.shape, weights.free.slice());
  const valueChannels = denseAxes(values.node.shape, values.free.slice());
  /** The values' axis that is a batch axis of the scores. */
  const inValues = (batch: number) => {
    const here = batchHere.find((axis) => inScores(axis) === batch)!;
    return values.batch[weights.batch.indexOf(here)]!;
  };
  const kept = [...split.batch, ...split.queries];
  const sources = [
    ...batchHere.map((axis) => kept.indexOf(inScores(axis))),
    ...(side === 0 ? [] : valueChannels.map((_, i) => kept.length + i)),
    ...queriesHere.map((axis) => kept.indexOf(inScores(axis))),
    ...(side === 0 ? valueChannels.map((_, i) => kept.length + i) : []),
  ];
  const valueKeys = values.contract[weights.contract.indexOf(contracted[0]!)]!;
  const [q, byQ] = withoutScale(split.q.node);
  const [k, byK] = withoutScale(split.k.node);
  return {
    q: {
      node: q,
      groups: [...split.q.batch.map((axis) => [axis]), split.q.tokens, split.q.channels],
    },
    k: {
      node: k,
      groups: [...split.k.batch.map((axis) => [axis]), split.k.tokens, split.k.channels],
    },
    v: {
      node: values.node,
      groups: [...split.batch.map((axis) => [inValues(axis)]), [valueKeys], valueChannels],
    },
    scale: scores.scale * byQ * byK,
    split: [...pick(dot.shape, kept), ...pick(values.node.shape, valueChannels)],
    order: sources,
  };
}

/** Up through views to a softmax, its axes followed. */
function toSoftmax(
  from: Followed,
): { readonly followed: Followed; readonly scores: Node; readonly axis: number } | undefined {
  const soft = matchSoftmax(from.node);
  if (soft !== undefined) return { followed: from, ...soft };
  const up = from.node.op === "broadcast" ? undefined : followUp(from);
  return up && toSoftmax(up);
}

/** Up through views and constant factors to the product of queries and keys. */
function toProduct(
  from: Followed,
  scale = 1,
): { readonly followed: Followed; readonly scale: number } | string | undefined {
  if (from.node.op === "dot") return { followed: from, scale };
  const scaled = asScaled(from.node);
  if (scaled !== undefined)
    return toProduct({ node: scaled.of, axes: from.axes }, scale * scaled.by);
  const up = from.node.op === "broadcast" ? undefined : followUp(from);
  if (up !== undefined) return toProduct(up, scale);
  return hasProductAbove(from.node)
    ? `\`${from.node.op}\` stands between the product of queries and keys and the softmax`
    : undefined;
}

/** by * of, where the node is a product with a constant or a quotient by one. */
function asScaled(node: Node): { readonly of: Node; readonly by: number } | undefined {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return undefined;
  const [first, second] = [constantValue(a), constantValue(b)];
  if (node.op === "multiply" && second !== undefined) return { of: a, by: second };
  if (node.op === "multiply" && first !== undefined) return { of: b, by: first };
  if (node.op === "divide" && second !== undefined && second !== 0)
    return { of: a, by: 1 / second };
  return undefined;
}

function withoutScale(node: Node, by = 1): readonly [Node, number] {
  const scaled = asScaled(node);
  return scaled === undefined ? [node, by] : withoutScale(scaled.of, by * scaled.by);
}

const elementwiseBetween = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "select",
  "maximum",
  "minimum",
  "cast",
];

function hasProductAbove(node: Node, depth = 4): boolean {
  if (node.op === "dot") return true;
  const isPassed = elementwiseBetween.includes(node.op) || followUp(followAll(node)) !== undefined;
  return isPassed && depth > 0 && node.inputs.some((input) => hasProductAbove(input, depth - 1));
}

/** A reason, where weights are a softmax of a product with something in between (dropout, a cast). */
function interruptedSoftmax(node: Node, depth = 4): string | undefined {
  for (const input of elementwiseBetween.includes(node.op) && depth > 0 ? node.inputs : []) {
    const soft = toSoftmax(followAll(input));
    if (soft !== undefined && hasProductAbove(soft.scores))
      return `\`${node.op}\` stands between the softmax and the product with the values`;
    const further = interruptedSoftmax(input, depth - 1);
    if (further !== undefined) return further;
  }
  return undefined;
}

/** The product of queries and keys taken apart; q is the operand that does not have the keys' axis. */
function splitScores(dot: Node, keys: number) {
  const { own: a, other: b } = sides(dot, 0);
  const firstB = a.batch.length + a.free.length;
  const keysInB = keys >= firstB;
  const [qSide, kSide] = keysInB ? [a, b] : [b, a];
  const [qStart, kStart] = keysInB ? [a.batch.length, firstB] : [firstB, a.batch.length];
  const part = (of: typeof a) => ({
    node: of.node,
    batch: of.batch.filter((axis) => of.node.shape[axis] !== 1),
    tokens: denseAxes(of.node.shape, of.free.slice()),
    channels: of.contract,
  });
  const [q, k] = [part(qSide), part(kSide)];
  if (k.tokens.length !== 1 || kSide.free[keys - kStart] !== k.tokens[0]) return undefined;
  return {
    q,
    k,
    batch: denseAxes(dot.shape, a.batch.map((_, place) => place)),
    queries: denseAxes(dot.shape, qSide.free.map((_, place) => qStart + place)),
  }; // prettier-ignore
}

/** Whether anything between the scores and the weights is read by more than the softmax and the last product. */
function isUsedElsewhere(weights: Node, product: Node, scores: Node, users: Users): boolean {
  const chain = new Set<Node>([scores]);
  const open = [weights];
  while (open.length > 0) {
    const node = open.pop()!;
    if (chain.has(node)) continue;
    chain.add(node);
    open.push(...node.inputs.filter((input) => input.op !== "constant"));
  }
  return [...chain].some((node) =>
    users.get(node)!.some((user) => user === "result" || (user !== product && !chain.has(user))),
  );
}

function operandShape({ node, groups }: Operand): number[] {
  return groups.map((group) => elementCount(pick(node.shape, group)));
}

function replace(graph: TensorGraph, matches: ReadonlyMap<Node, Match>): TensorGraph {
  const g = new Builder();
  g.declareLeavesOf(graph);
  const copies = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const match = matches.get(node);
    const inputs = node.inputs.map((input) => copies.get(input)!);
    const copy = match
      ? g.under(node.origin, () => attentionOf(g, node, match, copies))
      : g.copy(node, inputs);
    copies.set(node, copy);
  }
  return g.finish({
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
    updates: graph.updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
    keepLeaves: true,
  });
}

function attentionOf(
  g: Builder,
  product: Node,
  match: Match,
  copies: ReadonlyMap<Node, Node>,
): Node {
  const operand = (of: Operand): Node => {
    const dense = of.groups.flat();
    const units = of.node.shape.flatMap((_, axis) => (dense.includes(axis) ? [] : [axis]));
    return g.reshape(g.permute(copies.get(of.node)!, [...dense, ...units]), operandShape(of));
  };
  const result = g.attention(operand(match.q), operand(match.k), operand(match.v), match.scale);
  return g.reshape(g.permute(g.reshape(result, match.split), match.order), product.shape);
}
