// A graph over a batch -> how each node depends on the examples: not at all, example by example, as a sum over them, or
// mixed. So we know whether a batch may be split (accumulation) and whether a filled-up batch can be counted exactly.
// The batch lies in a shape as [outer, batch, rest], flat and row by row: a reshape never changes `outer`.
import type { Node } from "../graph.ts";
import { op as opByName } from "../../ops/registry.ts";
import { elementCount } from "../../ops/shape.ts";

export type Reach =
  | { readonly kind: "none" }
  | { readonly kind: "each"; readonly outer: number }
  /** Linear in a sum over the examples: a mean of per-example values, scaled or added up. */
  | { readonly kind: "sum" }
  | { readonly kind: "mixed"; readonly at: Node };

const nothing: Reach = { kind: "none" };
const sum: Reach = { kind: "sum" };

/** Inputs of the graph that hold a batch, batch first. */
export interface BatchInputs {
  readonly extent: number;
  readonly names: ReadonlySet<string>;
  /** Nodes whose mixing does not count: batch statistics inside of nets, when the question is about the loss. */
  readonly forgives?: (node: Node) => boolean;
}

/** The reach of every node that the roots depend on. Nodes come inputs first. */
export function reachOfNodes(
  nodes: readonly Node[],
  inputs: BatchInputs,
): ReadonlyMap<Node, Reach> {
  const reaches = new Map<Node, Reach>();
  for (const node of nodes) {
    const known = node.inputs.map((input) => reaches.get(input) ?? nothing);
    const reach = reachOf(node, known, inputs);
    const isForgiven = reach.kind === "mixed" && inputs.forgives?.(node) === true;
    reaches.set(node, isForgiven ? forgiven(known) : reach);
  }
  return reaches;
}

/** As if what is a sum over the batch were a constant. */
function forgiven(known: readonly Reach[]): Reach {
  return (
    known.find((reach) => reach.kind === "each") ??
    known.find((reach) => reach.kind === "sum") ??
    nothing
  );
}

function reachOf(node: Node, known: readonly Reach[], batch: BatchInputs): Reach {
  const mixed = known.find((reach) => reach.kind === "mixed");
  if (mixed) return mixed;
  if (node.op === "input") {
    const isBatch = batch.names.has(String(node.attributes.name));
    return isBatch ? { kind: "each", outer: 1 } : nothing;
  }
  if (known.every((reach) => reach.kind === "none")) return nothing;
  const kind = opByName(node.op).kind;
  if (node.op === "stop" || kind === "elementwise") return throughElements(node, known);
  if (known.some((reach) => reach.kind === "sum")) return throughLinear(node, known);
  switch (kind) {
    case "view":
      return throughView(node, known, batch.extent);
    case "reduction":
      return throughReduction(node, known[0]!, batch.extent);
    case "contraction":
      return node.op === "dot"
        ? throughDot(node, known, batch.extent)
        : throughConvolution(node, known, batch.extent);
    case "indexing":
      return throughIndexing(node, known, batch.extent);
    case "structured":
      return throughAttention(node, known, batch.extent);
    default:
      return { kind: "mixed", at: node };
  }
}

const linear = new Set(["add", "subtract", "negate", "stop", "cast"]);
const scaling = new Set(["multiply", "divide"]);

function throughElements(node: Node, known: readonly Reach[]): Reach {
  const each = known.find((reach) => reach.kind === "each");
  const hasSum = known.some((reach) => reach.kind === "sum");
  if (!hasSum) {
    const isOne = known.every(
      (reach) => reach.kind !== "each" || (each?.kind === "each" && reach.outer === each.outer),
    );
    return each && isOne ? each : { kind: "mixed", at: node };
  }
  if (each) return { kind: "mixed", at: node };
  if (linear.has(node.op)) return sum;
  const count = known.filter((reach) => reach.kind === "sum").length;
  const isScaled =
    scaling.has(node.op) && count === 1 && !(node.op === "divide" && known[1]!.kind === "sum");
  return isScaled ? sum : { kind: "mixed", at: node };
}

/** What is a sum already stays one through views and further sums. */
function throughLinear(node: Node, known: readonly Reach[]): Reach {
  const isPlain = known.every((reach) => reach.kind !== "each");
  const keeps = node.op === "sum" || opByName(node.op).kind === "view";
  return isPlain && keeps ? sum : { kind: "mixed", at: node };
}

/** Where the batch lies in a node that goes example by example: `[outer, batch, rest]`. */
export function batchLayout(
  node: Node,
  outer: number,
  extent: number,
): readonly [number, number, number] {
  return [outer, extent, elementCount(node.shape) / (outer * extent)];
}

/** The axis of a shape in which the batch lies, and what of that axis comes before it. */
function locate(
  shape: readonly number[],
  outer: number,
  extent: number,
): { readonly axis: number; readonly within: number } | undefined {
  let before = 1;
  for (const [axis, size] of shape.entries()) {
    if (before * size >= outer * extent && outer % before === 0)
      return { axis, within: outer / before };
    before *= size;
  }
  return undefined;
}

function elementsBefore(shape: readonly number[], axis: number): number {
  return elementCount(shape.slice(0, axis));
}

function throughView(node: Node, known: readonly Reach[], extent: number): Reach {
  const mixed: Reach = { kind: "mixed", at: node };
  const places = node.inputs.map((input, i) => {
    const reach = known[i]!;
    return reach.kind === "each" ? locate(input.shape, reach.outer, extent) : undefined;
  });
  if (node.op === "reshape") return known[0]!;
  const place = places.find((candidate) => candidate !== undefined);
  if (!place) return mixed;
  const { axis, within } = place;
  const input = node.inputs[places.indexOf(place)]!;
  const list = (name: string): readonly number[] =>
    (node.attributes[name] as readonly number[] | undefined) ?? [];
  const at = (outputAxis: number): Reach => ({
    kind: "each",
    outer: elementsBefore(node.shape, outputAxis) * within,
  });
  switch (node.op) {
    case "permute":
      return at(list("order").indexOf(axis));
    case "broadcast":
      return at(list("axes")[axis]!);
    case "slice":
    case "pad":
      return node.shape[axis] === input.shape[axis] ? at(axis) : mixed;
    case "concat": {
      const isAlike = places.every(
        (other, i) =>
          known[i]!.kind === "none" || (other?.axis === axis && other.within === within),
      );
      return node.attributes.axis !== axis && isAlike ? at(axis) : mixed;
    }
    case "flip":
    case "roll":
    case "window":
      return list("axes").includes(axis) ? mixed : at(axis);
    default:
      return mixed;
  }
}

function throughReduction(node: Node, reach: Reach, extent: number): Reach {
  const input = node.inputs[0]!;
  const place = reach.kind === "each" ? locate(input.shape, reach.outer, extent) : undefined;
  if (!place) return { kind: "mixed", at: node };
  const axes = node.attributes.axes as readonly number[];
  if (axes.includes(place.axis)) return node.op === "sum" ? sum : { kind: "mixed", at: node };
  const kept = input.shape.slice(0, place.axis).filter((_, axis) => !axes.includes(axis));
  return { kind: "each", outer: elementCount(kept) * place.within };
}

type Pair = readonly [readonly number[], readonly number[]];

function throughDot(node: Node, known: readonly Reach[], extent: number): Reach {
  const mixed: Reach = { kind: "mixed", at: node };
  const batch = node.attributes.batch as unknown as Pair;
  const contract = node.attributes.contract as unknown as Pair;
  const places = known.map((reach, i) =>
    reach.kind === "each" ? locate(node.inputs[i]!.shape, reach.outer, extent) : undefined,
  );
  const [a, b] = places;
  if (a && b) {
    const shared = batch[0].indexOf(a.axis);
    if (shared !== -1 && batch[1][shared] === b.axis) {
      return { kind: "each", outer: elementsBefore(node.shape, shared) * a.within };
    }
    const summed = contract[0].indexOf(a.axis);
    return summed !== -1 && contract[1][summed] === b.axis ? sum : mixed;
  }
  const side = a ? 0 : 1;
  const place = a ?? b;
  if (!place) return mixed;
  if (contract[side].includes(place.axis)) return sum;
  return {
    kind: "each",
    outer:
      elementsBefore(node.shape, dotOutputAxis(node, batch, contract, side, place.axis)) *
      place.within,
  };
}

/** Output axes are batch, then the rest of a, then the rest of b. */
function dotOutputAxis(node: Node, batch: Pair, contract: Pair, side: 0 | 1, axis: number): number {
  const shared = batch[side].indexOf(axis);
  if (shared !== -1) return shared;
  const restOf = (which: 0 | 1): number[] =>
    node.inputs[which]!.shape.map((_, place) => place).filter(
      (place) => !batch[which].includes(place) && !contract[which].includes(place),
    );
  const before = side === 0 ? 0 : restOf(0).length;
  return batch[0].length + before + restOf(side).indexOf(axis);
}

function throughConvolution(node: Node, known: readonly Reach[], extent: number): Reach {
  const [x, w] = known;
  const place = x?.kind === "each" ? locate(node.inputs[0]!.shape, x.outer, extent) : undefined;
  if (node.op !== "convolve" || !place || place.axis !== 0 || w?.kind !== "none")
    return { kind: "mixed", at: node };
  return x!;
}

function throughIndexing(node: Node, known: readonly Reach[], extent: number): Reach {
  const mixed: Reach = { kind: "mixed", at: node };
  const [x, indices] = node.inputs.map((input, i) => {
    const reach = known[i]!;
    return reach.kind === "each" ? locate(input.shape, reach.outer, extent) : undefined;
  });
  const axis = Number(node.attributes.axis);
  const shared = Number(node.attributes.batch ?? 0);
  const at = (place: { axis: number; within: number }, outputAxis: number): Reach => ({
    kind: "each",
    outer: elementsBefore(node.shape, outputAxis) * place.within,
  });
  switch (node.op) {
    case "argsort":
    case "rank":
      return x && x.axis !== axis ? at(x, x.axis) : mixed;
    case "gather": {
      if (x && indices) return x.axis < shared && x.axis === indices.axis ? at(x, x.axis) : mixed;
      if (indices)
        return at(indices, indices.axis < shared ? indices.axis : axis + indices.axis - shared);
      if (!x || x.axis === axis) return mixed;
      const taken = node.inputs[1]!.shape.length - shared;
      return at(x, x.axis < axis ? x.axis : x.axis - 1 + taken);
    }
    case "scatter_add": {
      const place = x ?? indices;
      const isShared =
        place !== undefined && place.axis < shared && (!x || !indices || x.axis === indices.axis);
      return isShared ? at(place, place.axis) : mixed;
    }
    default:
      return mixed;
  }
}

/** Attention goes example by example where the batch is one of the leading axes of q, k and v. */
function throughAttention(node: Node, known: readonly Reach[], extent: number): Reach {
  const mixed: Reach = { kind: "mixed", at: node };
  const each = known.find((reach) => reach.kind === "each");
  if (node.op !== "attention" || each?.kind !== "each") return mixed;
  const isAlike = known.every((reach) => reach.kind === "each" && reach.outer === each.outer);
  const place = locate(node.inputs[0]!.shape, each.outer, extent);
  return isAlike && place && place.axis < node.shape.length - 2 ? each : mixed;
}
