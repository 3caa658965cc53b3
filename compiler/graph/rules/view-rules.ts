// Views of views, and views that change nothing.
import { numbers } from "../../ops/attributes.ts";
import { sameShape } from "../../ops/shape.ts";
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
    name: "a view that changes nothing is its input",
    ops: ["reshape", "permute", "slice", "pad", "broadcast"],
    apply(_g, node) {
      const input = node.inputs[0]!;
      if (!sameShape(input.shape, node.shape)) return undefined;
      const moves =
        node.op === "permute" && !list(node, "order").every((axis, place) => axis === place);
      return moves ? undefined : input;
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
    name: "a slice of a slice is one slice",
    ops: ["slice"],
    apply(g, node) {
      const inner = inputOf(node, "slice");
      if (inner === undefined) return undefined;
      const [starts, steps] = [list(inner, "starts"), list(inner, "steps")];
      return g.slice(
        inner.inputs[0]!,
        list(node, "starts").map((start, axis) => starts[axis]! + steps[axis]! * start),
        node.shape,
        list(node, "steps").map((step, axis) => steps[axis]! * step),
      );
    },
  },
  {
    name: "a slice that stays inside what was padded is a slice of that",
    ops: ["slice"],
    apply(g, node) {
      const inner = inputOf(node, "pad");
      if (inner === undefined || list(inner, "interior").some((count) => count > 0))
        return undefined;
      const x = inner.inputs[0]!;
      const steps = list(node, "steps");
      const starts = list(node, "starts").map(
        (start, axis) => start - list(inner, "before")[axis]!,
      );
      const isInside = starts.every((start, axis) => {
        const last = start + steps[axis]! * (node.shape[axis]! - 1);
        return start >= 0 && last < x.shape[axis]!;
      });
      return isInside ? g.slice(x, starts, node.shape, steps) : undefined;
    },
  },
  {
    name: "a broadcast of a broadcast is one broadcast",
    ops: ["broadcast"],
    apply(g, node) {
      const inner = inputOf(node, "broadcast");
      if (inner === undefined) return undefined;
      const axes = list(node, "axes");
      return g.broadcast(
        inner.inputs[0]!,
        node.shape,
        list(inner, "axes").map((axis) => axes[axis]!),
      );
    },
  },
  {
    name: "flipping twice changes nothing",
    ops: ["flip"],
    apply(_g, node) {
      const inner = inputOf(node, "flip");
      return inner && sameShape(list(inner, "axes"), list(node, "axes"))
        ? inner.inputs[0]
        : undefined;
    },
  },
  {
    name: "flipping axes of extent 1 changes nothing",
    ops: ["flip"],
    apply: (_g, node) =>
      list(node, "axes").every((axis) => node.shape[axis] === 1) ? node.inputs[0] : undefined,
  },
  {
    name: "rolling by whole turns changes nothing",
    ops: ["roll"],
    apply(_g, node) {
      const shifts = list(node, "shifts");
      const isWhole = list(node, "axes").every(
        (axis, place) => shifts[place]! % node.shape[axis]! === 0,
      );
      return isWhole ? node.inputs[0] : undefined;
    },
  },
  {
    name: "stopping twice stops once",
    ops: ["stop"],
    apply: (_g, node) => inputOf(node, "stop"),
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
