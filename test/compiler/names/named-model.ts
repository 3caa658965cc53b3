// A model as text, with names of others for its blocks -> its table of names, or what is wrong with them.
import { readFileSync, readdirSync } from "node:fs";
import { lowerModel } from "../../../compiler/graph/lower-model.ts";
import { loadLibrary } from "../../../compiler/model/load-library.ts";
import type { NameTable } from "../../../compiler/names/name-table.ts";
import { resolveNames } from "../../../compiler/names/resolve-names.ts";

const folder = "specs/std/";
const shipped = new Map(
  readdirSync(folder).map((name) => [folder + name, readFileSync(folder + name, "utf8")]),
);

/** The table of `format` for the model `Model` of the text. */
export function names(text: string, format: string, root?: string): NameTable {
  const { table, diagnostics } = resolve(text, format, root);
  if (table === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return table;
}

/** What is said of the names, each with the text that it marks. */
export function complaints(text: string, format: string): string[] {
  return resolve(text, format).diagnostics.map(
    ({ message, span }) => `${message} | ${text.slice(span.start, span.end)}`,
  );
}

function resolve(text: string, format: string, root?: string) {
  const files = { read: (name: string) => (name === "test.vit" ? text : undefined), shipped };
  const { library, diagnostics } = loadLibrary(files, "test.vit");
  const lowered = lowerModel(library, { file: "test.vit", model: "Model" });
  const { model } = lowered;
  if (model === undefined)
    throw new Error(
      [...diagnostics, ...lowered.diagnostics].map((each) => each.message).join("; "),
    );
  const { parameters, states } = model.graph;
  const subject = { parameters, states, modules: model.modules };
  return resolveNames(library, subject, root === undefined ? { format } : { format, root });
}

/** `theirs [shape] = ours`, a tensor of theirs a line. */
export function told({ theirs }: NameTable): string[] {
  return theirs.map(
    ({ name, shape, from }) =>
      `${name} [${shape.join(", ")}] = ${from.map(({ link }) => link.path).join(" + ") || "nothing"}`,
  );
}
