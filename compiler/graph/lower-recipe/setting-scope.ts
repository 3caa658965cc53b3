// What names mean where a setting is evaluated, and how its value is read there: as a list, as a number of the host, as a
// condition. What does not fit is reported once.
import type { Binding, Expression, Span, Type } from "../../../grammar/syntax.ts";
import { hostNumber } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import type { Clock, Duration } from "./clock.ts";
import { durationInSteps } from "./clock.ts";
import type { Problems } from "./problems.ts";
import { describeValue, knownNumber, numberValue, unknownValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";

/** What a name means where a setting is evaluated. */
export interface SettingScope {
  readonly file: string;
  readonly problems: Problems;
  readonly lookup: (name: string) => RecipeValue | undefined;
  /** Names to suggest for a misspelt one. */
  readonly names: () => readonly string[];
  /** True where `step`, `epoch`, `steps` and `steps_per_epoch` have a meaning: in courses. */
  readonly isCourse: boolean;
  /** Undefined before batch and data are known: then a duration has no length in steps. */
  readonly clock: Clock | undefined;
  /** Functions that are being applied, to refuse recursion. */
  readonly applying: readonly string[];
  /** `evaluateSetting`: here, so that functions and what evaluates their calls need not import each other. */
  readonly evaluate: (expression: Expression, scope: SettingScope, expected?: Type) => RecipeValue;
}

/** The scope in which one name (or a tuple of names) stands for a value. */
export function withBinding(
  scope: SettingScope,
  binding: Binding,
  value: RecipeValue,
): SettingScope {
  const names = binding.names.map((name) => name.text);
  const parts = binding.isTuple ? partsOf(value) : [value];
  if (parts.length !== names.length && value.kind !== "unknown") {
    const message = `${names.length} names are given, but this has ${parts.length === 0 ? "no parts" : `${parts.length} parts`}: ${describeValue(value)}`;
    scope.problems.error("wrong-binding", message, scope.file, binding.span);
  }
  const bound = new Map(names.map((name, i) => [name, parts[i] ?? unknownValue]));
  return {
    ...scope,
    lookup: (name) => bound.get(name) ?? scope.lookup(name),
    names: () => [...bound.keys(), ...scope.names()],
  };
}

/** What a tuple of names may take apart, and `.0` and `.1` ask for. */
export function partsOf(value: RecipeValue): readonly RecipeValue[] {
  switch (value.kind) {
    case "tuple":
    case "list":
      return value.items;
    case "course":
    case "range":
      return [value.from, value.to];
    default:
      return [];
  }
}

/** The elements of a list; a count stands for 0 … n - 1. Undefined (and reported) for anything else. */
export function listItems(
  value: RecipeValue,
  scope: SettingScope,
  span: Span,
): readonly RecipeValue[] | undefined {
  if (value.kind === "list" || value.kind === "tuple") return value.items;
  const count = knownNumber(value);
  if (count !== undefined && Number.isInteger(count) && count >= 0 && count <= 100_000) {
    return Array.from({ length: count }, (_, i) => numberValue(i));
  }
  if (value.kind !== "unknown") {
    scope.problems.error(
      "not-a-list",
      `a list is needed here, but this is ${describeValue(value)}`,
      scope.file,
      span,
    );
  }
  return undefined;
}

/** A number as a host expression; a duration becomes its steps, a bool 1 or 0. Undefined (and reported) otherwise. */
export function toHost(
  value: RecipeValue,
  scope: SettingScope,
  span: Span,
): HostExpression | undefined {
  switch (value.kind) {
    case "number":
      return value.host;
    case "bool":
      return hostNumber(value.value ? 1 : 0);
    case "duration": {
      const steps = scope.clock && durationInSteps(value, scope.clock);
      if (steps !== undefined) return hostNumber(steps);
      refuseEpochs(value, scope, span);
      return undefined;
    }
    case "unknown":
      return undefined;
    default:
      scope.problems.error(
        "not-a-number",
        `a number is needed here, but this is ${describeValue(value)}`,
        scope.file,
        span,
      );
      return undefined;
  }
}

/** How long an epoch is depends on the size of the data, which is not always known. */
export function refuseEpochs({ amount, unit }: Duration, scope: SettingScope, span: Span): void {
  const message = `how many steps \`${amount} ${unit}\` are is not known: the size of the data is not`;
  scope.problems.error("unknown-length", message, scope.file, span, {
    hints: ["say it in steps, as in `10_000 steps`"],
  });
}

export function sameValue(a: RecipeValue, b: RecipeValue): boolean {
  return a.kind === b.kind && JSON.stringify(a) === JSON.stringify(b);
}

/** A condition: a bool, or an optional value (is it there?). Undefined where only the step can tell. */
export function truthOf(value: RecipeValue): boolean | undefined {
  if (value.kind === "bool") return value.value;
  if (value.kind === "none") return false;
  return value.kind === "number" && value.host.kind !== "number" ? undefined : true;
}
