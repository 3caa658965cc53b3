// Gathers diagnostics: the same mistake met again (in another variant, another application) counts once.
import type { Diagnostic } from "../../../grammar/diagnostic.ts";
import { keyOf } from "../../model/library.ts";

export interface Gathered {
  readonly found: Diagnostic[];
  readonly report: (diagnostic: Diagnostic) => void;
}

export function gathered(): Gathered {
  const found: Diagnostic[] = [];
  const seen = new Set<string>();
  return {
    found,
    report(diagnostic) {
      const key = keyOf(diagnostic);
      if (seen.has(key)) return;
      seen.add(key);
      found.push(diagnostic);
    },
  };
}
