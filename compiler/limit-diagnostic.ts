// A limit of a device that a program would break -> a diagnostic: which limit, what needs how much, where it stands in
// the spec, what would help. Where the array is of no text of the author's (an optimizer's slot, the standard library),
// the place is that of the nearest module above it that he has written.
import type { Diagnostic, FileSpan } from "../grammar/diagnostic.ts";
import type { Parameter } from "./graph/graph.ts";
import type { Module } from "./graph/lowered.ts";
import { isUnder } from "./graph/lower/path-frame.ts";
import type { Library } from "./model/library.ts";
import type { LimitError } from "./program/target.ts";

export interface LimitContext {
  readonly library: Library;
  readonly modules: readonly Module[];
  readonly parameters: readonly Parameter[];
  /** Where the model or recipe is declared. */
  readonly declared: FileSpan;
}

export function limitDiagnostic(error: LimitError, context: LimitContext): Diagnostic {
  const { what, parts = [], help, origin } = error.broken;
  const parameter = context.parameters.find(({ path }) => what.endsWith(`\`${path}\``));
  const path = origin?.path ?? parameter?.path ?? "";
  return {
    severity: "error",
    code: "device-limit",
    message: error.message,
    span: placeOf(parameter?.origin ?? origin, path, context),
    ...(path === "" ? {} : { note: `at \`${path}\`` }),
    because: parts,
    hints: [help],
  };
}

function placeOf(
  origin: Module["origin"] | undefined,
  path: string,
  { library, modules, declared }: LimitContext,
): FileSpan {
  const spanOf = (each: Module["origin"] | undefined): FileSpan | undefined => {
    const { file, span } = each ?? {};
    const isOurs = file !== undefined && library.files.get(file)?.isStandard === false;
    return isOurs && span ? { file, ...span } : undefined;
  };
  const above = modules
    .filter((module) => module.path !== "" && isUnder(path, module.path))
    .toSorted((a, b) => b.path.length - a.path.length);
  const places = [origin, ...above.map((module) => module.origin)].map(spanOf);
  return places.find((place) => place !== undefined) ?? declared;
}
