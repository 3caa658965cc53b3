// A target and settings -> the model or recipe that it names, lowered, or what is wrong with it.
// Where the name is left out, it is the file's only recipe, else its only model, else its only block.
import { checkFile } from "../../compiler/graph/check-file.ts";
import { checkRecipes, lowerRecipe } from "../../compiler/graph/lower-recipe.ts";
import type { ShownLine } from "../../compiler/graph/lower-recipe.ts";
import { lowerModel } from "../../compiler/graph/lower-model.ts";
import type { InputShapes } from "../../compiler/graph/model-inputs.ts";
import type { LoweredModel, LoweredRecipe } from "../../compiler/graph/lowered.ts";
import type { Catalog } from "../../compiler/model/catalog.ts";
import { unknownName } from "../../compiler/model/errors.ts";
import { keyOf, variantsOf } from "../../compiler/model/library.ts";
import type { FileScope, Library, NamedDeclaration } from "../../compiler/model/library.ts";
import { loadLibrary, normalise } from "../../compiler/model/load-library.ts";
import type { Files } from "../../compiler/model/load-library.ts";
import type { Diagnostic, Sources } from "../../grammar/diagnostic.ts";
import { sortDiagnostics } from "../../grammar/diagnostic.ts";
import { WorldError } from "../errors.ts";
import { showTarget } from "./spec-target.ts";
import type { SpecTarget } from "./spec-target.ts";

export type Settings = Readonly<Record<string, string>>;

/** A file with all that it imports. */
export interface OpenedFile {
  readonly library: Library;
  readonly file: FileScope;
  readonly diagnostics: readonly Diagnostic[];
}

/** What is wrong with a spec. */
export interface WrongSpec {
  readonly kind: "wrong";
  /** Where a whole file was looked at. */
  readonly file?: FileScope;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

interface Resolved {
  readonly target: SpecTarget;
  readonly library: Library;
  readonly warnings: readonly Diagnostic[];
  readonly sources: Sources;
}

export interface ResolvedModel extends Resolved {
  readonly kind: "model";
  readonly model: LoweredModel;
}

export interface ResolvedRecipe extends Resolved {
  readonly kind: "recipe";
  readonly recipe: LoweredRecipe;
  readonly shown: readonly ShownLine[];
}

export type ResolvedSpec = ResolvedModel | ResolvedRecipe;

/** The caller named no thing of a file, and the file has several (or none): wrong usage, not a wrong file. */
export class UnclearTarget extends Error {
  readonly choices: readonly string[];

  constructor(target: SpecTarget, choices: readonly string[]) {
    super(
      choices.length === 0
        ? `${target.file} declares nothing that can be named`
        : `${target.file} has several things; say which`,
    );
    this.name = "UnclearTarget";
    this.choices = choices.map((name) => showTarget({ ...target, name }));
  }
}

/** @throws WorldError where there is no such file. */
export function openFile(files: Files, name: string): OpenedFile {
  const entry = normalise(name);
  const { library, diagnostics } = loadLibrary(files, entry);
  const file = library.files.get(entry);
  if (file === undefined) {
    throw new WorldError("missing-file", `there is no file ${name}`, "check the path");
  }
  return { library, file, diagnostics };
}

/** Everything that is wrong with a file, its recipes and sweeps included, in source order. */
export function checkSpec(files: Files, name: string, catalog: Catalog): WrongSpec | Checked {
  const { library, file, diagnostics } = openFile(files, name);
  const found = [
    ...diagnostics,
    ...checkFile(library, file.name),
    ...(library.cycles.length > 0 ? [] : checkRecipes(library, file.name, catalog)),
  ];
  const all = sortDiagnostics(onceEach(found));
  return isWrong(all)
    ? { kind: "wrong", file, diagnostics: all, sources: library.sources }
    : { kind: "checked", file, warnings: all, sources: library.sources };
}

export interface Checked {
  readonly kind: "checked";
  readonly file: FileScope;
  readonly warnings: readonly Diagnostic[];
  readonly sources: Sources;
}

export interface OpenOptions {
  readonly files: Files;
  readonly catalog: Catalog;
  readonly settings?: Settings;
  /** Of a model; of a recipe in place of its own. */
  readonly batch?: number;
  /** Of a model: its form while it trains. */
  readonly training?: boolean;
  /** Of a model's forward pass: the inputs that are given, with their shapes. */
  readonly inputs?: InputShapes;
}

/** @throws WorldError where there is no such file; UnclearTarget where a name is needed. */
export function openSpec(target: SpecTarget, options: OpenOptions): ResolvedSpec | WrongSpec {
  const located = locateSpec(target, options);
  if (located.kind === "wrong") return located;
  return located.declaration.kind === "recipe"
    ? openRecipe(located, options)
    : openModel(located, options);
}

/** A target whose thing is found, not yet lowered. */
export interface LocatedSpec {
  readonly kind: "located";
  readonly target: SpecTarget & { readonly name: string };
  readonly library: Library;
  readonly declaration: Nameable;
  /** Of the files: warnings alone. */
  readonly diagnostics: readonly Diagnostic[];
}

/** @throws WorldError where there is no such file; UnclearTarget where a name is needed. */
export function locateSpec(
  target: SpecTarget,
  { files }: Pick<OpenOptions, "files">,
): LocatedSpec | WrongSpec {
  const { library, file, diagnostics } = openFile(files, target.file);
  const { sources } = library;
  if (isWrong(diagnostics)) return { kind: "wrong", diagnostics, sources };
  const declaration = chosen(file, target);
  if (declaration === undefined)
    return { kind: "wrong", diagnostics: [unknownThing(file, target.name ?? "")], sources };
  const named = { ...target, file: file.name, name: declaration.name.text };
  return { kind: "located", target: named, library, declaration, diagnostics };
}

function openRecipe(located: LocatedSpec, options: OpenOptions): ResolvedRecipe | WrongSpec {
  const { target, library } = located;
  const request = { ...requestOf(located, options), recipe: target.name, catalog: options.catalog };
  const { recipe, shown = [], diagnostics } = lowerRecipe(library, request);
  const all = allOf(located, diagnostics);
  const { sources } = library;
  if (recipe === undefined) return { kind: "wrong", diagnostics: all, sources };
  return { kind: "recipe", target, library, recipe, shown, warnings: all, sources };
}

function openModel(located: LocatedSpec, options: OpenOptions): ResolvedModel | WrongSpec {
  const { target, library } = located;
  const { batch = 1, training = false, inputs } = options;
  const given = inputs === undefined ? {} : { inputs };
  const request = { ...requestOf(located, options), model: target.name, batch, training, ...given };
  const { model, diagnostics, sources } = lowerModel(library, request);
  const all = allOf(located, diagnostics);
  if (model === undefined) return { kind: "wrong", diagnostics: all, sources };
  return { kind: "model", target, library, model, warnings: all, sources };
}

/** What lowering is asked for, the kind of the thing apart. */
export function requestOf(
  { target }: LocatedSpec,
  { settings = {} }: Pick<OpenOptions, "settings">,
) {
  return { file: target.file, settings, ...variantOf(target) };
}

function allOf(located: LocatedSpec, more: readonly Diagnostic[]): Diagnostic[] {
  return sortDiagnostics(onceEach([...located.diagnostics, ...more]));
}

function variantOf({ variant }: SpecTarget): { readonly variant?: string } {
  return variant === undefined ? {} : { variant };
}

type Nameable = Extract<NamedDeclaration, { readonly kind: "block" | "model" | "recipe" }>;

function isNameable(declaration: NamedDeclaration | undefined): declaration is Nameable {
  return declaration !== undefined && ["block", "model", "recipe"].includes(declaration.kind);
}

/** The things of a file that a target can name, in its order. */
export function nameableOf(file: FileScope): readonly Nameable[] {
  return [...file.declarations.values()].filter(isNameable);
}

/** Names of the rows of a model or recipe. */
export function variantNames(file: FileScope, declaration: NamedDeclaration): readonly string[] {
  return variantsOf({ declaration, file })?.rows.map((row) => row.name.value) ?? [];
}

function chosen(file: FileScope, target: SpecTarget): Nameable | undefined {
  const all = nameableOf(file);
  if (target.name !== undefined) return all.find(({ name }) => name.text === target.name);
  for (const kind of ["recipe", "model", "block"] as const) {
    const found = all.filter((declaration) => declaration.kind === kind);
    if (found.length === 1) return found[0];
    if (found.length > 1) throw new UnclearTarget(target, namesOf(choicesOf(all)));
  }
  throw new UnclearTarget(target, []);
}

/** Blocks are asked for by name: they are offered where there is nothing else. */
function choicesOf(all: readonly Nameable[]): readonly Nameable[] {
  const whole = all.filter(({ kind }) => kind !== "block");
  return whole.length > 0 ? whole : all;
}

function unknownThing(file: FileScope, name: string): Diagnostic {
  return unknownName(name, namesOf(nameableOf(file)), { file: file.name, start: 0, end: 0 });
}

function namesOf(declarations: readonly Nameable[]): string[] {
  return declarations.map(({ name }) => name.text);
}

export function isWrong(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

function onceEach(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const known = new Set<string>();
  return diagnostics.filter((diagnostic) => {
    const key = `${keyOf(diagnostic)} ${diagnostic.message}`;
    return !known.has(key) && known.add(key);
  });
}
