// `vit fmt FILE...`: writes each file in its canonical form. `-` reads standard input and writes standard output.
import { readFileSync } from "node:fs";
import { format } from "../grammar/format.ts";
import { parse } from "../grammar/parse.ts";
import { nodeFiles, writeFileAtomically } from "../runtime/host/node.ts";
import { exit } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { plural } from "./figures.ts";
import { colors, remark, say } from "./terminal.ts";

export function fmt(names: readonly string[], options: { readonly check?: boolean }): number {
  const outcomes = names.map((name) => formatOne(name, options.check ?? false));
  const changed = outcomes.filter((outcome) => outcome === "changed").length;
  if (outcomes.includes("wrong")) return exit.wrongInput;
  if (!options.check || changed === 0) return exit.fine;
  remark(
    `${plural(changed, "file")} would change; vit fmt writes ${changed === 1 ? "it" : "them"}`,
  );
  return exit.wrongInput;
}

function formatOne(name: string, isCheck: boolean): "wrong" | "changed" | "same" {
  const text =
    name === "-" ? readFileSync(0, "utf8") : new TextDecoder().decode(nodeFiles.read(name));
  const { file, diagnostics } = parse(text, name);
  if (diagnostics.some(({ severity }) => severity === "error")) {
    remarkDiagnostics(diagnostics, new Map([[name, text]]));
    return "wrong";
  }
  const formatted = format(file);
  if (name === "-" && !isCheck) process.stdout.write(formatted);
  if (formatted === text) return "same";
  if (name !== "-") say(`${name} ${colors().yellow(isCheck ? "would change" : "formatted")}`);
  if (!isCheck && name !== "-") writeFileAtomically(nodeFiles, name, formatted);
  return "changed";
}
