// Where a recipe's diagnostics are gathered: all of them, in the order in which they are found.
import type { Diagnostic } from "../../../grammar/diagnostic.ts";
import type { Span } from "../../../grammar/syntax.ts";

/** What an error may say besides its sentence. */
export type Detail = Pick<Diagnostic, "note" | "labels" | "because" | "hints">;

export interface Problems {
  readonly found: Diagnostic[];
  /** Takes over what another stage has found. */
  add(diagnostic: Diagnostic): void;
  error(code: string, message: string, file: string, span: Span, detail?: Detail): void;
}

export function gatherProblems(): Problems {
  const found: Diagnostic[] = [];
  const seen = new Set<string>();
  const add = (diagnostic: Diagnostic): void => {
    // The same clause may be read twice (once for the training step, once for an evaluation).
    const { code, span, message } = diagnostic;
    const key = `${code} ${span.file} ${span.start} ${message}`;
    if (!seen.has(key)) found.push(diagnostic);
    seen.add(key);
  };
  return {
    found,
    add,
    error(code, message, file, span, detail = {}) {
      add({
        severity: "error",
        code,
        message,
        span: { file, start: span.start, end: span.end },
        ...detail,
      });
    },
  };
}
