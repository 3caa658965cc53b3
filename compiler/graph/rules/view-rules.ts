// Views of views, and views that change nothing.
import { numbers } from "../../ops/attributes.ts";
import type { Node } from "../graph.ts";
import type { Rule } from "./rule.ts";

function list(node: Node, name: string): readonly number[] {
  return numbers(node.attributes, name);
}

function inputOf(node: Node, op: string): Node | undefined {
  const input = node.inputs[0];
  return input?.op === op ? input : undefined;
}

export const viewRules: readonly Rule[] = [
  {
    name: "a reshape of a reshape is one reshape",
    ops: ["reshape"],
    apply(g, node) {
      const inner = inputOf(node, "reshape");
      return inner && g.reshape(inner.inputs[0]!, node.shape);
    },
  },
  {
    name: "a permute that moves only axes of extent 1 is a reshape",
    ops: ["permute"],
    apply(g, node) {
      const dense = list(node, "order").filter((_, place) => node.shape[place] !== 1);
      const rises = dense.every((axis, place) => place === 0 || axis > dense[place - 1]!);
      return rises ? g.reshape(node.inputs[0]!, node.shape) : undefined;
    },
  },
  {
    name: "a permute of a permute is one permute",
    ops: ["permute"],
    apply(g, node) {
      const inner = inputOf(node, "permute");
      if (inner === undefined) return undefined;
      const before = list(inner, "order");
      return g.permute(
        inner.inputs[0]!,
        list(node, "order").map((axis) => before[axis]!),
      );
    },
  },
  {
    name: "flipping axes of extent 1 changes nothing",
    ops: ["flip"],
    apply: (_g, node) =>
      list(node, "axes").every((axis) => node.shape[axis] === 1) ? node.inputs[0] : undefined,
  },
  {
    name: "a reduction over axes of extent 1 is a reshape",
    ops: ["sum", "max", "min"],
    apply(g, node) {
      const x = node.inputs[0]!;
      const isUnit = list(node, "axes").every((axis) => x.shape[axis] === 1);
      return isUnit ? g.reshape(x, node.shape) : undefined;
    },
  },
];
