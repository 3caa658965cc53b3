// A model's parameters and states -> flat arrays, where there is no recipe that groups them.
import type { ResidentLayout } from "../compiled.ts";
import type { TensorGraph } from "./graph.ts";
import { LayoutBuilder, packingOrder, splitInRuns } from "./resident-layout.ts";

/** @param residentElements elements that one array may have */
export function placeModel(graph: TensorGraph, residentElements: number): ResidentLayout {
  const layout = new LayoutBuilder();
  splitInRuns(graph.parameters, residentElements).forEach((run, k) =>
    layout.add(
      `parameters.${k}`,
      packingOrder(run).map(({ path, shape, dtype, initializer, trainable }) => ({
        path,
        role: "parameter",
        shape,
        dtype,
        initializer,
        trainable,
      })),
    ),
  );
  for (const { path, shape, dtype, initializer } of graph.states)
    layout.add(path, [{ path, role: "state", shape, dtype, initializer, trainable: false }]);
  return layout.finish();
}
