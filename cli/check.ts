// `vit check FILE...`: everything that is wrong with each file, at once; of a folder or several files a line each, and
// how many expectations were counted anew, in what time.
import { positionAt } from "../grammar/diagnostic.ts";
import type { Diagnostic, Sources } from "../grammar/diagnostic.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles, specNames } from "../runtime/host/node-specs.ts";
import { checkSpec, nameableOf } from "../runtime/spec/open-spec.ts";
import type { Checked, WrongSpec } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { count, duration, plural } from "./figures.ts";
import { colors, say, sayJson } from "./terminal.ts";

export function check(targets: readonly string[], options: { readonly json?: boolean }): number {
  const named = targets.flatMap((target) => {
    const names = specNames(target);
    const isFile = names.length === 1 && names[0] === target;
    return (isFile ? [parseTarget(target).file] : names).map((name) => ({ name, isFile }));
  });
  const files = specFiles();
  const known = catalog(nodeHost);
  const results: CheckedFile[] = [];
  const width = Math.max(0, ...named.map(({ name }) => name.length));
  for (const { name } of named) {
    const start = nodeHost.now();
    const result = checkSpec(files, name, known);
    const seconds = (nodeHost.now() - start) / 1000;
    const checked = { name, result, seconds };
    results.push(checked);
    if (options.json) continue;
    if (named.length > 1) say(line(checked, width));
    else if (result.kind === "checked") say(praise(result));
    remarkDiagnostics(diagnosticsOf(result), result.sources);
  }
  if (options.json) {
    const isFolder = named.some(({ isFile }) => !isFile);
    sayJson(
      isFolder
        ? results.map(entryOf)
        : results.flatMap(({ result }) =>
            diagnosticsOf(result).map((diagnostic) => asJson(diagnostic, result.sources)),
          ),
    );
  } else if (named.length > 1) say(total(results));
  return results.every(({ result }) => result.kind === "checked") ? exit.fine : exit.wrongInput;
}

interface CheckedFile {
  readonly name: string;
  readonly result: Checked | WrongSpec;
  readonly seconds: number;
}

function diagnosticsOf(result: Checked | WrongSpec): readonly Diagnostic[] {
  return result.kind === "wrong" ? result.diagnostics : result.warnings;
}

/** Lines with `expect`, each of which was counted anew. */
function expectationsOf({ file }: Checked | WrongSpec): number {
  return file?.syntax.declarations.filter(({ kind }) => kind === "expect").length ?? 0;
}

/** One of several files: `specs/vit.vit  fine  18 expectations  0.6 s`. */
function line({ name, result, seconds }: CheckedFile, width: number): string {
  const paint = colors();
  const errors = diagnosticsOf(result).filter(({ severity }) => severity === "error").length;
  const expectations = plural(expectationsOf(result), "expectation");
  return [
    name.padEnd(width),
    result.kind === "checked" ? paint.green("fine ") : paint.red("wrong"),
    expectations.padStart(16),
    duration(seconds).padStart(7),
    ...(errors > 0 ? [paint.red(plural(errors, "error"))] : []),
  ].join("  ");
}

function total(results: readonly CheckedFile[]): string {
  const paint = colors();
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const wrong = results.filter(({ result }) => result.kind === "wrong").length;
  const expectations = sum(results.map(({ result }) => expectationsOf(result)));
  const time = duration(sum(results.map(({ seconds }) => seconds)));
  const verdict = wrong === 0 ? paint.green("all fine") : paint.red(`${count(wrong)} wrong`);
  return `${plural(results.length, "file")}, ${plural(expectations, "expectation")}: ${verdict}, in ${time}`;
}

/** A file of a folder, for tools. */
function entryOf({ name, result, seconds }: CheckedFile) {
  return {
    file: name,
    fine: result.kind === "checked",
    expectations: expectationsOf(result),
    seconds: Math.round(seconds * 1000) / 1000,
    diagnostics: diagnosticsOf(result).map((diagnostic) => asJson(diagnostic, result.sources)),
  };
}

/** `specs/vit.vit is fine: 1 model, 2 blocks, 5 variants, 3 expectations`. */
function praise(result: Checked): string {
  const { file } = result;
  const named = nameableOf(file);
  const variants = [...file.variants.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  const parts = [
    ...(["recipe", "model", "block"] as const).map(
      (kind) => [named.filter((each) => each.kind === kind).length, kind] as const,
    ),
    [variants, "variant"] as const,
    [expectationsOf(result), "expectation"] as const,
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
