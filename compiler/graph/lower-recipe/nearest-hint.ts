// A misspelt name -> "did you mean", as the detail of an error.
import { nearestName } from "../../model/nearest-name.ts";
import type { Detail } from "./problems.ts";

/** A hint with the nearest of the names, or, where few are known, all of them. */
export function nearestHint(name: string, names: readonly string[]): Detail {
  const distinct = [...new Set(names)];
  const nearest = nearestName(name, distinct);
  if (nearest !== undefined) return { hints: [`did you mean \`${nearest}\`?`] };
  if (distinct.length === 0 || distinct.length > 12) return {};
  return { hints: [`there ${distinct.length === 1 ? "is" : "are"}: ${distinct.join(", ")}`] };
}
