// `vit check FILE...`: everything that is wrong with each file, at once.
import { positionAt } from "../grammar/diagnostic.ts";
import type { Diagnostic, Sources } from "../grammar/diagnostic.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { checkSpec, nameableOf } from "../runtime/spec/open-spec.ts";
import type { Checked } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { plural } from "./figures.ts";
import { colors, say, sayJson } from "./terminal.ts";

export function check(targets: readonly string[], options: { readonly json?: boolean }): number {
  const files = specFiles();
  const known = catalog(nodeHost);
  const results = targets.map((target) => checkSpec(files, parseTarget(target).file, known));
  const isFine = results.every(({ kind }) => kind === "checked");
  if (options.json) {
    sayJson(
      results.flatMap((result) => {
        const found = result.kind === "wrong" ? result.diagnostics : result.warnings;
        return found.map((diagnostic) => asJson(diagnostic, result.sources));
      }),
    );
  } else {
    for (const result of results) {
      if (result.kind === "checked") say(praise(result));
      remarkDiagnostics(
        result.kind === "wrong" ? result.diagnostics : result.warnings,
        result.sources,
      );
    }
  }
  return isFine ? exit.fine : exit.wrongInput;
}

/** `specs/vit.vit is fine: 1 model, 2 blocks, 5 variants, 3 expectations`. */
function praise({ file }: Checked): string {
  const named = nameableOf(file);
  const variants = [...file.variants.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  const expectations = file.syntax.declarations.filter(({ kind }) => kind === "expect").length;
  const parts = [
    ...(["recipe", "model", "block"] as const).map(
      (kind) => [named.filter((each) => each.kind === kind).length, kind] as const,
    ),
    [variants, "variant"] as const,
    [expectations, "expectation"] as const,
  ].flatMap(([number, noun]) => (number === 0 ? [] : [plural(number, noun)]));
  const paint = colors();
  return `${file.name} ${paint.green("is fine")}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}

/** A diagnostic with lines and columns, for editors. */
function asJson(
  { severity, code, message, span, note, because, hints }: Diagnostic,
  sources: Sources,
) {
  const text = sources.get(span.file) ?? "";
  return {
    severity,
    code,
    message,
    file: span.file,
    start: { offset: span.start, ...positionAt(text, span.start) },
    end: { offset: span.end, ...positionAt(text, span.end) },
    ...(note === undefined ? {} : { note }),
    ...(because === undefined ? {} : { because }),
    ...(hints === undefined ? {} : { hints }),
  };
}
