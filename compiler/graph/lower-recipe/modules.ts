// The instances of a recipe's nets, for summaries and error messages: with the parameters and multiply-adds below each.
import { op as opByName } from "../../ops/registry.ts";
import type { Parameter, TensorGraph } from "../graph.ts";
import { elementCount } from "../graph.ts";
import type { Module } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";

/** Multiply-adds are those of `graph` (the prediction), for one of its `batch` examples. */
export function recipeModules(
  instances: Instances,
  parameters: readonly Parameter[],
  graph: TensorGraph | undefined,
  batch: number,
): readonly Module[] {
  const macs = new TotalsBelow();
  for (const { op, inputs, attributes, origin, ...type } of graph?.nodes ?? [])
    macs.add(origin.path, (opByName(op).cost?.(inputs, type, attributes).macs ?? 0) / batch);
  const counts = new TotalsBelow();
  for (const { path, shape } of parameters) counts.add(path, elementCount(shape));
  return [...instances.modules.values()].map(({ path, block, settings, output, origin }) => ({
    path,
    block,
    standing: instances.standingAt(path),
    settings,
    parameters: counts.under(path),
    macs: macs.under(path),
    output,
    origin,
  }));
}

/** Sums of what stands at each path and below it. */
class TotalsBelow {
  private readonly totals = new Map<string, number>();

  add(path: string, amount: number): void {
    if (amount === 0) return;
    this.put("", amount);
    for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1))
      this.put(path.slice(0, dot), amount);
    if (path !== "") this.put(path, amount);
  }

  private put(path: string, amount: number): void {
    this.totals.set(path, (this.totals.get(path) ?? 0) + amount);
  }

  under(path: string): number {
    return this.totals.get(path) ?? 0;
  }
}
