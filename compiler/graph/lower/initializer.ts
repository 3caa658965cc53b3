// `~ truncated(std = 0.02)`: distributions that parameters and states start from. What depends on the shape (Glorot,
// He) is reduced here to one of the kinds that every host knows: constant, normal, truncated, uniform, file, copy.
import type { Expression } from "../../../grammar/syntax.ts";
import type { Initializer } from "../graph.ts";
import type { HostExpression } from "../lowered.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { hostOf } from "./host-value.ts";
import { ruleFor } from "./initializer-rules.ts";
import type { Instances } from "./instances.ts";
import type { Place } from "./place.ts";
import type { Scope } from "./scope.ts";
import { expectWord } from "./settings.ts";
import type { CourseValue, DistributionValue } from "./value.ts";

interface Distribution {
  readonly about: string;
  /** Names of its settings, in order; a list is a closed set of words. */
  readonly settings: Readonly<Record<string, "number" | "course" | "text" | readonly string[]>>;
  readonly defaults: Readonly<Record<string, number | string>>;
  /** For a draw of chance as well as for an initial value, or one of them only. */
  readonly use: "both" | "initial" | "draw";
  reduce?(settings: Initializer["settings"], shape: readonly number[]): Initializer;
}

const fans = ["in", "out"] as const;

/** Every distribution by name. */
export const distributions: Readonly<Record<string, Distribution>> = {
  zeros: { about: "all 0", settings: {}, defaults: {}, use: "initial" },
  ones: { about: "all 1", settings: {}, defaults: {}, use: "initial" },
  constant: {
    about: "one number everywhere",
    settings: { value: "number" },
    defaults: {},
    use: "initial",
  },
  normal: {
    about: "normal",
    settings: { std: "number", mean: "number" },
    defaults: { std: 1, mean: 0 },
    use: "both",
  },
  truncated: {
    about: "normal, drawn again beyond two standard deviations",
    settings: { std: "number", mean: "number" },
    defaults: { std: 1, mean: 0 },
    use: "both",
  },
  uniform: {
    about: "uniform between two numbers",
    settings: { range: "course" },
    defaults: {},
    use: "both",
  },
  glorot_uniform: {
    about: "uniform within sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010)",
    settings: {},
    defaults: {},
    use: "initial",
    reduce: (_, shape) => uniformWithin(Math.sqrt(6 / (fanOf(shape, "in") + fanOf(shape, "out")))),
  },
  glorot_normal: {
    about: "normal with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)",
    settings: {},
    defaults: {},
    use: "initial",
    reduce: (_, shape) => normalOf(Math.sqrt(2 / (fanOf(shape, "in") + fanOf(shape, "out")))),
  },
  he_normal: {
    about: "normal with variance 2 / fan (He et al., 2015)",
    settings: { fan: fans },
    defaults: { fan: "in" },
    use: "initial",
    reduce: (settings, shape) => normalOf(Math.sqrt(2 / fanOf(shape, settings["fan"]))),
  },
  he_uniform: {
    about: "uniform within sqrt(6 / fan) (He et al., 2015)",
    settings: { fan: fans },
    defaults: { fan: "in" },
    use: "initial",
    reduce: (settings, shape) => uniformWithin(Math.sqrt(6 / fanOf(shape, settings["fan"]))),
  },
  lecun_normal: {
    about: "truncated normal with variance 1 / fan in (LeCun et al., 1998)",
    settings: {},
    defaults: {},
    use: "initial",
    reduce: (_, shape) => ({
      kind: "truncated",
      settings: { std: Math.sqrt(1 / fanOf(shape, "in")), mean: 0 },
    }),
  },
  file: { about: "an array in a file", settings: { name: "text" }, defaults: {}, use: "initial" },
  bernoulli: {
    about: "true with a probability",
    settings: { p: "number" },
    defaults: {},
    use: "draw",
  },
  permutation: { about: "0 … n - 1 in any order", settings: {}, defaults: {}, use: "draw" },
  beta: { about: "beta", settings: { a: "number", b: "number" }, defaults: {}, use: "draw" },
};

function normalOf(std: number): Initializer {
  return { kind: "normal", settings: { std, mean: 0 } };
}

function uniformWithin(bound: number): Initializer {
  return { kind: "uniform", settings: { low: -bound, high: bound } };
}

/** Inputs (or outputs) that a weight [.. kernel, in, out] joins to each output (or input). */
function fanOf(
  shape: readonly number[],
  which: string | number | readonly number[] | undefined,
): number {
  const kernel = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const inputs = shape.at(-2) ?? shape.at(-1) ?? 1;
  const outputs = shape.at(-1) ?? 1;
  return kernel * (which === "out" ? outputs : inputs);
}

/** A distribution with its settings; only those of a draw may change with the step. Undefined: reported. */
export function evaluateDistribution(
  e: Evaluator,
  expression: Expression,
  scope: Scope,
  isDraw = false,
): DistributionValue | undefined {
  if (expression.kind === "missing") return undefined;
  const callee = expression.kind === "call" ? expression.callee : expression;
  const at = e.at(callee.span, scope);
  const distribution = callee.kind === "name" ? distributions[callee.name] : undefined;
  if (callee.kind !== "name" || distribution === undefined) {
    const name = callee.kind === "name" ? callee.name : undefined;
    e.fail(errors.unknownDistribution(name, Object.keys(distributions), at), scope);
    return undefined;
  }
  const settings: Record<string, number | string> = { ...distribution.defaults };
  const byStep: Record<string, HostExpression> | undefined = isDraw ? {} : undefined;
  const names = Object.keys(distribution.settings);
  const given = new Set<string>();
  for (const [i, argument] of (expression.kind === "call" ? expression.arguments : []).entries()) {
    const place = e.at(argument.span, scope);
    const name = argument.kind === "argument" ? (argument.name?.text ?? names[i]) : undefined;
    const kind = name === undefined ? undefined : distribution.settings[name];
    if (argument.kind !== "argument" || name === undefined || kind === undefined) {
      e.fail(errors.unknownSetting(callee.name, name ?? "", names, place), scope);
      return undefined;
    }
    given.add(name);
    if (!readSetting(e, argument.value, name, kind, { settings, byStep }, scope)) return undefined;
  }
  const missing = names.filter((name) => !given.has(name) && !(name in distribution.defaults));
  if (missing.length > 0) {
    e.fail(errors.missingSettings(callee.name, missing, e.at(expression.span, scope)), scope);
    return undefined;
  }
  return { kind: "distribution", name: callee.name, settings, byStep: byStep ?? {} };
}

/** Where settings that were read go; `byStep` only where these are allowed. */
interface ReadSettings {
  readonly settings: Record<string, number | string>;
  readonly byStep: Record<string, HostExpression> | undefined;
}

function readSetting(
  e: Evaluator,
  expression: Expression,
  name: string,
  kind: "number" | "course" | "text" | readonly string[],
  { settings, byStep }: ReadSettings,
  scope: Scope,
): boolean {
  const at = e.at(expression.span, scope);
  if (typeof kind !== "string") {
    const word = expectWord(e, expression, kind, scope);
    if (word.kind === "choice") settings[name] = word.word;
    return word.kind === "choice";
  }
  const value = e.evaluate(expression, scope);
  if (value.kind === "poison") return false;
  if (kind === "number" && value.kind === "number") settings[name] = value.value;
  else if (kind === "number" && value.kind === "host" && byStep) byStep[name] = value.expression;
  else if (kind === "text" && value.kind === "string") settings[name] = value.value;
  else if (
    kind === "course" &&
    value.kind === "course" &&
    value.from.kind === "number" &&
    value.to.kind === "number"
  ) {
    settings["low"] = value.from.value;
    settings["high"] = value.to.value;
  } else if (kind === "course" && value.kind === "course" && byStep && areHosts(value)) {
    byStep["low"] = hostOf(value.from)!;
    byStep["high"] = hostOf(value.to)!;
  } else {
    const wanted = { number: "a number", course: "a course such as `0 to 1`", text: "a text" }[
      kind
    ];
    e.fail(errors.settingType(name, wanted, describeValue(value, scope.roles), at), scope);
    return false;
  }
  return true;
}

function areHosts({ from, to }: CourseValue): boolean {
  return hostOf(from) !== undefined && hostOf(to) !== undefined;
}

/** The initializer of a parameter at a path: from a call above, a rule of a body around, or as declared. */
export function initializerFor(
  instances: Instances,
  place: Place,
  path: string,
  declared: DistributionValue,
  shape: readonly number[],
): Initializer {
  const rule = ruleFor(instances, place, path);
  const override = place.overrides.find((each) => each.path === path);
  if (override !== undefined) {
    // Every call on the way that names the path has been heard, though the outermost wins.
    for (const each of place.overrides) if (each.path === path) each.used.value = true;
    return reduced(override.override.initializer, shape);
  }
  return reduced(rule?.initializer ?? declared, shape);
}

function reduced(value: DistributionValue, shape: readonly number[]): Initializer {
  const reduce = distributions[value.name]?.reduce;
  return reduce === undefined
    ? { kind: value.name, settings: value.settings }
    : reduce(value.settings, shape);
}
