// Node and indices -> expression inside one kernel: a load where the value lies in memory, else what it is made from.
// Views turn into indices and guards. The same element asked for twice is the same expression object, so that code
// generators make it once.
import type { DType, Node } from "../../graph/graph.ts";
import { linearIndex, rangeOf } from "../../ops/index-arithmetic.ts";
import type { Condition, Index } from "../../ops/index-expression.ts";
import type { ElementwiseOp, ViewOp } from "../../ops/op.ts";
import { streamHash } from "../../ops/threefry.ts";
import type { Expression } from "../kernel.ts";
import { sameMapping, type Group, type Mapping } from "./group.ts";
import type { Places } from "./place.ts";
import { gatherRead, operatorOf } from "./sources.ts";

/** The value of a sum or product that this kernel makes, at a mapping; undefined for what is none of them. */
export type Own = (node: Node, indices: Mapping) => Expression | undefined;

export class Reader {
  private readonly places: Places;
  private readonly group: Group | undefined;
  private readonly own: Own;
  private readonly known = new Map<Node, [Mapping, Expression][]>();
  private readonly loads = new Map<number, [Index, Expression][]>();
  private readonly constants = new Map<string, Expression>();

  constructor(places: Places, group?: Group, own: Own = () => undefined) {
    this.places = places;
    this.group = group;
    this.own = own;
  }

  read(node: Node, indices: Mapping): Expression {
    let list = this.known.get(node);
    if (list === undefined) this.known.set(node, (list = []));
    const found = list.find(([at]) => sameMapping(at, indices));
    if (found !== undefined) return found[1];
    const made = this.make(node, indices);
    list.push([indices, made]);
    return made;
  }

  private make(node: Node, indices: Mapping): Expression {
    const isMember = this.group?.members.has(node) === true;
    if (isMember) {
      const own = this.own(node, indices);
      if (own !== undefined) return own;
    } else if (!this.isMadeHere(node)) {
      const home = this.places.homeOf(node);
      if (home !== undefined) return this.loadAs(node, home.buffer, home.at(indices));
    }
    return this.expand(node, indices);
  }

  /** What this kernel makes itself is not loaded, nor is a part of it. */
  private isMadeHere(node: Node): boolean {
    if (this.group?.remade.has(node)) return true;
    let whole = node;
    while (whole.op === "slice") whole = whole.inputs[0]!;
    return this.group?.members.has(whole) === true;
  }

  private loadAs(node: Node, buffer: number, index: Index): Expression {
    // Tables are f32, whatever they stand for.
    if (node.op !== "values" || node.dtype === "f32") return this.load(buffer, index, node.dtype);
    const value = this.load(buffer, index, "f32");
    return { kind: "apply", instruction: "cast", arguments: [value], dtype: node.dtype };
  }

  private load(buffer: number, index: Index, dtype: DType): Expression {
    let list = this.loads.get(buffer);
    if (list === undefined) this.loads.set(buffer, (list = []));
    const found = list.find(([at]) => sameMapping([at], [index]));
    if (found !== undefined) return found[1];
    const made: Expression = { kind: "load", buffer, index, dtype };
    list.push([index, made]);
    return made;
  }

  private expand(node: Node, indices: Mapping): Expression {
    const op = operatorOf(node);
    switch (op.kind) {
      case "elementwise":
        return this.applied(node, op, indices);
      case "view":
        return this.view(node, op, indices);
      case "constant":
        return this.constant(node, indices);
      case "random":
        return {
          kind: "random",
          stream: streamHash(String(node.attributes["stream"])),
          seed: this.read(node.inputs[0]!, []),
          step: this.read(node.inputs[1]!, []),
          index: linearIndex(indices, node.shape),
          dtype: "u32",
        };
      case "indexing":
        if (node.op === "gather") return this.gathered(node, indices);
        break;
      case "reduction":
      case "contraction":
      case "structured":
      case "leaf":
      case "host":
        break;
    }
    throw new Error(
      `fusing: \`${node.op}\` of \`${node.origin.path}\` is neither stored nor made here`,
    );
  }

  private applied(node: Node, { instruction }: ElementwiseOp, indices: Mapping): Expression {
    const values = node.inputs.map((input) => this.read(input, indices));
    return { kind: "apply", instruction, arguments: values, dtype: node.dtype };
  }

  private gathered(node: Node, indices: Mapping): Expression {
    const list = node.inputs[1]!;
    const chosen = this.read(list, gatherRead(node, indices, undefined).chosenBy);
    const value: Expression =
      list.dtype === "i32"
        ? chosen
        : { kind: "apply", instruction: "cast", arguments: [chosen], dtype: "i32" };
    return this.read(node.inputs[0]!, gatherRead(node, indices, value).indices);
  }

  private view(node: Node, op: ViewOp, indices: Mapping): Expression {
    const { pieces, filler } = op.read(indices, node.inputs, node, node.attributes);
    let result: Expression | undefined;
    for (const piece of pieces.toReversed()) {
      const conditions = piece.conditions.filter((condition) => !alwaysHolds(condition));
      if (conditions.some(neverHolds)) continue;
      const value = this.read(node.inputs[piece.input]!, piece.indices);
      // Pieces exclude each other and together with the filler cover all: the last one needs no guard.
      const isCover = node.op === "concat" && result === undefined;
      result =
        conditions.length === 0 || isCover
          ? value
          : guard(conditions, value, result ?? this.number(filler, node.dtype));
    }
    return result ?? this.number(filler, node.dtype);
  }

  private constant(node: Node, indices: Mapping): Expression {
    if (node.op === "constant") return this.number(Number(node.attributes["value"]), node.dtype);
    if (node.op !== "iota") throw new Error(`no kernel makes a \`${node.op}\``);
    const index = indices[Number(node.attributes["axis"])]!;
    const position: Expression = { kind: "position", index, dtype: "i32" };
    if (node.dtype === "i32") return position;
    return { kind: "apply", instruction: "cast", arguments: [position], dtype: node.dtype };
  }

  number(value: number, dtype: DType): Expression {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const made: Expression = { kind: "constant", value, dtype };
    this.constants.set(key, made);
    return made;
  }
}

/** `value` where the conditions hold; conditions that always do are dropped. */
export function guard(
  conditions: readonly Condition[],
  value: Expression,
  otherwise: Expression,
): Expression {
  const needed = conditions.filter((condition) => !alwaysHolds(condition));
  if (needed.length === 0) return value;
  return { kind: "guard", conditions: needed, value, otherwise, dtype: value.dtype };
}

function alwaysHolds({ index, low, high }: Condition): boolean {
  const range = rangeOf(index);
  return low <= range.low && range.high < high;
}

function neverHolds({ index, low, high }: Condition): boolean {
  const range = rangeOf(index);
  return range.high < low || high <= range.low;
}
