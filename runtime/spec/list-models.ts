// A file -> its models with every variant and what each counts: parameters, and multiply-adds for one example at the
// default size of its inputs. A graph holds shapes, so nothing of a model's size is allocated.
import { whatIsOpen } from "../../compiler/graph/check-file.ts";
import { lowerModel, type ModelResult } from "../../compiler/graph/lower-model.ts";
import type { FileScope, Library } from "../../compiler/model/library.ts";
import type { Files } from "../../compiler/model/load-library.ts";
import type { Diagnostic, Sources } from "../../grammar/diagnostic.ts";
import { isWrong, nameableOf, openFile, variantNames } from "./open-spec.ts";

/** As `vit list --json` prints it. */
export interface ListedModel {
  readonly file: string;
  readonly name: string;
  /** Null for a model that has no variants. */
  readonly variant: string | null;
  readonly parameters: number;
  readonly macs: number;
}

/** A model without variants that cannot be counted: these of its settings or axes have no value. */
export interface OpenModel {
  readonly name: string;
  readonly open: readonly string[];
}

export interface ListedFile {
  readonly file: FileScope;
  readonly models: readonly ListedModel[];
  readonly openModels: readonly OpenModel[];
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/** In the order of the file. What is wrong is left out and said in `diagnostics`. @throws WorldError where there is no such file */
export function listModels(files: Files, name: string): ListedFile {
  const { library, file, diagnostics } = openFile(files, name);
  const found = [...diagnostics];
  const models: ListedModel[] = [];
  const openModels: OpenModel[] = [];
  for (const declaration of isWrong(diagnostics) ? [] : nameableOf(file)) {
    if (declaration.kind !== "model") continue;
    const { text: model } = declaration.name;
    const variants = variantNames(file, declaration);
    const open = variants.length > 0 ? [] : whatIsOpen(declaration);
    if (open.length > 0) {
      openModels.push({ name: model, open });
      continue;
    }
    for (const variant of variants.length > 0 ? variants : [null]) {
      const counted = count(library, { file: file.name, name: model, variant });
      if ("parameters" in counted) models.push(counted);
      else found.push(...counted.diagnostics);
    }
  }
  return { file, models, openModels, diagnostics: found, sources: library.sources };
}

type Named = Pick<ListedModel, "file" | "name" | "variant">;

function count(library: Library, named: Named): ListedModel | Pick<ModelResult, "diagnostics"> {
  const { file, name, variant } = named;
  const request = { file, model: name, ...(variant === null ? {} : { variant }) };
  const { model, diagnostics } = lowerModel(library, request);
  const top = model?.modules.find(({ path }) => path === "");
  if (top === undefined) return { diagnostics };
  return { ...named, parameters: top.parameters, macs: top.macs };
}
