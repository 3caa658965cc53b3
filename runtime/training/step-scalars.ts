// What the scalars of a plan (rates, decays of twins, courses of any other number) are at one step, in double.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import { evaluateHost } from "../../compiler/graph/host-expression.ts";
import type { Figures } from "./events.ts";

/** By the name of their input. `step` counts from 0: the steps that were taken before. */
export function scalarsAt(plan: TrainingPlan, step: number): Figures {
  const at = {
    step,
    epoch: step / plan.stepsPerEpoch,
    steps: plan.steps,
    steps_per_epoch: plan.stepsPerEpoch,
  };
  return Object.fromEntries(
    plan.scalars.map(({ input, expression }) => [input, evaluateHost(expression, at)]),
  );
}
