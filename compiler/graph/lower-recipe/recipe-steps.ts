// What the evaluator of dataflow must know of a recipe's steps: schedules called among tensors are read as settings are,
// with what the names around them stand for.
import type { CallExpression } from "../../../grammar/syntax.ts";
import type { RunSteps, Schedule } from "../lower/run-steps.ts";
import type { Scope } from "../lower/scope.ts";
import { poison } from "../lower/value.ts";
import type { Value } from "../lower/value.ts";
import { durationInSteps } from "./clock.ts";
import { dataflowValue } from "./dataflow-value.ts";
import type { RecipeContext } from "./recipe-context.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { applyFunction } from "./setting-calls.ts";
import { settingValue } from "./setting-value.ts";

export function recipeSteps(context: RecipeContext): RunSteps {
  return {
    scalar: (g, expression) => context.courses.node(g, expression),
    course: (schedule, call, scope) => courseOf(schedule, call, scope, context),
    count: (duration) => context.clock && durationInSteps(duration, context.clock),
  };
}

function courseOf(
  { declaration, file }: Schedule,
  call: CallExpression,
  scope: Scope,
  context: RecipeContext,
): Value {
  const known = (name: string): RecipeValue | undefined => {
    const value = scope.get(name);
    return value && settingValue(value);
  };
  const around = context.declarationScope(scope.file);
  const value = applyFunction(context.functionOf(declaration, file), call, {
    ...around,
    lookup: (name) => known(name) ?? around.lookup(name),
    names: () => [...scope.names(), ...around.names()],
    isCourse: true,
  });
  return dataflowValue(value) ?? poison;
}
