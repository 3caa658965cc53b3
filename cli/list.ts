// `vit list [FILE...]`: what can be named in files, every model with its variants and what they count; without a file, in
// those of this folder and those that come with Vitrail. With `--json` the models alone, an entry a variant.
import { readdirSync } from "node:fs";
import { relative } from "node:path";
import type { NamedDeclaration } from "../compiler/model/library.ts";
import { packageRoot, specFiles, specNames } from "../runtime/host/node-specs.ts";
import { listModels } from "../runtime/spec/list-models.ts";
import type { ListedFile } from "../runtime/spec/list-models.ts";
import { isWrong, nameableOf, variantNames } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { short } from "./figures.ts";
import { firstSentence, listData, listStandard } from "./list-library.ts";
import { table } from "./table.ts";
import { colors, say, sayJson, widthOf } from "./terminal.ts";

export interface ListOptions {
  readonly json?: boolean;
  readonly std?: boolean;
  readonly data?: boolean;
}

export function list(names: readonly string[], options: ListOptions): number {
  if (options.data) return listData(options.json ?? false);
  if (options.std) return listStandard(options.json ?? false);
  const files = specFiles();
  let isFine = true;
  const models: ListedFile["models"][number][] = [];
  for (const [place, name] of filesOf(names).entries()) {
    const listed = listModels(files, name);
    isFine &&= !isWrong(listed.diagnostics);
    models.push(...listed.models);
    if (!options.json) say((place === 0 ? "" : "\n") + fileLines(listed).join("\n"));
    remarkDiagnostics(listed.diagnostics, listed.sources);
  }
  if (options.json) sayJson(models);
  return isFine ? exit.fine : exit.wrongInput;
}

function filesOf(names: readonly string[]): readonly string[] {
  if (names.length === 0) return knownFiles();
  return names.flatMap((name) => {
    const found = specNames(name);
    return found.length === 1 && found[0] === name ? [parseTarget(name).file] : found;
  });
}

function knownFiles(): string[] {
  const root = packageRoot();
  const shown = (path: string) => relative(process.cwd(), path).replaceAll("\\", "/");
  return [
    ...readdirSync(".").filter((name) => name.endsWith(".vit")),
    ...["specs", "examples"].flatMap((folder) => specNames(`${root}/${folder}`).map(shown)),
  ];
}

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly variant: string;
  /** Parameters and multiply-adds. */
  readonly figures: readonly [string, string];
  readonly about: string;
}

const noFigures = ["", ""] as const;

/** The file's name and what it is about; under it an aligned line for each thing, or for each variant of it. */
function fileLines(listed: ListedFile): string[] {
  const { file, models } = listed;
  const paint = colors();
  const sweeps = [...file.declarations.values()].filter(({ kind }) => kind === "sweep");
  const rows = [...nameableOf(file), ...sweeps].flatMap((each) => rowsOf(each, listed));
  const cells = rows.map(({ kind, name, variant, figures, about }) => {
    const isShort = variant === "" && figures === noFigures;
    const thing = [`  ${paint.dim(kind)}`, paint.bold(name)];
    return isShort ? [...thing, about] : [...thing, variant, ...figures, about];
  });
  const title = ["", "", "", ...titles.map((text) => paint.dim(text)), ""];
  const tail = { width: widthOf(), paint: paint.dim };
  const [heading] = table([[paint.bold(file.name), firstSentence(file.syntax.documentation)]], {
    tail,
  });
  return [heading!, ...table(models.length > 0 ? [title, ...cells] : cells, { align, tail })];
}

const titles = ["parameters", "multiply-adds"] as const;
const align = ["left", "left", "left", "right", "right"] as const;

function rowsOf(declaration: NamedDeclaration, { file, models, openModels }: ListedFile): Row[] {
  if (declaration.kind === "let") return [];
  const { kind } = declaration;
  const name = declaration.name.text;
  const about = firstSentence(
    "documentation" in declaration ? declaration.documentation : undefined,
  );
  const open = kind === "model" ? openModels.find((model) => model.name === name)?.open : undefined;
  const needs = open === undefined ? "" : `not counted: give ${open.join(", ")}`;
  const variants =
    kind === "model"
      ? models
          .filter((model) => model.name === name)
          .map(({ variant, parameters, macs }) => ({
            variant: variant ?? "",
            figures: [short(parameters), short(macs)] as const,
          }))
      : variantNames(file, declaration).map((variant) => ({ variant, figures: noFigures }));
  return (variants.length > 0 ? variants : [{ variant: "", figures: noFigures }]).map(
    (variant, place) => ({
      ...(place === 0 ? { kind, name, about: needs || about } : { kind: "", name: "", about: "" }),
      ...variant,
    }),
  );
}
