// Short ways to write resolved views and data sets in tests.
import type { ResolvedDataset, ResolvedView, Settings } from "../../../compiler/model/catalog.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { openDataset } from "../../../runtime/data/open-dataset.ts";
import type { OpenDataset } from "../../../runtime/data/open-dataset.ts";

export function open(
  source: string,
  settings: Settings,
  more: Partial<ResolvedDataset> = {},
): Promise<OpenDataset> {
  return openDataset({ name: "train", source, settings, ...more }, nodeHost);
}

/** A view of `train.image` unless `more` says otherwise. */
export function view(
  name: string,
  operations: readonly (readonly [string, Settings])[],
  more: Partial<ResolvedView> = {},
): ResolvedView {
  const chain = operations.map(([operation, settings]) => ({ name: operation, settings }));
  return { name, dataset: "train", field: "image", operations: chain, ...more };
}
