// All files that an entry file needs, parsed, with their names: what each file declares, imports and lends.
// Looked up in this order: the file's own declarations, its imports, the standard library.
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import type {
  BlockDeclaration,
  ConstantDeclaration,
  FunctionDeclaration,
  OptimizerDeclaration,
  RecipeDeclaration,
  SweepDeclaration,
  SyntaxFile,
  VariantsDeclaration,
} from "../../grammar/syntax.ts";

/** A declaration that has a name of its own. */
export type NamedDeclaration =
  | BlockDeclaration
  | FunctionDeclaration
  | OptimizerDeclaration
  | RecipeDeclaration
  | SweepDeclaration
  | ConstantDeclaration;

export interface FileScope {
  /** As in messages and spans: `specs/vit.vit`. */
  readonly name: string;
  /** One of the standard library's, whose names need no `use`. */
  readonly isStandard: boolean;
  readonly syntax: SyntaxFile;
  readonly declarations: ReadonlyMap<string, NamedDeclaration>;
  readonly variants: ReadonlyMap<string, VariantsDeclaration>;
  readonly imports: ReadonlyMap<string, Found>;
}

/** A declaration and the file it stands in. */
export interface Found {
  readonly declaration: NamedDeclaration;
  readonly file: FileScope;
}

export interface Library {
  /** The file that was asked for. */
  readonly entry: string;
  readonly files: ReadonlyMap<string, FileScope>;
  readonly standard: ReadonlyMap<string, Found>;
  /** Declarations that reach themselves: nothing of this library can be lowered until they are mended. */
  readonly cycles: readonly Diagnostic[];
  /** What parsing has found, by `keyOf`: nobody says it again. */
  readonly reported: ReadonlySet<string>;
  /** Text by file name, for rendering diagnostics. */
  readonly sources: ReadonlyMap<string, string>;
  /** Where `names` may stand; files beside those that are here are read when it is called first. */
  readonly nameFiles: () => NameFiles;
}

export interface NameFiles {
  readonly files: readonly FileScope[];
  /** Of the files that are not in the library. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

/** Two diagnostics with one key say the same. */
export function keyOf({ code, span }: Diagnostic): string {
  return `${code} ${span.file} ${span.start}`;
}

/** What a name means at the top of a file; undefined where nothing has it. */
export function findName(
  library: Pick<Library, "standard">,
  file: FileScope,
  name: string,
): Found | undefined {
  const own = file.declarations.get(name);
  if (own !== undefined) return { declaration: own, file };
  return file.imports.get(name) ?? library.standard.get(name);
}

/** Every name that `findName` finds, nearest first. */
export function namesInReach(library: Library, file: FileScope): string[] {
  return [...file.declarations.keys(), ...file.imports.keys(), ...library.standard.keys()];
}

/** The rows of a model or recipe: declared in its own file. */
export function variantsOf(found: Found): VariantsDeclaration | undefined {
  const { declaration, file } = found;
  return declaration.kind === "let" ? undefined : file.variants.get(declaration.name.text);
}
