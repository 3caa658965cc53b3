// Follows axes up through views. Axes of extent 1 say nothing and come and go with reshapes, so only the others
// ("dense" axes) are followed. Used to find out which axis of a product a softmax runs along.
import { numbers } from "../ops/attributes.ts";
import { axesOfRank, sameShape } from "../ops/shape.ts";
import type { Node } from "./graph.ts";

/** A node, and for each followed axis its place in the node's shape; undefined where a broadcast made the axis. */
export interface Followed {
  readonly node: Node;
  readonly axes: readonly (number | undefined)[];
}

export function denseAxes(shape: readonly number[], among = axesOfRank(shape.length)): number[] {
  return among.filter((axis) => shape[axis] !== 1);
}

/** All dense axes of a node. */
export function followAll(node: Node): Followed {
  return { node, axes: denseAxes(node.shape) };
}

/** One step up through a reshape of axes of extent 1, a permute, a broadcast or a stop; undefined at anything else. */
export function followUp({ node, axes }: Followed): Followed | undefined {
  const input = node.inputs[0];
  if (input === undefined) return undefined;
  const mapped = (to: (axis: number) => number | undefined): Followed => ({
    node: input,
    axes: axes.map((axis) => (axis === undefined ? undefined : to(axis))),
  });
  switch (node.op) {
    case "stop":
      return mapped((axis) => axis);
    case "permute": {
      const order = numbers(node.attributes, "order");
      return mapped((axis) => order[axis]);
    }
    case "broadcast": {
      const places = numbers(node.attributes, "axes");
      return mapped((axis) => (places.includes(axis) ? places.indexOf(axis) : undefined));
    }
    case "reshape": {
      const [from, to] = [denseAxes(input.shape), denseAxes(node.shape)];
      const extents = (of: Node, list: readonly number[]) => list.map((axis) => of.shape[axis]!);
      if (!sameShape(extents(input, from), extents(node, to))) return undefined;
      return mapped((axis) => from[to.indexOf(axis)]);
    }
    default:
      return undefined;
  }
}

/** Up through views as far as they go. */
export function followViews(followed: Followed): Followed {
  const up = followUp(followed);
  return up === undefined ? followed : followViews(up);
}
