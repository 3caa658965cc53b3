// Gathers diagnostics: the same mistake met again (in another variant, another application) counts once.
import type { Diagnostic } from "../../../grammar/diagnostic.ts";

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
      const { code, span } = diagnostic;
      const key = `${code} ${span.file} ${span.start} ${span.end}`;
      if (seen.has(key)) return;
      seen.add(key);
      found.push(diagnostic);
    },
  };
}
