// `vit list [FILE...]`: what can be named in files; without a file, in those of this folder and those that come with
// Vitrail. `--std` lists the standard library, `--data` the data sets and sample operations.
import { readdirSync } from "node:fs";
import { relative } from "node:path";
import type { FileScope, NamedDeclaration } from "../compiler/model/library.ts";
import type { CatalogSetting } from "../compiler/model/catalog.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { packageRoot, specFiles } from "../runtime/host/node-specs.ts";
import { nameableOf, openFile, variantNames } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface ListOptions {
  readonly json?: boolean;
  readonly std?: boolean;
  readonly data?: boolean;
}

interface Listed {
  readonly kind: string;
  /** `specs/vit.vit:ViT`, ready to be pasted. */
  readonly target: string;
  readonly variants: readonly string[];
  readonly about: string;
}

export function list(names: readonly string[], options: ListOptions): number {
  if (options.data) return listData(options.json ?? false);
  if (options.std) return listStandard(options.json ?? false);
  const files = specFiles();
  let isFine = true;
  const entries = (
    names.length > 0 ? names.map((name) => parseTarget(name).file) : knownFiles()
  ).flatMap((name) => {
    const { library, file, diagnostics } = openFile(files, name);
    if (diagnostics.length > 0) remarkDiagnostics(diagnostics, library.sources);
    isFine &&= diagnostics.every(({ severity }) => severity !== "error");
    return entriesOf(file);
  });
  if (options.json) sayJson(entries);
  else if (entries.length > 0) say(rows(entries).join("\n"));
  return isFine ? exit.fine : exit.wrongInput;
}

function knownFiles(): string[] {
  const root = packageRoot();
  const vitFiles = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".vit"));
  const shown = (path: string) => relative(process.cwd(), path).replaceAll("\\", "/");
  return [
    ...vitFiles("."),
    ...vitFiles(`${root}/specs`).map((name) => shown(`${root}/specs/${name}`)),
    ...vitFiles(`${root}/examples`).map((name) => shown(`${root}/examples/${name}`)),
  ];
}

function entriesOf(file: FileScope): Listed[] {
  const sweeps = [...file.declarations.values()].filter(({ kind }) => kind === "sweep");
  return [...nameableOf(file), ...sweeps].map((declaration) => {
    const name = nameOf(declaration);
    return {
      kind: declaration.kind,
      target: `${file.name}:${name}`,
      variants: variantNames(file, declaration),
      about: aboutOf(declaration, file),
    };
  });
}

function nameOf(declaration: NamedDeclaration): string {
  return declaration.kind === "let" ? "" : declaration.name.text;
}

/** The first sentence of its documentation, else of the file's. */
function aboutOf(declaration: NamedDeclaration, file: FileScope): string {
  const own = "documentation" in declaration ? declaration.documentation : undefined;
  const text = own ?? (declaration.kind === "block" ? undefined : file.syntax.documentation) ?? "";
  return text.split("\n")[0]!.trim();
}

function rows(entries: readonly Listed[]): string[] {
  const paint = colors();
  return table(
    entries.map(({ kind, target, variants, about }) => {
      const [, file, name] = /^(.*:)([^:]*)$/.exec(target) ?? ["", "", target];
      return [
        paint.dim(kind),
        `${paint.dim(file ?? "")}${paint.bold(name ?? "")}`,
        variants.join(" "),
        paint.dim(about),
      ];
    }),
  );
}

function listStandard(isJson: boolean): number {
  const { library } = openFile(specFiles(), "specs/std/linear.vit");
  const entries = [...library.standard].map(([name, { declaration, file }]) => ({
    kind: declaration.kind,
    name,
    settings: settingsOf(declaration),
    file: file.name,
    about: aboutOf(declaration, { ...file, syntax: { ...file.syntax, documentation: undefined } }),
  }));
  const paint = colors();
  if (isJson) sayJson(entries);
  else
    say(
      table(
        entries.map(({ kind, name, settings, about }) => [
          paint.dim(kind),
          `${paint.bold(name)}(${settings.join(", ")})`,
          paint.dim(about),
        ]),
      ).join("\n"),
    );
  return exit.fine;
}

function settingsOf(declaration: NamedDeclaration): string[] {
  if (declaration.kind === "function") return declaration.fields.map(({ name }) => name.text);
  if ("settings" in declaration) return declaration.settings.map(({ name }) => name.text);
  return [];
}

function listData(isJson: boolean): number {
  const { datasets, operations } = catalog(nodeHost);
  if (isJson) {
    sayJson({ datasets, operations });
    return exit.fine;
  }
  const paint = colors();
  const row = (each: {
    readonly name: string;
    readonly settings: readonly CatalogSetting[];
    readonly about: string;
  }) => [
    `  ${paint.bold(each.name)}(${each.settings.map(({ name }) => name).join(", ")})`,
    paint.dim(each.about),
  ];
  say(paint.bold("data sets"));
  say(table(datasets.map(row)).join("\n"));
  say(`\n${paint.bold("operations on one example")}`);
  say(table(operations.map(row)).join("\n"));
  return exit.fine;
}
