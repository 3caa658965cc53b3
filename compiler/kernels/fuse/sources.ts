// What a node is to fusion, and which stored or computed values it reads through the nodes that vanish.
//   leaf      lies in memory before the kernels run: input, parameter, state, resident
//   inline    vanishes into its reader: views, constants, random bits, gather
//   computed  made by some kernel: elementwise, reductions, contractions, structured, scatter; or by the host
// A concat may be `assembled`: its producers write into its place in memory. A view may be `copied` into memory.
import type { Node } from "../../graph/graph.ts";
import { axisIndices } from "../../ops/index-arithmetic.ts";
import type { Condition, Index } from "../../ops/index-expression.ts";
import type { Op } from "../../ops/op.ts";
import { op as opByName } from "../../ops/registry.ts";
import type { Preparation } from "./prepare.ts";

export type Role = "leaf" | "inline" | "computed" | "assembled";

/** Where a value is read: its element at `indices`, under conditions or not. */
export type Visit = (base: Node, indices: readonly Index[], isGuarded: boolean) => void;

const operators = new Map<string, Op>();

export function operatorOf(node: Node): Op {
  const known = operators.get(node.op);
  if (known !== undefined) return known;
  const found = opByName(node.op);
  operators.set(node.op, found);
  return found;
}

const none: readonly Node[] = [];

/** The inputs of a node without those that it only waits for. */
export function inputsRead(node: Node): readonly Node[] {
  const op = operatorOf(node);
  const from = op.kind === "view" ? op.waitsFrom : undefined;
  return from === undefined ? node.inputs : node.inputs.slice(0, from);
}

export class Sources {
  private readonly prepared: Pick<Preparation, "copied" | "assembled">;
  private readonly known = new Map<Node, readonly Node[]>();
  private readonly waits = new Map<Node, readonly Node[]>();

  constructor(prepared: Pick<Preparation, "copied" | "assembled">) {
    this.prepared = prepared;
  }

  roleOf(node: Node): Role {
    if (this.prepared.assembled.has(node)) return "assembled";
    if (this.prepared.copied.has(node)) return "computed";
    const { kind, name } = operatorOf(node);
    switch (kind) {
      case "leaf":
        return "leaf";
      case "view":
      case "constant":
      case "random":
        return "inline";
      case "indexing":
        return name === "gather" ? "inline" : "computed";
      case "elementwise":
      case "reduction":
      case "contraction":
      case "structured":
      case "host":
        return "computed";
    }
  }

  /** The same element of each input, or a copy: may be computed again by any reader. */
  isPointwise(node: Node): boolean {
    return this.prepared.copied.has(node) || operatorOf(node).kind === "elementwise";
  }

  /** The values (leaf, computed or assembled) behind a node; the node itself where it is one. */
  basesOf(node: Node): readonly Node[] {
    return this.roleOf(node) === "inline" ? this.basesBehind(node) : [node];
  }

  /** The values behind a node's inputs. */
  basesBehind(node: Node): readonly Node[] {
    let found = this.known.get(node);
    if (found === undefined) {
      const read = inputsRead(node);
      const [only] = read;
      found =
        only !== undefined && read.length === 1
          ? this.basesOf(only)
          : [...new Set(read.flatMap((input) => this.basesOf(input)))];
      this.known.set(node, found);
    }
    return found;
  }

  /** Values that must be there before a node is made, though it reads nothing of them. */
  waitsOf(node: Node): readonly Node[] {
    const known = this.waits.get(node);
    if (known !== undefined) return known;
    const read = inputsRead(node);
    const behind = read.filter(
      (input) => this.roleOf(input) === "inline" && this.waitsOf(input).length > 0,
    );
    const isWaiting = behind.length > 0 || read.length < node.inputs.length;
    const waits = isWaiting
      ? [
          ...new Set([
            ...node.inputs.slice(read.length).flatMap((input) => this.basesOf(input)),
            ...behind.flatMap((input) => this.waitsOf(input)),
          ]),
        ]
      : none;
    this.waits.set(node, waits);
    return waits;
  }

  /** Visits every value that element `indices` of `node` is made from, inline nodes seen through. */
  resolve(node: Node, indices: readonly Index[], visit: Visit, isGuarded = false): void {
    if (this.roleOf(node) !== "inline") return visit(node, indices, isGuarded);
    this.resolveBehind(node, indices, visit, isGuarded);
  }

  /** The same for the inputs of a node. */
  resolveBehind(node: Node, indices: readonly Index[], visit: Visit, isGuarded = false): void {
    const op = operatorOf(node);
    switch (op.kind) {
      case "view":
        for (const piece of op.read(indices, node.inputs, node, node.attributes).pieces)
          this.resolve(
            node.inputs[piece.input]!,
            piece.indices,
            visit,
            isGuarded || piece.conditions.length > 0,
          );
        return;
      case "indexing": {
        const read = gatherRead(node, indices, node);
        this.resolve(node.inputs[1]!, read.chosenBy, visit, isGuarded);
        return this.resolve(node.inputs[0]!, read.indices, visit, isGuarded);
      }
      case "random":
        for (const input of node.inputs) this.resolve(input, [], visit, isGuarded);
        return;
      case "elementwise":
        for (const input of node.inputs) this.resolve(input, indices, visit, isGuarded);
        return;
      default:
        return;
    }
  }

  /** The single element of a stored value that a chain of views reads, where it needs no guard. */
  place(node: Node): { readonly base: Node; readonly indices: readonly Index[] } | undefined {
    const found: { base: Node; indices: readonly Index[] }[] = [];
    let isPlain = true;
    let at = node;
    while (this.roleOf(at) === "inline") {
      if (operatorOf(at).kind !== "view" || inputsRead(at).length !== 1) return undefined;
      at = at.inputs[0]!;
    }
    this.resolve(node, axisIndices(node.shape), (base, indices, isGuarded) => {
      found.push({ base, indices });
      isPlain &&= !isGuarded;
    });
    return isPlain && found.length === 1 ? found[0] : undefined;
  }
}

export interface GatherRead {
  /** Indices of the element of x; the one along the axis is data. */
  readonly indices: readonly Index[];
  /** Indices of the element of the list of indices. */
  readonly chosenBy: readonly Index[];
}

/** `value` is what the data index carries: an expression once kernels are written. */
export function gatherRead(node: Node, indices: readonly Index[], value: unknown): GatherRead {
  const [x, list] = [node.inputs[0]!, node.inputs[1]!];
  const axis = Number(node.attributes["axis"]);
  const batch = Number(node.attributes["batch"] ?? 0);
  const taken = list.shape.length - batch;
  const chosen: Index = { kind: "data", value, extent: x.shape[axis]! };
  return {
    indices: [...indices.slice(0, axis), chosen, ...indices.slice(axis + taken)],
    chosenBy: [...indices.slice(0, batch), ...indices.slice(axis, axis + taken)],
  };
}

export type { Condition };
