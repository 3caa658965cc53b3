// A spec that is wrong, as an exception for programs; its message is the diagnostics in full.
import type { Diagnostic, Sources } from "../../grammar/diagnostic.ts";
import { renderDiagnostics } from "../../grammar/diagnostic.ts";

export class SpecError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;

  constructor({
    diagnostics,
    sources,
  }: {
    readonly diagnostics: readonly Diagnostic[];
    readonly sources: Sources;
  }) {
    super(renderDiagnostics(diagnostics, sources));
    this.name = "SpecError";
    this.diagnostics = diagnostics;
    this.sources = sources;
  }
}
