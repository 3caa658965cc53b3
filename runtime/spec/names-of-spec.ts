// A resolved model or recipe and a format -> what the format calls its parameters and states.
import type { NameTable } from "../../compiler/names/name-table.ts";
import { resolveNames } from "../../compiler/names/resolve-names.ts";
import type { NamesSubject } from "../../compiler/names/resolve-names.ts";
import type { ResolvedSpec } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";

/** What has names: parameters, states, and the blocks that they stand in. */
export function ownedBy(spec: ResolvedSpec): NamesSubject {
  if (spec.kind === "recipe") return spec.recipe;
  const { graph, modules } = spec.model;
  return { parameters: graph.parameters, states: graph.states, modules };
}

/**
 * `root` is a net or a part, `online.encoder`: its names then begin there.
 * @throws SpecError where there is no such format, or a map does not fit the model.
 */
export function namesOfSpec(spec: ResolvedSpec, format: string, root?: string): NameTable {
  const request = root === undefined ? { format } : { format, root };
  const { table, diagnostics, sources } = resolveNames(spec.library, ownedBy(spec), request);
  if (table === undefined) throw new SpecError({ diagnostics, sources });
  return table;
}
