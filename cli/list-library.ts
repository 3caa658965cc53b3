// `vit list --std`, the standard library; `vit list --data`, the data sets and the operations on one example.
import type { CatalogSetting } from "../compiler/model/catalog.ts";
import type { NamedDeclaration } from "../compiler/model/library.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { openFile } from "../runtime/spec/open-spec.ts";
import { exit } from "./exit-codes.ts";
import { table } from "./table.ts";
import { colors, say, sayJson, widthOf } from "./terminal.ts";

export function listStandard(isJson: boolean): number {
  const { library } = openFile(specFiles(), "specs/std/linear.vit");
  const entries = [...library.standard].map(([name, { declaration, file }]) => ({
    kind: declaration.kind,
    name,
    settings: settingsOf(declaration),
    file: file.name,
    about: firstSentence("documentation" in declaration ? declaration.documentation : ""),
  }));
  const paint = colors();
  if (isJson) sayJson(entries);
  else
    say(
      table(
        entries.map(({ kind, name, settings, about }) => [
          paint.dim(kind),
          `${paint.bold(name)}(${settings.join(", ")})`,
          about,
        ]),
        { tail: { width: widthOf(), paint: paint.dim }, widest: 40 },
      ).join("\n"),
    );
  return exit.fine;
}

/** Of a documentation. */
export function firstSentence(text = ""): string {
  const line = text.trim().replace(/\s+/g, " ");
  return /^.*?\.(?= [\p{Lu}`]|$)/u.exec(line)?.[0] ?? line;
}

function settingsOf(declaration: NamedDeclaration): string[] {
  if (declaration.kind === "function") return declaration.fields.map(({ name }) => name.text);
  if ("settings" in declaration) return declaration.settings.map(({ name }) => name.text);
  return [];
}

export function listData(isJson: boolean): number {
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
    each.about,
  ];
  const tail = { width: widthOf(), paint: paint.dim };
  say(paint.bold("data sets"));
  say(table(datasets.map(row), { tail }).join("\n"));
  say(`\n${paint.bold("operations on one example")}`);
  say(table(operations.map(row), { tail }).join("\n"));
  return exit.fine;
}
