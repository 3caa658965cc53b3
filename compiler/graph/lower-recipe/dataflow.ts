// One graph of a recipe (the training step, an evaluation, a prediction): its evaluator, its names, and which views it
// reads. Names are defined when something asks for them, so what nothing reads is not computed.
import type { Diagnostic, FileSpan } from "../../../grammar/diagnostic.ts";
import type { Expression, Span, Statement, Type } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { findName } from "../../model/library.ts";
import { nearestName } from "../../model/nearest-name.ts";
import { Builder } from "../builder.ts";
import type { Node } from "../graph.ts";
import { hostVariable, hostVariables } from "../host-expression.ts";
import { Evaluator } from "../lower/evaluator.ts";
import type { Instances } from "../lower/instances.ts";
import type { Intrinsic } from "../lower/intrinsic.ts";
import { Scope } from "../lower/scope.ts";
import { poison } from "../lower/value.ts";
import type { OpaqueValue, TensorValue, Value } from "../lower/value.ts";
import type { ViewInput } from "../lowered.ts";
import { dataflowValue } from "./dataflow-value.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import { freeNames } from "./free-names.ts";
import { Gradients } from "./gradients.ts";
import { recipeFunctions } from "./recipe-functions.ts";
import type { RecipeContext } from "./recipe-context.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { recipeSteps } from "./recipe-steps.ts";
import { twinNet } from "./twins.ts";
import { knownAxes } from "./views.ts";
import { partOfView } from "./view-start.ts";
import type { TypedView } from "./view-start.ts";

export interface DataflowOptions {
  readonly training: boolean;
  readonly batch: number;
  /** What settings that are drawn at each step stand for in this graph. */
  readonly drawn?: ReadonlyMap<string, Value>;
}

export class Dataflow {
  readonly context: RecipeContext;
  readonly builder = new Builder();
  readonly evaluator: Evaluator;
  readonly root: Scope;
  readonly batch: number;
  /** Set where data or a view is wrong: what would have come of it is missing, paths of parameters among it. */
  isBroken = false;
  /** The views that have become inputs, by name, in order of first use. */
  readonly views = new Map<string, TypedView>();
  /** Gradients that metrics read. */
  readonly gradients = new Gradients();
  private readonly drawn: ReadonlyMap<string, Value>;
  private readonly scopes = new Map<string, Scope>();
  private readonly defined = new Set<string>();

  constructor(context: RecipeContext, instances: Instances, options: DataflowOptions) {
    const { training, batch } = options;
    const { library, problems, effective } = context;
    this.context = context;
    this.batch = batch;
    this.drawn = options.drawn ?? new Map();
    const intrinsics: ReadonlyMap<string, Intrinsic> = new Map([
      ...recipeFunctions,
      ["gradient", this.gradients.function],
    ]);
    this.evaluator = new Evaluator({
      library,
      builder: this.builder,
      instances,
      subject: `recipe ${effective.name}`,
      report: (diagnostic) => problems.add(withNearestClause(diagnostic, context)),
      intrinsics,
      steps: recipeSteps(context),
    });
    this.root = this.evaluator.scope(effective.file, { training });
    this.root.bindSize("batch", batch);
    this.root.roles.intern("batch");
    for (const placed of effective.clauses) {
      if (placed.clause.kind !== "init") continue;
      this.ensure(placed.clause.distribution);
      this.evaluator.statement(placed.clause, this.scopeOf(placed.file));
    }
  }

  /** The value of an expression of a clause, everything it reads defined before. */
  evaluate(expression: Expression, file: FileScope): Value {
    this.ensure(expression);
    return this.evaluator.evaluate(expression, this.scopeOf(file));
  }

  /** As a tensor; undefined (and reported) where it is none. */
  tensor(expression: Expression, file: FileScope): TensorValue | undefined {
    const value = this.evaluate(expression, file);
    return this.evaluator.tensor(value, this.root, this.at(expression.span, file));
  }

  /** A loss or a figure: the mean over every axis that is left, in f32. */
  scalar(expression: Expression, file: FileScope): Node | undefined {
    const value = this.tensor(expression, file);
    return value && this.mean(value, this.at(expression.span, file));
  }

  mean(value: TensorValue, at: FileSpan): Node | undefined {
    return this.evaluator.guarded(this.root, at, () => {
      const real = this.builder.cast(value.node, "f32");
      return real.shape.length === 0 ? real : this.builder.mean(real);
    });
  }

  at(span: Span, file: FileScope): FileSpan {
    return { file: file.name, start: span.start, end: span.end };
  }

  /** All scopes share the names of the recipe; each has its own file to look further in. */
  scopeOf(file: FileScope): Scope {
    if (file === this.root.file) return this.root;
    const known = this.scopes.get(file.name);
    if (known) return known;
    const scope = new Scope(this.root, { file, roles: this.root.roles, place: this.root.place });
    this.scopes.set(file.name, scope);
    return scope;
  }

  /** Defines every name that an expression reads, in the order of the recipe: states are renewed in that order. */
  ensure(expression: unknown): void {
    const places = new Map(this.context.clauseNames().map((name, place) => [name, place]));
    const placeOf = (name: string) => places.get(name) ?? -1;
    const names = [...freeNames(expression)].sort((a, b) => placeOf(a) - placeOf(b));
    for (const name of names) this.define(name);
  }

  private define(name: string): void {
    if (this.defined.has(name)) return;
    this.defined.add(name);
    const field = this.context.effective.fields.find((placed) => placed.field.name.text === name);
    if (field) return this.defineSetting(name);
    const placed = this.context.clauseOf(name);
    if (placed) return this.defineClause(name, placed);
    // What a file calls so is meant, if there is such a thing; a schedule of `std` may bear the name too (`steps`).
    const variable = hostVariables.find((known) => known === name);
    const { library, effective } = this.context;
    if (variable && findName(library, effective.file, name)?.file.isStandard !== false)
      this.root.define(name, { kind: "host", expression: hostVariable(variable) });
  }

  private defineSetting(name: string): void {
    const { field } = this.context.effective.fields.find(
      (placed) => placed.field.name.text === name,
    )!;
    const value = this.context.setting(name)!;
    if (value.kind !== "text") {
      this.root.define(name, this.known(value, name, field.type));
      return;
    }
    this.ensure(value.expression);
    const scope = this.scopeOf(value.file);
    const read = field.type
      ? this.evaluator.evaluateAs(value.expression, field.type, scope)
      : this.evaluator.evaluate(value.expression, scope);
    this.root.define(name, read);
  }

  private defineClause(name: string, placed: PlacedClause): void {
    const { clause, file } = placed;
    switch (clause.kind) {
      case "data":
        return this.root.define(name, this.dataset(name, file));
      case "view":
        return this.root.define(name, this.view(name, file, clause.name.span));
      case "twin":
        this.ensure(clause.value);
        return this.root.define(name, twinNet(this, placed));
      case "let":
        if (this.context.isSettingLet(name)) return this.defineSettingLet(name, placed);
        return this.defineStatement(placed);
      case "net":
      case "param":
      case "state":
      case "draw":
        return this.defineStatement(placed);
      case "draw-setting":
        return this.root.define(name, this.drawn.get(name) ?? this.notDrawn(name, placed));
      default:
    }
  }

  private notDrawn(name: string, { clause, file }: PlacedClause): Value {
    this.context.problems.error(
      "drawn-setting",
      `\`${name}\` is drawn at each step of training, and an evaluation reads it`,
      file.name,
      clause.span,
      {
        hints: [
          `say which there: \`[top1(model(${name} = each)(clean), test.label) for each in …]\``,
        ],
      },
    );
    return poison;
  }

  private defineSettingLet(name: string, { file }: PlacedClause): void {
    const value = this.context.scope(file).lookup(name);
    this.root.define(name, value ? this.known(value, name) : poison);
  }

  /** A setting as dataflow has it; one that changes with the step lends its name to the input. */
  private known(value: RecipeValue, name: string, type?: Type): Value {
    if (value.kind === "number" && value.host.kind !== "number")
      this.context.courses.name(value.host, name);
    return dataflowValue(value, type) ?? poison;
  }

  /** A statement defines its names in the scope of its file; the recipe as a whole sees them too. */
  private defineStatement({ clause, file }: PlacedClause): void {
    if (
      clause.kind !== "let" &&
      clause.kind !== "net" &&
      clause.kind !== "param" &&
      clause.kind !== "state" &&
      clause.kind !== "draw"
    )
      return;
    const scope = this.scopeOf(file);
    this.ensure(clause);
    if (clause.kind === "net")
      scope.define(clause.name.text, this.evaluator.net(clause.name.text, clause.value, scope));
    else this.evaluator.statement(clause as Statement, scope);
    const names =
      clause.kind === "let" ? clause.binding.names.map((part) => part.text) : [clause.name.text];
    for (const name of names) {
      this.defined.add(name);
      const value = scope.get(name);
      if (value) this.root.define(name, value);
    }
  }

  // ---- data ----

  /** `train.label`: a member gives the field as an input. */
  private dataset(name: string, file: FileScope): Value {
    const value = this.context.dataValue(name);
    if (value?.kind !== "dataset") return this.broken();
    const fields = new Map<string, Value>();
    const opaque: OpaqueValue = {
      kind: "opaque",
      what: `\`${name}\``,
      content: value,
      members: value.facts.fields.map((field) => field.name),
      member: (field, at) => {
        if (!value.facts.fields.some((known) => known.name === field)) return undefined;
        const known =
          fields.get(field) ?? this.input(this.context.fieldView(name, field, at, file), file, at);
        fields.set(field, known);
        return known;
      },
    };
    return opaque;
  }

  private view(name: string, file: FileScope, span: Span): Value {
    const view = this.context.view(name);
    return view === "unknown" || !view ? this.broken() : this.viewValue(view, file, span);
  }

  /** An input; of a view that gives a record, each part that is read becomes one. */
  private viewValue(typed: TypedView, file: FileScope, span: Span): Value {
    const { parts } = typed.type;
    if (!parts) return this.input(typed, file, span);
    const known = new Map<string, Value>();
    const opaque: OpaqueValue = {
      kind: "opaque",
      what: `\`${typed.view.name}\``,
      content: typed,
      members: Object.keys(parts),
      member: (name) => {
        const part = partOfView(typed, name);
        if (!part) return undefined;
        const value = known.get(name) ?? this.viewValue(part, file, span);
        known.set(name, value);
        return value;
      },
    };
    return opaque;
  }

  private broken(): Value {
    this.isBroken = true;
    return poison;
  }

  /** A view as an input of the graph: the batch first, then the axes of one example. */
  input(typed: TypedView | undefined, file: FileScope, span: Span): Value {
    const axes = typed && knownAxes(typed, this.context.scope(file), span);
    if (!typed || !axes) return this.broken();
    const named = [
      { name: "batch", size: this.batch },
      ...axes.map(({ name, extent }) => ({ name, size: extent })),
    ];
    this.views.set(typed.view.name, typed);
    const { dtype } = typed.type;
    const stored = dtype === "bool" ? "i32" : dtype; // loaders write numbers: 0 and 1
    const at = this.at(span, file);
    const value = this.evaluator.input(typed.view.name, named, stored, this.root, at);
    if (dtype !== "bool") return value;
    const node = this.evaluator.guarded(this.root, at, () => this.builder.cast(value.node, dtype));
    return node ? { ...value, node } : this.broken();
  }

  /** The views among those inputs that a graph really reads. */
  viewInputs(names: ReadonlySet<string>): readonly ViewInput[] {
    return [...this.views.values()]
      .filter((typed) => names.has(typed.view.name))
      .map(({ view }) => ({ input: view.name, view }));
  }
}

/** Clauses that nothing has read yet are no names of the evaluator; one of them may have been meant. */
function withNearestClause(diagnostic: Diagnostic, context: RecipeContext): Diagnostic {
  const name = /`([^`]+)`/.exec(diagnostic.message)?.[1];
  if (diagnostic.code !== "unknown-name" || name === undefined) return diagnostic;
  const nearest = nearestName(name, [...context.clauseNames(), ...context.settingNames()]);
  return nearest === undefined
    ? diagnostic
    : { ...diagnostic, hints: [`did you mean \`${nearest}\`?`] };
}
