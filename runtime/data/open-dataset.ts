// A resolved data set -> the same, opened: what the recipe named is found, read or listed, and ready to be shared
// by any number of loaders.
import type { CatalogField, ResolvedDataset } from "../../compiler/model/catalog.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { blended, blendOf } from "./blended.ts";
import type { AnyDataset, ExampleRecord } from "./dataset.ts";
import { datasets } from "./sets.ts";

export interface OpenDataset {
  readonly resolved: ResolvedDataset;
  readonly entry: AnyDataset;
  /** What `entry.read` needs; can be sent to a thread. */
  readonly source: unknown;
  readonly fields: readonly CatalogField[];
  readonly size: number;
  readonly classes: readonly string[];
  readonly notes: Readonly<Record<string, number>>;
  readonly example: (index: number) => Promise<ExampleRecord>;
}

/** Throws WorldError where the data is missing or broken. */
export async function openDataset(resolved: ResolvedDataset, host: Host): Promise<OpenDataset> {
  if (resolved.of) return openBlended(resolved, resolved.of, host);
  const entry = findDataset(resolved.source);
  const { source, size, classes, notes } = await entry.open(resolved.settings, host);
  const fields = entry.fields ?? entry.look(resolved.settings, host).fields;
  const example = async (index: number): Promise<ExampleRecord> => entry.read(source, index, host);
  return { resolved, entry, source, fields, size, classes, notes, example };
}

async function openBlended(
  resolved: ResolvedDataset,
  of: readonly ResolvedDataset[],
  host: Host,
): Promise<OpenDataset> {
  const opened: OpenDataset[] = [];
  for (const part of of) opened.push(await openDataset(part, host));
  const weights = resolved.settings.weights as readonly number[];
  const source = blendOf(opened, weights);
  const { fields, classes } = opened[0]!;
  const { size } = source;
  const example = async (index: number): Promise<ExampleRecord> =>
    blended.read(source, index, host);
  return { resolved, entry: blended, source, fields, size, classes, notes: {}, example };
}

/** `blend` too, which loader threads ask for by name. */
export function findDataset(name: string): AnyDataset {
  const entry = [...datasets, blended].find((candidate) => candidate.name === name);
  if (entry) return entry;
  throw new WorldError(
    "missing-dataset",
    `there is no data set ${name}`,
    `known are ${datasets.map((one) => one.name).join(", ")}`,
  );
}
