// A model's parameters and states -> flat arrays, where there is no recipe that groups them.
import type { ResidentLayout } from "../compiled.ts";
import type { TensorGraph } from "./graph.ts";
import { besideEachOther } from "./lying-together.ts";
import { LayoutBuilder, packingOrder, splitInRuns } from "./resident-layout.ts";

/**
 * @param residentElements elements that one array may have
 * @param together paths of parameters that should lie one behind the other, list by list
 */
export function placeModel(
  graph: TensorGraph,
  residentElements: number,
  together: readonly (readonly string[])[] = [],
): ResidentLayout {
  const layout = new LayoutBuilder();
  splitInRuns(besideEachOther(graph.parameters, together), residentElements).forEach((run, k) =>
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
