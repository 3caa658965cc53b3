// Numbers that change with the step, where dataflow reads them. How they become scalars of a graph, what a schedule
// gives and how long a duration is only recipes know: a model by itself has no steps.
import type { CallExpression, FunctionDeclaration, Type } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { Builder } from "../builder.ts";
import type { Node } from "../graph.ts";
import type { HostExpression } from "../lowered.ts";
import type { Scope } from "./scope.ts";
import type { DurationValue, Value } from "./value.ts";

export interface RunSteps {
  /** The scalar of the graph that the host writes before each step; equal expressions share one. */
  scalar(g: Builder, expression: HostExpression): Node;
  /** What the call of a function that gives a course is: `cosine(1 to 0)`. Poison where it is wrong (and reported). */
  course(schedule: Schedule, call: CallExpression, scope: Scope): Value;
  /** In steps; undefined where that is not known. */
  count(duration: DurationValue): number | undefined;
}

/** A function of the language that gives a course. */
export interface Schedule {
  readonly declaration: FunctionDeclaration;
  readonly file: FileScope;
}

export function isCourseType(type: Type): boolean {
  return type.kind === "type-name" && type.name === "course";
}
