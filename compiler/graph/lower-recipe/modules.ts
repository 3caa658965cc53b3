// The instances of a recipe's nets, for summaries and error messages: with the parameters and multiply-adds below each.
import { op as opByName } from "../../ops/registry.ts";
import type { Parameter, TensorGraph } from "../graph.ts";
import { elementCount } from "../graph.ts";
import type { Module } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";

/** Multiply-adds are those of `graph` (the prediction), for one of its `batch` examples. */
export function recipeModules(
  instances: Instances,
  parameters: readonly Parameter[],
  graph: TensorGraph | undefined,
  batch: number,
): readonly Module[] {
  const macs = (graph?.nodes ?? []).flatMap((node) => {
    const cost = opByName(node.op).cost?.(node.inputs, node, node.attributes).macs ?? 0;
    return cost > 0 ? [{ path: node.origin.path, macs: cost / batch }] : [];
  });
  return [...instances.modules.values()].map(({ path, block, settings, output, origin }) => ({
    path,
    block,
    standing: instances.standingAt(path),
    settings,
    parameters: sum(
      parameters
        .filter((parameter) => isUnder(parameter.path, path))
        .map((parameter) => elementCount(parameter.shape)),
    ),
    macs: sum(macs.filter((cost) => isUnder(cost.path, path)).map((cost) => cost.macs)),
    output,
    origin,
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
