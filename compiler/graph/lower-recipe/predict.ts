// What a recipe predicts with, in evaluation form: the first net that learns and that an evaluation applies, or else a
// loss. A teacher, and any other net that is frozen, stands back for one that learns.
import type { Expression, Pipe } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { Output } from "../graph.ts";
import type { LoweredRecipe } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";
import type { Value } from "../lower/value.ts";
import { Dataflow } from "./dataflow.ts";
import { freeNames, walk } from "./free-names.ts";
import type { RecipeContext } from "./recipe-context.ts";

interface Application {
  readonly expression: Expression;
  readonly file: FileScope;
  /** Not written so: the net alone, on a view that it may not take as it is. */
  readonly isGuess: boolean;
}

/**
 * Undefined where no net is applied to a view by itself. `drawn`: what drawn settings stand for here; `learning`: the
 * paths that a loss reaches, frozen ones too.
 */
export function lowerPrediction(
  context: RecipeContext,
  instances: Instances,
  batch: number,
  drawn: ReadonlyMap<string, Value>,
  learning: ReadonlySet<string>,
): LoweredRecipe["predict"] {
  const taught = [...learning].filter((path) => instances.parameters.get(path)?.trainable);
  const found = findApplication(context, taught);
  if (!found) return undefined;
  const dataflow = new Dataflow(context, instances, { training: false, batch, drawn });
  const before = context.problems.found.length;
  const value = dataflow.evaluate(found.expression, found.file);
  const outputs = outputsOf(value);
  const isRefused = context.problems.found.length > before;
  if (found.isGuess && isRefused) context.problems.found.length = before;
  if (outputs.length === 0 || isRefused) return undefined;
  const graph = dataflow.builder.finish({ outputs });
  const views = dataflow.viewInputs(new Set(graph.inputs.map((input) => input.name)));
  const first = views[0] && dataflow.views.get(views[0].input);
  if (!first) return undefined;
  const classes = first.facts.classes;
  const isClasses = outputs.length === 1 && outputs[0]!.value.shape.at(-1) === classes.length;
  return { graph, views, ...(isClasses ? { classes } : {}) };
}

function outputsOf(value: Value): readonly Output[] {
  if (value.kind === "tensor") return [{ name: "output", value: value.node }];
  if (value.kind !== "record") return [];
  return [...value.fields].flatMap(([name, field]) =>
    field.kind === "tensor" ? [{ name, value: field.node }] : [],
  );
}

function findApplication(
  context: RecipeContext,
  taught: readonly string[],
): Application | undefined {
  const isNet = (name: string) => context.clauseOf(name)?.clause.kind === "net";
  const learns = (name: string) => isNet(name) && taught.some((path) => isUnder(path, name));
  for (const isMeant of [learns, isNet]) {
    const written = firstOf(context, asApplication, isMeant);
    if (written) return { ...written, isGuess: false };
    const guessed = firstOf(context, onItsView, isMeant);
    if (guessed) return { ...guessed, isGuess: true };
  }
  return undefined;
}

type Found = Omit<Application, "isGuess">;

/** Whether a name is that of a net that is looked for. */
type IsMeant = (name: string) => boolean;

type Reading = (
  node: Expression,
  context: RecipeContext,
  isMeant: IsMeant,
) => Expression | undefined;

function firstOf(context: RecipeContext, reading: Reading, isMeant: IsMeant): Found | undefined {
  const within = (node: Expression) => reading(node, context, isMeant);

  const seen = new Set<string>();
  for (const kind of ["evaluate", "loss"] as const) {
    for (const { clause, file } of context.effective.clauses) {
      const found =
        clause.kind === kind ? applicationIn(clause.value, file, context, within, seen) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

/** `model(mixed.image)`: the net by itself on the first view that it depends on, before anything was done to a batch. */
function onItsView(
  node: Expression,
  context: RecipeContext,
  isMeant: IsMeant,
): Expression | undefined {
  if (node.kind !== "call" || !isCallOfNet(node, isMeant)) return undefined;
  const view = firstView(node.arguments, context, new Set());
  if (view === undefined) return undefined;
  const value: Expression = { kind: "name", name: view, span: node.span };
  return { ...node, arguments: [{ kind: "argument", name: undefined, value, span: node.span }] };
}

function firstView(
  expression: unknown,
  context: RecipeContext,
  seen: Set<string>,
): string | undefined {
  for (const name of freeNames(expression)) {
    if (seen.has(name)) continue;
    seen.add(name);
    const clause = context.clauseOf(name)?.clause;
    if (clause?.kind === "view") return name;
    const below = clause?.kind === "let" ? firstView(clause.value, context, seen) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

/** The first application of a net in an expression, or in a `let` that it reads. */
function applicationIn(
  expression: Expression,
  file: FileScope,
  context: RecipeContext,
  reading: (node: Expression) => Expression | undefined,
  seen: Set<string>,
): Found | undefined {
  let found: Expression | undefined;
  walk(expression, (node) => {
    // What stands in a list over something reads names that only mean something there.
    if (found || node.kind === "comprehension") return "skip";
    found = reading(node as Expression);
  });
  if (found) return { expression: found, file };
  for (const name of freeNames(expression)) {
    if (seen.has(name)) continue;
    seen.add(name);
    const placed = context.clauseOf(name);
    if (placed?.clause.kind !== "let") continue;
    const below = applicationIn(placed.clause.value, placed.file, context, reading, seen);
    if (below) return below;
  }
  return undefined;
}

function asApplication(
  node: Expression,
  context: RecipeContext,
  isMeant: IsMeant,
): Expression | undefined {
  if (node.kind === "pipe") return prefixThroughNet(node, context, isMeant);
  if (node.kind !== "call") return undefined;
  return isCallOfNet(node, isMeant) && readsView(node, context) ? node : undefined;
}

/** `clean |> model |> softmax(features)`: as far as the net. */
function prefixThroughNet(
  pipe: Pipe,
  context: RecipeContext,
  isMeant: IsMeant,
): Expression | undefined {
  const place = pipe.stages.findIndex(
    ({ operation }) =>
      operation.kind !== "repeat" && operation.kind !== "arrow" && netOf(operation, isMeant),
  );
  if (place === -1 || !readsView(pipe.head, context)) return undefined;
  const stages = pipe.stages.slice(0, place + 1);
  return { ...pipe, stages, span: { start: pipe.span.start, end: stages.at(-1)!.span.end } };
}

/** `model(clean)`, `model(patch = 16)(clean)`. */
function isCallOfNet({ callee }: Expression & { kind: "call" }, isMeant: IsMeant): boolean {
  return netOf(callee, isMeant) || (callee.kind === "call" && netOf(callee.callee, isMeant));
}

function netOf(expression: Expression, isMeant: IsMeant): boolean {
  return expression.kind === "name" && isMeant(expression.name);
}

function readsView(node: unknown, context: RecipeContext): boolean {
  return freeNames(node).some((name) =>
    ["view", "data"].includes(context.clauseOf(name)?.clause.kind ?? ""),
  );
}
