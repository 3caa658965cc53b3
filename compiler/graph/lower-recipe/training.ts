// The losses and metrics of a recipe, in training form, and the new values of states.
import type { Output, Update } from "../graph.ts";
import { reachable } from "../builder.ts";
import type { LoweredRecipe } from "../lowered.ts";
import type { Dataflow } from "./dataflow.ts";
import type { PlacedClause } from "./effective-recipe.ts";

export interface Training {
  readonly losses: LoweredRecipe["losses"];
  readonly metrics: LoweredRecipe["metrics"];
  readonly updates: readonly Update[];
  /** Names of the inputs that any of it reads. */
  readonly inputs: ReadonlySet<string>;
}

export function lowerTraining(dataflow: Dataflow): Training {
  const { clauses } = dataflow.context.effective;
  const losses = clauses.flatMap((placed) => lowerLoss(placed, dataflow));
  const metrics = clauses.flatMap((placed) => lowerMetric(placed, dataflow));
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
  return { losses, metrics, updates, inputs };
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
