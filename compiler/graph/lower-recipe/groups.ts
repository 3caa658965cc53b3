// `optimizer`, `lr` and `except` -> groups of parameters, each with one optimizer's settings and one course of the rate.
// Later exceptions win, setting by setting.
import type {
  CallExpression,
  ExceptClause,
  Expression,
  NameExpression,
} from "../../../grammar/syntax.ts";
import { pathText } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { printHost } from "../host-expression.ts";
import type { Parameter } from "../graph.ts";
import type { HostExpression, OptimizerUse, ParameterGroup } from "../lowered.ts";
import { describedBy } from "./except.ts";
import { bindFields } from "./function-scope.ts";
import { nearestHint } from "./nearest-hint.ts";
import { findOptimizer, openOptimizer } from "./optimizer.ts";
import type { OptimizerCall } from "./optimizer.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { recipeSteps } from "./recipe-steps.ts";
import { hostValue, numberValue, printValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { fitType } from "./setting-types.ts";
import { toHost } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";

/** Undefined where something is wrong (and reported). Only parameters that learn are given. */
export function groupParameters(
  context: RecipeContext,
  learning: readonly Parameter[],
  lr: HostExpression,
  all: readonly Parameter[],
): readonly ParameterGroup[] | undefined {
  const call = optimizerCall(context);
  if (!call) return undefined;
  const before = context.problems.found.length;
  const exceptions = context.effective.clauses.flatMap(({ clause, file }) =>
    clause.kind === "except" ? [openException(clause, file, call, context, all)] : [],
  );
  const groups = new Map<
    string,
    { paths: string[]; settings: ReadonlyMap<string, RecipeValue>; lr: HostExpression }
  >();
  for (const parameter of learning) {
    let chosen: Chosen = { settings: call.settings, lr };
    for (const apply of exceptions) chosen = apply(parameter, chosen);
    const key = `${printHost(chosen.lr)} ${[...chosen.settings].map(([name, value]) => `${name}=${printValue(value)}`).join()}`;
    const group = groups.get(key) ?? { paths: [], ...chosen };
    group.paths.push(parameter.path);
    groups.set(key, group);
  }
  if (context.problems.found.length > before) return undefined;
  const opened = [...groups.values()].map((group) => ({
    paths: group.paths,
    optimizer: openGroup({ ...call, settings: group.settings }, context),
    lr: group.lr,
  }));
  return context.problems.found.length > before ? undefined : opened;
}

function openGroup(call: OptimizerCall, context: RecipeContext): OptimizerUse {
  nameCourses(call.settings, call.declaration.name.text, context);
  return openOptimizer(call, context.library, context.problems, recipeSteps(context));
}

interface Chosen {
  readonly settings: ReadonlyMap<string, RecipeValue>;
  readonly lr: HostExpression;
}

/** `optimizer = AdamW(decay = 0.05)`, its settings complete. */
function optimizerCall(context: RecipeContext): OptimizerCall | undefined {
  const placed = context.field("optimizer");
  if (!placed) return undefined;
  const { file, clause } = placed;
  const written = clause.value;
  const callee = calleeOf(written);
  if (!callee) {
    if (written.kind !== "missing") {
      context.problems.error(
        "wrong-field",
        "`optimizer` takes a call of an optimizer",
        file.name,
        written.span,
        { hints: ["`optimizer = AdamW(decay = 0.05)`"] },
      );
    }
    return undefined;
  }
  const found = findOptimizer(callee.name, context.library, file, context.problems, callee.span);
  if (!found) return undefined;
  const { declaration } = found;
  const given = written.kind === "call" ? written.arguments : [];
  const scope = context.scope(file, new Map(), true);
  const outer = { ...context.scope(found.file), lookup: () => undefined };
  const settings = bindFields(callee.name, declaration.settings, given, written.span, scope, outer);
  return settings && { declaration, file: found.file, settings };
}

/** A setting that follows a course is an input of the update: logs call it `AdamW.decay`. */
function nameCourses(
  settings: ReadonlyMap<string, RecipeValue>,
  of: string,
  context: RecipeContext,
): void {
  const visit = (value: RecipeValue, name: string): void => {
    if (value.kind === "number" && value.host.kind !== "number")
      context.courses.name(value.host, name);
    if (value.kind === "tuple" || value.kind === "list")
      value.items.forEach((item, i) => visit(item, `${name}.${i}`));
  };
  for (const [name, value] of settings) visit(value, `${of}.${name}`);
}

function calleeOf(written: Expression): NameExpression | undefined {
  const callee = written.kind === "call" ? (written as CallExpression).callee : written;
  return callee.kind === "name" ? callee : undefined;
}

/** An exception as a step on what is chosen so far. */
function openException(
  clause: ExceptClause,
  file: FileScope,
  call: OptimizerCall,
  context: RecipeContext,
  parameters: readonly Parameter[],
): (parameter: Parameter, chosen: Chosen) => Chosen {
  const test = describedBy(clause, { context, file, parameters });
  const names = call.declaration.settings.map((field) => field.name.text);
  const of = call.declaration.name.text;
  const known = clause.settings.fields.filter((field) => {
    const name = pathText(field.path);
    if (name === "lr" || names.includes(name)) return true;
    context.problems.error(
      "unknown-setting",
      `\`${of}\` has no setting \`${name}\``,
      file.name,
      field.path.span,
      nearestHint(name, ["lr", ...names]),
    );
    return false;
  });
  return (parameter, chosen) => {
    const described = test(parameter);
    if (!described.holds) return chosen;
    const around = new Map<string, RecipeValue>([["lr", hostValue(chosen.lr)]]);
    if (clause.index) {
      // Not every parameter below the path lies in a round of the repeat: `path in model.layers as i` leaves those out.
      if (described.index === undefined) return chosen;
      around.set(clause.index.text, numberValue(described.index));
    }
    const settings = new Map(chosen.settings);
    let { lr } = chosen;
    for (const { path, value } of known) {
      const name = pathText(path);
      const scope = context.scope(file, around, true);
      if (name === "lr") {
        lr = toHost(evaluateSetting(value, scope), scope, value.span) ?? lr;
        continue;
      }
      const field = call.declaration.settings.find((candidate) => candidate.name.text === name)!;
      const fitted = fitType(
        field.type,
        evaluateSetting(value, scope, field.type),
        { name, of },
        scope,
        value.span,
      );
      settings.set(name, fitted);
    }
    return { settings, lr };
  };
}
