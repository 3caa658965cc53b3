// A lowered recipe and its training step -> what the training loop follows, plain data.
import type { PlannedEvaluation, TrainingPlan } from "../compiled.ts";
import type { TrainingStep } from "./build-training-step.ts";
import { lossScaling } from "./loss-scale.ts";
import type { LoweredEvaluation, LoweredRecipe } from "./lowered.ts";

export function planTraining(
  recipe: LoweredRecipe,
  step: TrainingStep,
  recomputed?: TrainingPlan["recomputed"],
): TrainingPlan {
  const { name, settings, batch, accumulate, seed, steps, stepsPerEpoch } = recipe;
  const { datasets, views, loads, predict } = recipe;
  const output = predict?.graph.outputs[0]?.value;
  return {
    name,
    settings,
    batch,
    accumulate,
    seed,
    steps,
    stepsPerEpoch,
    datasets,
    views,
    scalars: step.scalars,
    metrics: step.metrics,
    ...(recipe.precision === "f16"
      ? { lossScale: { metric: lossScaling.metric, least: lossScaling.least } }
      : {}),
    choices: recipe.drawn,
    ...(recomputed ? { recomputed } : {}),
    evaluations: recipe.evaluations.map(planEvaluation),
    ...(predict && output
      ? {
          predict: {
            batch: output.shape[0] ?? 1,
            views: predict.views,
            shape: output.shape,
            ...(predict.classes ? { classes: predict.classes } : {}),
          },
        }
      : {}),
    loads,
  };
}

function planEvaluation(evaluation: LoweredEvaluation): PlannedEvaluation {
  const { name, everySteps, batch, views } = evaluation;
  const common = { name, entry: `evaluate.${name}`, everySteps, batch, views };
  if (evaluation.kind === "mean")
    return {
      ...common,
      kind: "mean",
      metrics: evaluation.graph.outputs.map((output) => output.name),
    };
  const { protocol, settings, fit, test } = evaluation;
  return { ...common, kind: "protocol", protocol, settings, fit, test };
}
