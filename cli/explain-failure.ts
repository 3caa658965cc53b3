// What went wrong -> what is said about it, on standard error, and the exit code.
import type { Diagnostic, Sources } from "../grammar/diagnostic.ts";
import { renderDiagnostics } from "../grammar/diagnostic.ts";
import { isWorldError } from "../runtime/errors.ts";
import type { WorldCode } from "../runtime/errors.ts";
import { LimitTrouble } from "../runtime/spec/compile-spec.ts";
import { UnclearTarget } from "../runtime/spec/open-spec.ts";
import { SpecError } from "../runtime/spec/spec-error.ts";
import { exit, UsageError } from "./exit-codes.ts";
import { plural } from "./figures.ts";
import { colors, remark, usesColor } from "./terminal.ts";

/** Prints diagnostics, and how many there are. */
export function remarkDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources): void {
  if (diagnostics.length === 0) return;
  remark(renderDiagnostics(diagnostics, sources, { color: usesColor(process.stderr) }));
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = diagnostics.length - errors;
  const counts = [
    ...(errors > 0 ? [plural(errors, "error")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ];
  if (diagnostics.length > 1) remark(`\n${counts.join(", ")}`);
}

/** What a person handed in is wrong, not the world. */
const wrongInputs: ReadonlySet<WorldCode> = new Set([
  "broken-file",
  "broken-image",
  "unlike-checkpoint",
  "unlike-input",
]);

/** Says what went wrong; returns the exit code. Our own mistakes keep their stack. */
export function explainFailure(error: unknown): number {
  const paint = colors(process.stderr);
  if (error instanceof UsageError || error instanceof UnclearTarget) {
    remark(`${paint.red("vit:")} ${error.message}`);
    const hints = error instanceof UsageError ? error.hints : error.choices;
    for (const hint of hints) remark(`   ${hint}`);
    return exit.wrongUsage;
  }
  if (error instanceof SpecError) {
    remarkDiagnostics(error.diagnostics, error.sources);
    return exit.wrongInput;
  }
  if (error instanceof LimitTrouble) {
    remarkDiagnostics([error.diagnostic], error.sources);
    return exit.worldFailed;
  }
  if (isWorldError(error)) {
    remark(`${paint.red(`error[${error.code}]`)}: ${paint.bold(error.message)}`);
    remark(`   ${paint.green("hint:")} ${error.hint}`);
    return wrongInputs.has(error.code) ? exit.wrongInput : exit.worldFailed;
  }
  remark(
    `${paint.red("vit has a bug:")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  remark("   please report it with the command and the .vit file that show it");
  return exit.worldFailed;
}
