// What the names of a recipe mean where settings are evaluated: its settings, `let`s that hold settings, data, fields,
// views, and the declarations of its files. Clauses are evaluated when first asked for, so their order does not matter.
import type { Expression, FunctionDeclaration, Span, Type } from "../../../grammar/syntax.ts";
import type { Catalog, DatasetFacts } from "../../model/catalog.ts";
import type { FileScope, Found, Library } from "../../model/library.ts";
import { findName, namesInReach } from "../../model/library.ts";
import { isCourseType } from "../lower/run-steps.ts";
import type { Clock } from "./clock.ts";
import { Courses } from "./courses.ts";
import { resolveDataset } from "./datasets.ts";
import type { EffectiveRecipe, PlacedClause, PlacedField } from "./effective-recipe.ts";
import { freeNames, walk } from "./free-names.ts";
import { namesGivenBy } from "./names-once.ts";
import type { Problems } from "./problems.ts";
import { unknownValue } from "./recipe-value.ts";
import type { FunctionValue, RecipeValue } from "./recipe-value.ts";
import { settingFunctions } from "./setting-calls.ts";
import { fitType } from "./setting-types.ts";
import { withBinding } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";
import type { SettingScope } from "./setting-scope.ts";
import { resolveView } from "./views.ts";
import type { TypedView } from "./view-start.ts";

/** Clauses of the form `name = value` that a recipe knows. */
export const fieldNames = [
  "batch",
  "length",
  "lr",
  "optimizer",
  "clip",
  "seed",
  "accumulate",
  "precision",
] as const;
export type FieldName = (typeof fieldNames)[number];

export class RecipeContext {
  readonly library: Library;
  readonly catalog: Catalog;
  readonly problems: Problems;
  readonly effective: EffectiveRecipe;
  /** Set once batch and data are known. */
  clock: Clock | undefined;
  /** Numbers that change with the step and that some graph reads. */
  readonly courses: Courses;
  /** False once dataflow has had a mistake: then paths may be missing because of it, and nobody complains of them. */
  hasAllPaths = true;
  private readonly byName = new Map<string, PlacedClause>();
  private readonly settings = new Map<string, RecipeValue>();
  private readonly values = new Map<string, RecipeValue>();
  private readonly views = new Map<string, TypedView | "unknown">();
  private readonly open = new Set<string>();

  /** In place of what the recipe says. */
  readonly batch: number | undefined;

  constructor(
    library: Library,
    catalog: Catalog,
    problems: Problems,
    effective: EffectiveRecipe,
    batch?: number,
  ) {
    this.batch = batch;
    this.library = library;
    this.catalog = catalog;
    this.problems = problems;
    this.effective = effective;
    for (const placed of effective.clauses)
      for (const name of namesGivenBy(placed)) this.byName.set(name.text, placed);
    this.courses = new Courses((name) => this.clauseOf(name)?.clause.kind === "view");
  }

  // ---- names ----

  /** The clause that gives a name its meaning in dataflow and settings: `let`, `data`, `view`, `net`, … */
  clauseOf(name: string): PlacedClause | undefined {
    return this.byName.get(name);
  }

  clauseNames(): readonly string[] {
    return [...this.byName.keys()];
  }

  field(
    name: FieldName,
  ):
    | (PlacedClause & { readonly clause: { readonly kind: "assign"; readonly value: Expression } })
    | undefined {
    const found = this.effective.clauses.find(
      (placed) => placed.clause.kind === "assign" && placed.clause.name.text === name,
    );
    return found as ReturnType<RecipeContext["field"]>;
  }

  /** A scope for expressions of one file. `around` names more values, such as `lr` inside of `except`. */
  scope(
    file: FileScope,
    around: ReadonlyMap<string, RecipeValue> = new Map(),
    isCourse = false,
  ): SettingScope {
    return {
      file: file.name,
      problems: this.problems,
      lookup: (name) => around.get(name) ?? this.lookup(name, file),
      names: () => [
        ...around.keys(),
        ...this.settingNames(),
        ...this.clauseNames(),
        ...namesInReach(this.library, file),
      ],
      isCourse,
      clock: this.clock,
      applying: [],
      evaluate: evaluateSetting,
    };
  }

  /** A scope with the declarations of a file alone: what a body of the language sees around it. */
  declarationScope(file: FileScope): SettingScope {
    return { ...this.scope(file), lookup: (name) => this.declared(name, file) };
  }

  settingNames(): readonly string[] {
    return this.effective.fields.map((placed) => placed.field.name.text);
  }

  private lookup(name: string, file: FileScope): RecipeValue | undefined {
    return (
      this.setting(name) ??
      this.settingOfClause(name) ??
      this.declared(name, file) ??
      this.source(name)
    );
  }

  private source(name: string): RecipeValue | undefined {
    return this.catalog.datasets.some((known) => known.name === name)
      ? { kind: "source", name }
      : undefined;
  }

  /** A setting of the recipe, by the variant, the child, or its default. */
  setting(name: string): RecipeValue | undefined {
    const known = this.settings.get(name);
    if (known) return known;
    const placed = this.effective.fields.find((candidate) => candidate.field.name.text === name);
    if (!placed) return undefined;
    if (this.open.has(`setting ${name}`)) return unknownValue;
    this.open.add(`setting ${name}`);
    const value = this.evaluateField(placed);
    this.open.delete(`setting ${name}`);
    this.settings.set(name, value);
    return value;
  }

  private evaluateField({ field, file, recipe, given }: PlacedField): RecipeValue {
    const name = field.name.text;
    const expression = given?.expression ?? field.default;
    const from = given?.file ?? file;
    if (!expression) {
      this.problems.error(
        "missing-setting",
        `\`${recipe}\` needs \`${name}\``,
        file.name,
        field.name.span,
        {
          hints: [`give it a default, a variant, or \`--set ${name}=…\``],
        },
      );
      return unknownValue;
    }
    const scope = this.scope(from);
    if (field.type && isDataflowType(field.type)) return { kind: "text", expression, file: from };
    const value = evaluateSetting(expression, scope, field.type);
    return fitType(field.type, value, { name, of: recipe }, scope, expression.span);
  }

  /** The value of a clause that holds settings: a `let` on settings, data, the batch. Undefined for dataflow. */
  private settingOfClause(name: string): RecipeValue | undefined {
    const known = this.values.get(name);
    if (known) return known;
    const placed =
      this.clauseOf(name) ?? (name === "batch" || name === "seed" ? this.field(name) : undefined);
    if (!placed || this.open.has(name)) return undefined;
    const { clause, file } = placed;
    this.open.add(name);
    try {
      if (clause.kind === "data") {
        this.values.set(name, resolveDataset(name, clause.value, this.catalog, this.scope(file)));
      } else if (clause.kind === "assign") {
        this.values.set(name, evaluateSetting(clause.value, this.scope(file)));
      } else if (clause.kind === "let" && this.isOnSettings(clause.value, file)) {
        const names = clause.binding.names.map((part) => part.text);
        const scope = this.scope(file, new Map(), true);
        const value = evaluateSetting(clause.value, scope);
        const bound = withBinding(scope, clause.binding, value);
        for (const part of names) this.values.set(part, bound.lookup(part) ?? unknownValue);
      }
    } finally {
      this.open.delete(name);
    }
    return this.values.get(name);
  }

  /** True for a `let` that can be known before anything is computed on tensors. */
  isSettingLet(name: string): boolean {
    const placed = this.clauseOf(name);
    return placed?.clause.kind === "let" && this.isOnSettings(placed.clause.value, placed.file);
  }

  private isOnSettings(expression: Expression, file: FileScope): boolean {
    let isPlain = true;
    walk(expression, (node) => {
      isPlain &&= this.isSettingNode(node as Expression, file);
    });
    return isPlain && freeNames(expression).every((name) => this.isSettingName(name, file));
  }

  /** Pipes, braces, shapes, fields of data and calls of anything but setting functions are dataflow. */
  private isSettingNode(node: Expression, file: FileScope): boolean {
    switch (node.kind) {
      case "pipe":
      case "braces":
      case "braced":
      case "shape":
        return false;
      case "member":
        return (
          node.target.kind !== "name" || this.clauseOf(node.target.name)?.clause.kind !== "data"
        );
      case "index":
        return node.indices.every((index) => index.kind === "index-position");
      case "call": {
        if (node.callee.kind !== "name") return false;
        const declared = this.declared(node.callee.name, file);
        return declared?.kind === "function"
          ? isCourseType(declared.declaration.result)
          : settingFunctions.includes(node.callee.name);
      }
      default:
        return true;
    }
  }

  private isSettingName(name: string, file: FileScope): boolean {
    if (this.setting(name)) return this.setting(name)!.kind !== "text";
    const placed = this.clauseOf(name);
    if (placed) return placed.clause.kind === "data" || this.isSettingLet(name);
    const declared = this.declared(name, file);
    if (declared?.kind === "function") return isCourseType(declared.declaration.result);
    return settingFunctions.includes(name) || constants.includes(name) || this.isWord(name, file);
  }

  /** A bare word that nothing else claims may be one of a closed set. */
  private isWord(name: string, file: FileScope): boolean {
    return (
      findName(this.library, file, name) === undefined &&
      /^[a-z0-9_]+$/.test(name) &&
      !isTensorFunction(name)
    );
  }

  private declared(name: string, file: FileScope): RecipeValue | undefined {
    const found = findName(this.library, file, name);
    return found && this.valueOf(found, name);
  }

  private valueOf({ declaration, file }: Found, name: string): RecipeValue | undefined {
    if (declaration.kind === "function") return this.functionOf(declaration, file);
    if (declaration.kind !== "let") return undefined;
    const key = `${file.name} ${name}`;
    if (this.open.has(key)) return unknownValue;
    this.open.add(key);
    const scope = this.declarationScope(file);
    const value = evaluateSetting(declaration.value, scope);
    this.open.delete(key);
    return withBinding(scope, declaration.binding, value).lookup(name);
  }

  functionOf(declaration: FunctionDeclaration, file: FileScope): FunctionValue {
    const globals = (wanted: string) => this.declared(wanted, file);
    return { kind: "function", declaration, file: file.name, globals };
  }

  // ---- data and views ----

  /** The view of that name, resolved once; "unknown" where it is wrong (and reported). */
  view(name: string): TypedView | "unknown" | undefined {
    const known = this.views.get(name);
    if (known) return known;
    const placed = this.clauseOf(name);
    if (placed?.clause.kind !== "view") return undefined;
    const { clause, file } = placed;
    this.views.set(name, "unknown");
    this.views.set(name, this.resolve(name, clause.value, file) ?? "unknown");
    return this.views.get(name);
  }

  /** A field read as it is: a view without operations, named `train.label`. */
  fieldView(data: string, field: string, span: Span, file: FileScope): TypedView | undefined {
    const target: Expression = { kind: "name", name: data, span };
    return this.resolve(
      `${data}.${field}`,
      { kind: "member", target, member: { text: field, span }, span },
      file,
    );
  }

  private resolve(name: string, expression: Expression, file: FileScope): TypedView | undefined {
    const viewNames = () =>
      this.clauseNames().filter((known) => this.clauseOf(known)?.clause.kind === "view");
    const sources = {
      catalog: this.catalog,
      view: (wanted: string) => this.view(wanted),
      viewNames,
    };
    return resolveView(name, expression, sources, this.scope(file));
  }

  /** What is known of the data that a `data` clause names. */
  facts(name: string): DatasetFacts | undefined {
    const value =
      this.clauseOf(name)?.clause.kind === "data" ? this.settingOfClause(name) : undefined;
    return value?.kind === "dataset" ? value.facts : undefined;
  }

  dataValue(name: string): RecipeValue | undefined {
    return this.clauseOf(name)?.clause.kind === "data" ? this.settingOfClause(name) : undefined;
  }
}

const constants = ["true", "false", "none", "pi"];

/** Names that only mean something on tensors, so that a `let` with them is dataflow. */
function isTensorFunction(name: string): boolean {
  return name === "training" || name === "diagonal";
}

function isDataflowType(type: Type): boolean {
  if (type.kind === "type-optional") return isDataflowType(type.of);
  return type.kind === "type-name" && ["block", "function", "axis"].includes(type.name);
}
