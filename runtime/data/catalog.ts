// The data sets and operations that there are -> the catalog that the compiler is handed.
import type { Catalog, CatalogDataset, CatalogOperation } from "../../compiler/model/catalog.ts";
import { isWorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { operations } from "./operations.ts";
import { datasets } from "./sets.ts";

/** With a host, the catalog can look into files for what depends on them; without one it is plain data. */
export function catalog(host?: Host): Catalog {
  const plain = {
    datasets: datasets.map(describeDataset),
    operations: operations.map(describeOperation),
  };
  if (!host) return plain;
  return {
    ...plain,
    look: (name, settings) => {
      try {
        return (
          datasets.find((entry) => entry.name === name)?.look(settings, host) ??
          `there is no data set ${name}`
        );
      } catch (error) {
        if (isWorldError(error)) return `${error.message}; ${error.hint}`;
        throw error;
      }
    },
  };
}

function describeDataset({
  name,
  about,
  settings,
  fields,
  classes,
  splits,
}: CatalogDataset): CatalogDataset {
  return { name, about, settings, fields, classes, splits };
}

function describeOperation({
  name,
  about,
  input,
  settings,
  shape,
  values,
  draws,
}: CatalogOperation): CatalogOperation {
  return { name, about, input, settings, shape, values, draws };
}
