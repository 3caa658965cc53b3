// The losses and metrics of a recipe, in training form, and the new values of states. A recipe that draws settings has
// several such dataflows over one set of parameters: what learns is what any of their losses teaches, so all losses
// come first.
import type { Output, Update } from "../graph.ts";
import { reachable } from "../builder.ts";
import type { LoweredRecipe } from "../lowered.ts";
import type { Dataflow } from "./dataflow.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import { learningPaths } from "./learning.ts";

export interface Training {
  readonly dataflow: Dataflow;
  readonly losses: LoweredRecipe["losses"];
  readonly metrics: LoweredRecipe["metrics"];
  readonly updates: readonly Update[];
  /** Names of the inputs that any of it reads. */
  readonly inputs: ReadonlySet<string>;
}

export interface Trainings {
  readonly all: readonly Training[];
  /** Paths of parameters that some loss teaches. */
  readonly learning: ReadonlySet<string>;
}

export function lowerTraining(dataflows: readonly Dataflow[]): Trainings {
  const losses = dataflows.map((dataflow) =>
    dataflow.context.effective.clauses.flatMap((placed) => lowerLoss(placed, dataflow)),
  );
  const learning = learningPaths(losses.flat().map((loss) => loss.value));
  const all = dataflows.map((dataflow, i) => lowerRest(dataflow, losses[i]!, learning));
  return { all, learning };
}

function lowerRest(
  dataflow: Dataflow,
  losses: LoweredRecipe["losses"],
  learning: ReadonlySet<string>,
): Training {
  const { clauses } = dataflow.context.effective;
  dataflow.gradients.learning = learning;
  const metrics = clauses.flatMap((placed) => lowerMetric(placed, dataflow));
  dataflow.gradients.learning = undefined;
  for (const { clause, file } of clauses) {
    if (clause.kind !== "next") continue;
    dataflow.ensure([clause.value, { kind: "name", name: clause.name.text }]);
    dataflow.evaluator.statement(clause, dataflow.scopeOf(file));
  }
  const updates = dataflow.evaluator.updates();
  const roots = [...losses, ...metrics, ...updates].map((root) => root.value);
  const nodes = [...reachable(roots, dataflow.builder.nodes.length)];
  const inputs = new Set(
    nodes.filter((node) => node.op === "input").map((node) => String(node.attributes.name)),
  );
  return { dataflow, losses, metrics, updates, inputs };
}

function lowerLoss({ clause, file }: PlacedClause, dataflow: Dataflow): LoweredRecipe["losses"] {
  if (clause.kind !== "loss") return [];
  const value = dataflow.scalar(clause.value, file);
  const name = clause.name?.text ?? "loss";
  return value ? [{ name, value, watched: name === "watched" }] : [];
}

function lowerMetric({ clause, file }: PlacedClause, dataflow: Dataflow): readonly Output[] {
  if (clause.kind !== "metric") return [];
  const value = dataflow.scalar(clause.value, file);
  return value ? [{ name: clause.name.text, value }] : [];
}
