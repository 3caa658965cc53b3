// Where a view begins: a field of a data set, a whole example, a view or a part of one, or nothing (a mask only draws).
import type { Expression, Pipe, Span, Stage } from "../../../grammar/syntax.ts";
import type { Catalog, DatasetFacts, ResolvedView } from "../../model/catalog.ts";
import { nothingType, recordType, viewTypeOf } from "../../model/view-type.ts";
import type { ViewType } from "../../model/view-type.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeValue } from "./recipe-value.ts";
import type { SettingScope } from "./setting-scope.ts";

/** A view and the type of one of its examples. */
export interface TypedView {
  readonly view: ResolvedView;
  readonly type: ViewType;
  readonly facts: DatasetFacts;
}

/** What a view may start from, by name. */
export interface ViewSources {
  readonly catalog: Catalog;
  readonly view: (name: string) => TypedView | "unknown" | undefined;
  readonly viewNames: () => readonly string[];
}

/** All that a view has from where it starts; `stages` are the operations that follow. */
export interface ViewStart {
  readonly from: Pick<ResolvedView, "dataset" | "field" | "shared" | "part">;
  readonly type: ViewType;
  readonly facts: DatasetFacts;
  readonly stages: readonly Stage[];
}

/** Undefined where there is no such start (and it is reported). */
export function startOfView(
  expression: Expression,
  sources: ViewSources,
  scope: SettingScope,
): ViewStart | undefined {
  const pipe = expression.kind === "pipe" ? expression : undefined;
  const head = pipe ? headOf(pipe) : expression;
  if (!head) return refuseStart(pipe!.head.span, scope);
  const stages = pipe?.stages ?? [];
  if (startsFromNothing(head, sources)) return fromNothing(head, stages);
  const first = stages[0] && isOverRecord(stages[0], sources, scope);
  const start = startOf(head, first === true, sources, scope);
  return start && { ...start, stages };
}

type Start = Omit<ViewStart, "stages">;

function headOf({ head }: Pipe): Expression | undefined {
  const { operation } = head;
  return operation.kind === "repeat" || operation.kind === "arrow" ? undefined : operation;
}

function operationOf(head: Expression, { catalog }: ViewSources) {
  const callee = head.kind === "call" ? head.callee : head;
  if (callee.kind !== "name") return undefined;
  return catalog.operations.find((candidate) => candidate.name === callee.name);
}

function startsFromNothing(head: Expression, sources: ViewSources): boolean {
  return operationOf(head, sources)?.input === "nothing";
}

/** The head is itself the first operation. */
function fromNothing(head: Expression, stages: readonly Stage[]): ViewStart {
  const { span } = head;
  const first: Stage = { kind: "stage", label: undefined, operation: head, when: undefined, span };
  const facts: DatasetFacts = { fields: [], classes: [], size: null };
  return {
    from: { dataset: null, field: null },
    type: nothingType,
    facts,
    stages: [first, ...stages],
  };
}

/** Whole examples are no images: a view takes one only for an operation that works on all its fields. */
function isOverRecord({ operation }: Stage, sources: ViewSources, scope: SettingScope): boolean {
  if (operation.kind === "repeat" || operation.kind === "arrow") return false;
  const callee = operation.kind === "call" ? operation.callee : operation;
  const declared = callee.kind === "name" ? scope.lookup(callee.name) : undefined;
  if (declared?.kind === "function") {
    const type = declared.declaration.fields[0]?.type;
    return type?.kind === "type-name" && type.name === "example";
  }
  return operationOf(operation, sources)?.input === "record";
}

function startOf(
  expression: Expression,
  isWhole: boolean,
  sources: ViewSources,
  scope: SettingScope,
): Start | undefined {
  if (expression.kind === "missing") return undefined;
  if (expression.kind === "name")
    return startFromName(expression.name, expression.span, isWhole, sources, scope);
  if (expression.kind !== "member" || expression.target.kind !== "name")
    return refuseStart(expression.span, scope);
  const { name } = expression.target;
  const { member } = expression;
  const value = sources.view(name) ?? scope.lookup(name);
  if (value === "unknown") return undefined;
  if (value && "view" in value) return startFromPart(value, member.text, member.span, scope);
  if (value?.kind === "unknown") return undefined;
  if (value?.kind === "dataset") return startFromField(value, member.text, member.span, scope);
  return reportNoStart(name, expression.target.span, sources, scope);
}

function startFromName(
  name: string,
  span: Span,
  isWhole: boolean,
  sources: ViewSources,
  scope: SettingScope,
): Start | undefined {
  const typed = sources.view(name);
  if (typed === "unknown") return undefined;
  if (typed) return { ...typed, from: { ...originOf(typed.view), shared: typed.view } };
  const value = scope.lookup(name);
  if (value?.kind === "unknown") return undefined;
  if (value?.kind !== "dataset") return reportNoStart(name, span, sources, scope);
  const { facts, dataset } = value;
  if (isWhole) {
    const parts = facts.fields.map((field) => [field.name, viewTypeOf(field)] as const);
    const from = { dataset: dataset.name, field: null };
    return { from, type: recordType(Object.fromEntries(parts)), facts };
  }
  scope.problems.error(
    "not-a-field",
    `a view starts from a field of \`${name}\``,
    scope.file,
    span,
    {
      hints: facts.fields.map((field) => `\`${name}.${field.name}\``).slice(0, 3),
    },
  );
  return undefined;
}

function originOf({ dataset, field }: ResolvedView): Pick<ResolvedView, "dataset" | "field"> {
  return { dataset, field };
}

function startFromField(
  value: RecipeValue & { kind: "dataset" },
  field: string,
  span: Span,
  scope: SettingScope,
): Start | undefined {
  const { dataset, facts } = value;
  const known = facts.fields.find((candidate) => candidate.name === field);
  if (known) return { from: { dataset: dataset.name, field }, type: viewTypeOf(known), facts };
  scope.problems.error(
    "unknown-field",
    `the examples of \`${dataset.source}\` have no \`${field}\``,
    scope.file,
    span,
    nearestHint(field, facts.fields.map((candidate) => candidate.name)), // prettier-ignore
  );
  return undefined;
}

/** `puzzle.patches`: it shares the record, draws and all. */
function startFromPart(
  { view, type, facts }: TypedView,
  part: string,
  span: Span,
  scope: SettingScope,
): Start | undefined {
  const found = type.parts?.[part];
  if (found) return { from: { ...originOf(view), shared: view, part }, type: found, facts };
  const parts = Object.keys(type.parts ?? {});
  scope.problems.error(
    "unknown-part",
    parts.length === 0
      ? `\`${view.name}\` is one value: it has no parts`
      : `\`${view.name}\` has no part \`${part}\`: it has ${parts.map((name) => `\`${name}\``).join(" and ")}`,
    scope.file,
    span,
    nearestHint(part, parts),
  );
  return undefined;
}

/** A part of a view as a view of its own, read as it is; undefined where there is none of that name. */
export function partOfView({ view, type, facts }: TypedView, part: string): TypedView | undefined {
  const found = type.parts?.[part];
  if (!found) return undefined;
  const name = `${view.name}.${part}`;
  return {
    view: { name, ...originOf(view), operations: [], shared: view, part },
    type: found,
    facts,
  };
}

function reportNoStart(
  name: string,
  span: Span,
  sources: ViewSources,
  scope: SettingScope,
): undefined {
  const datasets = scope.names().filter((known) => scope.lookup(known)?.kind === "dataset");
  scope.problems.error(
    "unknown-name",
    `there is no data set and no view called \`${name}\``,
    scope.file,
    span,
    nearestHint(name, [...datasets, ...sources.viewNames()]),
  );
  return undefined;
}

function refuseStart(span: Span, scope: SettingScope): undefined {
  scope.problems.error(
    "wrong-view",
    "a view starts from a field of a data set, from a view, or from an operation that only draws",
    scope.file,
    span,
    { hints: ["such as `train.image |> …` or `block_mask([rows = 14, cols = 14], count = 78)`"] },
  );
  return undefined;
}
