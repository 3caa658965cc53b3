// A recipe and its parents -> one flat list of settings and of clauses, each with the file it stands in.
// A clause is known by its word and name; a child's takes the place of its parent's whole, and `none` removes it.
import type {
  Argument,
  Clause,
  Expression,
  Field,
  RecipeDeclaration,
  Span,
} from "../../../grammar/syntax.ts";
import { pathText } from "../../../grammar/syntax.ts";
import { findName, variantsOf } from "../../model/library.ts";
import type { FileScope, Library } from "../../model/library.ts";
import { reportUnknownSetting } from "./function-scope.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { Problems } from "./problems.ts";

export interface PlacedClause {
  readonly clause: Clause;
  readonly file: FileScope;
  readonly key: string;
  /** The recipe that says so. */
  readonly recipe: string;
}

/** A setting of the recipe or of a parent. `given` stands for the default: from a variant, a child, or a sweep. */
export interface PlacedField {
  readonly field: Field;
  readonly file: FileScope;
  readonly recipe: string;
  readonly given?: {
    readonly expression: Expression;
    readonly file: FileScope;
    readonly by: string;
  };
}

export interface EffectiveRecipe {
  readonly name: string;
  readonly declaration: RecipeDeclaration;
  readonly file: FileScope;
  /** Own settings first, then those of the parent, and so on. */
  readonly fields: readonly PlacedField[];
  readonly clauses: readonly PlacedClause[];
}

/** Undefined where a parent is missing or goes in a circle (and reported). */
export function effectiveRecipe(
  library: Library,
  file: FileScope,
  declaration: RecipeDeclaration,
  variant: { readonly name: string; readonly span: Span } | undefined,
  problems: Problems,
  open: readonly RecipeDeclaration[] = [],
): EffectiveRecipe | undefined {
  const name = declaration.name.text;
  if (open.includes(declaration)) {
    const way = [...open, declaration].map((recipe) => recipe.name.text).join(" -> ");
    problems.error(
      "definition-cycle",
      `these recipes start from each other: ${way}`,
      file.name,
      declaration.name.span,
    );
    return undefined;
  }
  const own = ownFields(library, file, declaration, variant, problems);
  const clauses = ownClauses(file, declaration, problems);
  if (!own || !clauses) return undefined;
  if (!declaration.parent)
    return {
      name,
      declaration,
      file,
      fields: own,
      clauses: clauses.filter((placed) => !isRemoval(placed.clause)),
    };
  const parent = parentOf(library, file, declaration, problems, [...open, declaration]);
  if (!parent) return undefined;
  const taken = new Set(own.map((placed) => placed.field.name.text));
  return {
    name,
    declaration,
    file,
    fields: [...own, ...parent.fields.filter((placed) => !taken.has(placed.field.name.text))],
    clauses: replaceClauses(parent.clauses, clauses),
  };
}

function ownFields(
  library: Library,
  file: FileScope,
  declaration: RecipeDeclaration,
  variant: { readonly name: string; readonly span: Span } | undefined,
  problems: Problems,
): readonly PlacedField[] | undefined {
  const recipe = declaration.name.text;
  const fields = declaration.settings.map((field): PlacedField => ({ field, file, recipe }));
  if (!variant) return fields;
  const variants = variantsOf({ declaration, file });
  const row = variants?.rows.find((candidate) => candidate.name.value === variant.name);
  if (!variants || !row) {
    const names = variants?.rows.map((candidate) => candidate.name.value) ?? [];
    const message =
      names.length === 0
        ? `\`${recipe}\` has no variants`
        : `\`${recipe}\` has no variant "${variant.name}"`;
    problems.error(
      "unknown-variant",
      message,
      library.entry,
      variant.span,
      nearestHint(variant.name, names),
    );
    return undefined;
  }
  const values = new Map<string, Expression>();
  row.values.forEach((argument, place) => {
    const column =
      argument.kind === "argument"
        ? (argument.name?.text ?? variants.columns[place]?.text)
        : undefined;
    if (column !== undefined && argument.kind === "argument") values.set(column, argument.value);
  });
  return fields.map((placed) => {
    const expression = values.get(placed.field.name.text);
    return expression
      ? { ...placed, given: { expression, file, by: `"${variant.name}"` } }
      : placed;
  });
}

function parentOf(
  library: Library,
  file: FileScope,
  declaration: RecipeDeclaration,
  problems: Problems,
  open: readonly RecipeDeclaration[],
): EffectiveRecipe | undefined {
  const written = declaration.parent!;
  const callee = written.kind === "call" ? written.callee : written;
  if (callee.kind === "missing") return undefined;
  const found = callee.kind === "name" ? findName(library, file, callee.name) : undefined;
  if (callee.kind !== "name" || found?.declaration.kind !== "recipe") {
    const name = callee.kind === "name" ? callee.name : "this";
    const recipes = [...file.declarations]
      .filter(([, known]) => known.kind === "recipe")
      .map(([known]) => known);
    problems.error(
      "unknown-recipe",
      `there is no recipe \`${name}\` to start from`,
      file.name,
      callee.span,
      nearestHint(name, recipes),
    );
    return undefined;
  }
  const given = written.kind === "call" ? written.arguments : [];
  const [first, ...others] = given;
  const row =
    first?.kind === "argument" && !first.name && first.value.kind === "string"
      ? first.value
      : undefined;
  const variant = row && { name: row.value, span: row.span };
  const parent = effectiveRecipe(library, found.file, found.declaration, variant, problems, open);
  return (
    parent && withArguments(parent, variant ? others : given, file, declaration.name.text, problems)
  );
}

function withArguments(
  parent: EffectiveRecipe,
  given: readonly Argument[],
  file: FileScope,
  by: string,
  problems: Problems,
): EffectiveRecipe | undefined {
  const names = parent.fields.map((placed) => placed.field.name.text);
  const values = new Map<string, Expression>();
  for (const argument of given) {
    const name = argument.kind === "argument" ? argument.name?.text : undefined;
    if (argument.kind === "argument" && name !== undefined && names.includes(name)) {
      values.set(name, argument.value);
      continue;
    }
    const span =
      argument.kind === "argument" ? (argument.name?.span ?? argument.span) : argument.span;
    if (name !== undefined) {
      reportUnknownSetting(name, parent.name, names, { problems, file: file.name }, span);
    } else {
      const hints = ["name each setting: `from parent(length = 10 epochs)`"];
      problems.error(
        "wrong-arguments",
        `settings of \`${parent.name}\` are given by name`,
        file.name,
        span,
        { hints },
      );
    }
    return undefined;
  }
  const fields = parent.fields.map((placed) => {
    const expression = values.get(placed.field.name.text);
    return expression ? { ...placed, given: { expression, file, by } } : placed;
  });
  return { ...parent, fields };
}

function ownClauses(
  file: FileScope,
  declaration: RecipeDeclaration,
  problems: Problems,
): readonly PlacedClause[] | undefined {
  const recipe = declaration.name.text;
  const seen = new Map<string, Clause>();
  let isSound = true;
  const placed = declaration.clauses.map((clause, place): PlacedClause => {
    const key = keyOf(clause, place);
    const earlier = seen.get(key);
    if (earlier) {
      isSound = false;
      problems.error("duplicate-clause", `\`${key}\` is said twice`, file.name, headOf(clause), {
        labels: [{ span: { file: file.name, ...headOf(earlier) }, message: "first said here" }],
        hints: ["a recipe says each thing once; the second would quietly win"],
      });
    }
    seen.set(key, clause);
    return { clause, file, key, recipe };
  });
  return isSound ? placed : undefined;
}

/** The word and name by which a clause is known; those that may come several times by what they are about. */
function keyOf(clause: Clause, place: number): string {
  switch (clause.kind) {
    case "net":
    case "twin":
    case "data":
    case "view":
    case "metric":
    case "param":
    case "state":
    case "draw":
    case "next":
    case "evaluate":
      return `${clause.kind} ${clause.name.text}`;
    case "draw-setting":
      return `draw ${clause.name.text}`;
    case "loss":
      return clause.name ? `loss ${clause.name.text}` : "loss";
    case "assign":
      return clause.name.text;
    case "let":
      return `let ${clause.binding.names.map((name) => name.text).join(", ")}`;
    case "load":
    case "clamp":
      return `${clause.kind} ${pathText(clause.path)}`;
    case "freeze":
      return `freeze ${clause.paths.map(pathText).join(", ")}`;
    case "recompute":
      return "recompute";
    case "init":
      return `init ${pathText(clause.path)}`;
    case "except":
    case "require":
    case "expect":
      return `${clause.kind} ${place}`;
  }
}

/** The first line of a clause is enough to mark it. */
function headOf(clause: Clause): Span {
  switch (clause.kind) {
    case "loss":
      return (
        clause.name?.span ?? { start: clause.span.start, end: clause.span.start + "loss".length }
      );
    case "let":
      return clause.binding.span;
    case "load":
    case "clamp":
    case "init":
      return clause.path.span;
    case "freeze":
    case "recompute":
    case "except":
    case "require":
    case "expect":
      return clause.span;
    default:
      return clause.name.span;
  }
}

function replaceClauses(
  parents: readonly PlacedClause[],
  own: readonly PlacedClause[],
): readonly PlacedClause[] {
  const byKey = new Map(own.map((placed) => [placed.key, placed]));
  const isRepeatable = (placed: PlacedClause) =>
    ["except", "require", "expect"].includes(placed.clause.kind);
  const replaced = parents.map((placed) =>
    isRepeatable(placed) ? placed : (byKey.get(placed.key) ?? placed),
  );
  const known = new Set(
    parents.filter((placed) => !isRepeatable(placed)).map((placed) => placed.key),
  );
  return [
    ...replaced,
    ...own.filter((placed) => isRepeatable(placed) || !known.has(placed.key)),
  ].filter((placed) => !isRemoval(placed.clause));
}

/** `clip = none`, `loss watched = none`, `load model from none`: the clause is gone. */
function isRemoval(clause: Clause): boolean {
  const isNone = (value: Expression) => value.kind === "name" && value.name === "none";
  switch (clause.kind) {
    case "net":
    case "twin":
    case "data":
    case "view":
    case "metric":
    case "loss":
    case "assign":
    case "evaluate":
      return isNone(clause.value);
    case "load":
      return clause.from === undefined;
    case "recompute":
      return clause.what.kind === "word" && clause.what.word.text === "none";
    default:
      return false;
  }
}
