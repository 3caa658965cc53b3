// Views that keep every element once: a value read through one may as well be written through it.
// reshape, permute, stop, and broadcasts that only add axes of extent 1.
import type { Node } from "../../graph/graph.ts";
import { numbers } from "../../ops/attributes.ts";
import { constantIndex, delinearize, linearIndex } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import { elementCount } from "../../ops/shape.ts";

export function isBijective(view: Node): boolean {
  switch (view.op) {
    case "reshape":
    case "permute":
    case "stop":
      return true;
    case "broadcast":
      return elementCount(view.shape) === elementCount(view.inputs[0]!.shape);
    default:
      return false;
  }
}

/** Indices in the view of the element that has `indices` in its input. */
export function forward(view: Node, indices: readonly Index[]): readonly Index[] {
  switch (view.op) {
    case "reshape":
      return delinearize(linearIndex(indices, view.inputs[0]!.shape), view.shape);
    case "permute":
      return numbers(view.attributes, "order").map((axis) => indices[axis]!);
    case "broadcast": {
      const axes = numbers(view.attributes, "axes");
      return view.shape.map((_, axis) =>
        axes.includes(axis) ? indices[axes.indexOf(axis)]! : constantIndex(0),
      );
    }
    default:
      return indices;
  }
}

/** Follows bijective views from a node down to what they rename. Views are listed outermost first. */
export function strip(
  node: Node,
  stop: (node: Node) => boolean = () => false,
): { readonly base: Node; readonly views: readonly Node[] } {
  const views: Node[] = [];
  let base = node;
  while (isBijective(base) && !stop(base)) {
    views.push(base);
    base = base.inputs[0]!;
  }
  return { base, views };
}

/** Indices in the outermost of these views of the element at `indices` of their base. */
export function forwardThrough(
  views: readonly Node[],
  indices: readonly Index[],
): readonly Index[] {
  return views.reduceRight((at, view) => forward(view, at), indices);
}
