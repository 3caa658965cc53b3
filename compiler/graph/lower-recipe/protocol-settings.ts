// What the protocols of evaluations can be told besides their net and views, with defaults: plain numbers for the runtime,
// which documents what each does in `runtime/evaluation/`.
import type { Expression } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";

/** `count`: a whole number from 1. `duration`: epochs or steps of the fit, told apart by a second setting. */
type ProtocolSetting =
  | { readonly kind: "count"; readonly default: number }
  | { readonly kind: "positive"; readonly default: number }
  | { readonly kind: "duration"; readonly default: number };

export const protocols: {
  readonly [protocol: string]: { readonly [setting: string]: ProtocolSetting };
} = {
  nearest_neighbours: { k: { kind: "count", default: 20 } },
  linear_probe: {
    length: { kind: "duration", default: 90 },
    rate: { kind: "positive", default: 4 },
    batch: { kind: "count", default: 256 },
  },
};

type Settings = Readonly<Record<string, number | string>>;

/** By name; a duration as its amount, with its unit under `NAME.unit`. Undefined where one is wrong (and reported). */
export function protocolSettings(
  protocol: string,
  given: ReadonlyMap<string, Expression>,
  file: FileScope,
  context: RecipeContext,
): Settings | undefined {
  const settings: Record<string, number | string> = {};
  let isSound = true;
  for (const [name, setting] of Object.entries(protocols[protocol]!)) {
    const value = valueOf(name, setting, given.get(name), file, context);
    if (value) Object.assign(settings, value);
    else isSound = false;
  }
  return isSound ? settings : undefined;
}

function valueOf(
  name: string,
  setting: ProtocolSetting,
  given: Expression | undefined,
  file: FileScope,
  context: RecipeContext,
): Settings | undefined {
  const unit = `${name}.unit`;
  if (!given) {
    const value = { [name]: setting.default };
    return setting.kind === "duration" ? { ...value, [unit]: "epochs" } : value;
  }
  const value = evaluateSetting(given, context.scope(file));
  if (value.kind === "unknown") return undefined;
  if (setting.kind === "duration") {
    if (value.kind === "duration" && value.amount > 0 && isLength(value.unit))
      return { [name]: value.amount, [unit]: value.unit };
  } else {
    const number = knownNumber(value);
    const least = setting.kind === "count" ? 1 : Number.MIN_VALUE;
    const isFit = setting.kind === "count" ? Number.isInteger(number) : Number.isFinite(number);
    if (number !== undefined && isFit && number >= least) return { [name]: number };
  }
  context.problems.error(
    "wrong-setting",
    `\`${name}\` takes ${wanted[setting.kind]}, but this is ${describeValue(value)}`,
    file.name,
    given.span,
  );
  return undefined;
}

const wanted: Readonly<Record<ProtocolSetting["kind"], string>> = {
  count: "a whole number of at least 1",
  positive: "a number above 0",
  duration: "a duration in epochs or steps, such as `90 epochs`",
};

function isLength(unit: string): boolean {
  return unit === "epochs" || unit === "steps";
}
