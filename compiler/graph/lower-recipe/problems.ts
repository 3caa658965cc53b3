// Where a recipe's diagnostics are gathered: all of them, in the order in which they are found.
import type { Diagnostic } from "../../../grammar/diagnostic.ts";
import type { Span } from "../../../grammar/syntax.ts";

/** What an error may say besides its sentence. */
export type Detail = Pick<Diagnostic, "note" | "labels" | "because" | "hints">;

export interface Problems {
  readonly found: Diagnostic[];
  error(code: string, message: string, file: string, span: Span, detail?: Detail): void;
}

export function gatherProblems(): Problems {
  const found: Diagnostic[] = [];
  const seen = new Set<string>();
  return {
    found,
    error(code, message, file, span, detail = {}) {
      // The same clause may be read twice (once for the training step, once for an evaluation).
      const key = `${code} ${file} ${span.start} ${message}`;
      if (seen.has(key)) return;
      seen.add(key);
      found.push({
        severity: "error",
        code,
        message,
        span: { file, start: span.start, end: span.end },
        ...detail,
      });
    },
  };
}
