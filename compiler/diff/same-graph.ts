// Whether two graphs compute the same: node by node, since lowering is deterministic. Origins and labels do not count,
// nor does the size of the batch.
import type { TensorGraph } from "../graph/graph.ts";

/** Examples that the graphs are made for. */
export interface BatchSizes {
  readonly from: number;
  readonly to: number;
}

export function sameGraph(a: TensorGraph, b: TensorGraph, batch: BatchSizes): boolean {
  return isAlike(essence(a), essence(b), batch);
}

/** Sizes are numbers, which may follow the batch; places are texts, which may not. */
function essence({ nodes, outputs, updates }: TensorGraph): unknown {
  const places = new Map(nodes.map((node, place) => [node.id, `#${place}`]));
  return {
    nodes: nodes.map(({ op, inputs, attributes, shape, dtype }) => {
      return { op, inputs: inputs.map(({ id }) => places.get(id)), attributes, shape, dtype };
    }),
    outputs: outputs.map(({ name, value }) => [name, places.get(value.id)]),
    updates: updates.map(({ path, value }) => [path, places.get(value.id)]),
  };
}

function isAlike(a: unknown, b: unknown, batch: BatchSizes): boolean {
  if (typeof a === "number" && typeof b === "number")
    return Object.is(a, b) || (a > 0 && a * batch.to === b * batch.from);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const names = Object.keys(a);
  const [left, right] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => name in right && isAlike(left[name], right[name], batch))
  );
}
