// A `twin` clause -> the net over arrays of its own that follow another's: `ema(online, decay = …, update = after_step)`.
import type { Argument, Expression, NamedClause } from "../../../grammar/syntax.ts";
import { hostNumber } from "../host-expression.ts";
import type { HostExpression, Twin } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";
import type { NetValue, Value } from "../lower/value.ts";
import { poison } from "../lower/value.ts";
import type { Dataflow } from "./dataflow.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue } from "./recipe-value.ts";
import { toHost } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";

/** What a twin says, its net apart. */
export interface TwinSettings {
  readonly of: Expression;
  readonly decay: HostExpression;
  readonly update: Twin["update"];
  /** False where it is applied in evaluation form even in a loss. */
  readonly training: boolean;
}

const updates = ["after_step", "before_forward"] as const;
const settingNames = ["decay", "update", "training"];

/** Undefined where something is wrong (and reported). */
export function twinSettings(
  placed: PlacedClause,
  context: RecipeContext,
): TwinSettings | undefined {
  const clause = placed.clause as NamedClause;
  const { file } = placed;
  const call = clause.value;
  if (call.kind === "missing") return undefined;
  if (call.kind !== "call" || call.callee.kind !== "name" || call.callee.name !== "ema") {
    context.problems.error(
      "wrong-twin",
      "a twin follows a net: `ema(online, decay = 0.99)`",
      file.name,
      call.span,
    );
    return undefined;
  }
  const { problems } = context;
  const before = problems.found.length;
  const settings = new Map<string, Expression>();
  let of: Expression | undefined;
  for (const argument of call.arguments) {
    const [name, value] = namedValue(argument);
    if (value && name === undefined && !of) of = value;
    else if (value && name !== undefined && settingNames.includes(name)) settings.set(name, value);
    else problems.error("unknown-setting", `\`ema\` has no setting \`${name ?? "here"}\``, file.name, argument.span, nearestHint(name ?? "", settingNames)); // prettier-ignore
  }
  if (!of)
    problems.error(
      "missing-setting",
      "`ema` needs the net that the twin follows",
      file.name,
      call.span,
    );
  const decay = decayOf(settings.get("decay"), call, placed, context);
  const update = updateOf(settings.get("update"), placed, context);
  const training = settings.get("training");
  const form = training ? evaluateSetting(training, context.scope(file)) : undefined;
  if (form && form.kind !== "bool" && form.kind !== "unknown") {
    problems.error(
      "wrong-setting",
      `\`training\` of \`ema\` takes true or false, but this is ${describeValue(form)}`,
      file.name,
      training!.span,
    );
  }
  if (!of || !decay || problems.found.length > before) return undefined;
  return { of, decay, update, training: form?.kind !== "bool" || form.value };
}

function namedValue(argument: Argument): [string | undefined, Expression | undefined] {
  return argument.kind === "argument"
    ? [argument.name?.text, argument.value]
    : [undefined, undefined];
}

function decayOf(
  expression: Expression | undefined,
  call: Expression,
  { file }: PlacedClause,
  context: RecipeContext,
): HostExpression | undefined {
  if (!expression) {
    context.problems.error("missing-setting", "`ema` needs `decay`", file.name, call.span, {
      hints: ["`decay = 0.99`, or a course such as `decay = cosine(0.996 to 1)`"],
    });
    return undefined;
  }
  const scope = context.scope(file, new Map(), true);
  const decay = toHost(evaluateSetting(expression, scope), scope, expression.span);
  if (decay?.kind === "number" && (decay.value < 0 || decay.value > 1)) {
    context.problems.error(
      "wrong-setting",
      `\`decay\` of \`ema\` takes a number from 0 to 1, but this is ${decay.value}`,
      file.name,
      expression.span,
    );
    return hostNumber(0);
  }
  return decay;
}

function updateOf(
  expression: Expression | undefined,
  { file }: PlacedClause,
  context: RecipeContext,
): Twin["update"] {
  if (!expression || expression.kind === "missing") return "after_step";
  const word = expression.kind === "name" ? expression.name : "";
  const update = updates.find((known) => known === word);
  if (update) return update;
  context.problems.error(
    "wrong-setting",
    `\`update\` of \`ema\` takes ${updates.join(" or ")}`,
    file.name,
    expression.span,
    nearestHint(word, updates),
  );
  return "after_step";
}

/** The net value of a twin in one graph. */
export function twinNet(dataflow: Dataflow, placed: PlacedClause): Value {
  const settings = twinSettings(placed, dataflow.context);
  if (!settings) return poison;
  const name = (placed.clause as NamedClause).name.text;
  const of = dataflow.evaluate(settings.of, placed.file);
  if (of.kind === "poison") return poison;
  if (of.kind !== "net" || of.ownership.kind !== "own") {
    dataflow.context.problems.error(
      "wrong-twin",
      "a twin follows a net or a part of one",
      placed.file.name,
      settings.of.span,
    );
    return poison;
  }
  const net: NetValue = dataflow.evaluator.twin(name, of);
  // Evaluation form is what a frozen net has, and a twin has no parameters that could lose their training by it.
  if (!settings.training) dataflow.evaluator.instances.frozen.add(name);
  return net;
}

/** The twins that anything reads: which of their states follows which parameter. `renewed` are the states of a step. */
export function lowerTwins(
  context: RecipeContext,
  instances: Instances,
  states: ReadonlySet<string>,
  renewed: ReadonlySet<string>,
): readonly Twin[] {
  return context.effective.clauses.flatMap((placed): readonly Twin[] => {
    if (placed.clause.kind !== "twin") return [];
    const settings = twinSettings(placed, context);
    const name = placed.clause.name.text;
    const follows = [...instances.follows]
      .filter(([state]) => isUnder(state, name) && states.has(state))
      .map(([state, parameter]) => ({ state, parameter }));
    const statistics = [...instances.statistics]
      .filter(([state, of]) => isUnder(state, name) && states.has(state) && renewed.has(of))
      .filter(([state]) => !renewed.has(state))
      .map(([state, of]) => ({ state, of }));
    if (!settings || follows.length === 0) return [];
    return [{ name, follows, statistics, decay: settings.decay, update: settings.update }];
  });
}
