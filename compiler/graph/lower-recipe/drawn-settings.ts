// `draw patch from [8, 16, 32]`: settings that are drawn anew at each step, from a list that is known. A program has
// shapes, so each combination of what can be drawn is lowered by itself, over the same parameters.
import type { SettingDraw } from "../../../grammar/syntax.ts";
import type { DrawnSetting, DrawnValue } from "../lowered.ts";
import type { Value } from "../lower/value.ts";
import { dataflowValue } from "./dataflow-value.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber, printValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";

/** Each combination is a training step of its own to compile. */
export const mostCombinations = 64;

export interface DrawnSettings {
  readonly settings: readonly DrawnSetting[];
  /** What each name stands for, for every combination; the last setting varies fastest. One, empty, without draws. */
  readonly combinations: readonly ReadonlyMap<string, Value>[];
}

const nothingDrawn: DrawnSettings = { settings: [], combinations: [new Map()] };

/** Undefined where a draw is wrong (and reported). */
export function drawnSettings(context: RecipeContext): DrawnSettings | undefined {
  let drawn = nothingDrawn;
  for (const placed of context.effective.clauses) {
    const { clause } = placed;
    if (clause.kind !== "draw-setting") continue;
    const items = itemsOf({ ...placed, clause }, context);
    if (!items) return undefined;
    const name = clause.name.text;
    const values = items.map(({ shown }) => shown);
    const combinations = drawn.combinations.flatMap((before) =>
      items.map(({ value }) => new Map([...before, [name, value]])),
    );
    if (combinations.length > mostCombinations) {
      context.problems.error(
        "too-many-choices",
        `these draws have ${combinations.length} combinations, and each is a program of its own: ${mostCombinations} are the most`,
        placed.file.name,
        clause.span,
        { hints: ["draw from fewer values, or draw fewer settings"] },
      );
      return undefined;
    }
    drawn = { settings: [...drawn.settings, { name, values }], combinations };
  }
  return drawn;
}

interface Item {
  readonly value: Value;
  readonly shown: DrawnValue;
}

function itemsOf(
  { clause, file }: PlacedClause & { readonly clause: SettingDraw },
  context: RecipeContext,
): readonly Item[] | undefined {
  const from = evaluateSetting(clause.from, context.scope(file));
  if (from.kind === "unknown") return undefined;
  const items = from.kind === "list" || from.kind === "tuple" ? from.items : [];
  const found = items.flatMap((item): Item[] => {
    const value = dataflowValue(item);
    const isKnown = value && value.kind !== "poison" && value.kind !== "host";
    return isKnown ? [{ value, shown: shownValue(item) }] : [];
  });
  if (found.length > 0 && found.length === items.length) return found;
  context.problems.error(
    "wrong-setting",
    `\`${clause.name.text}\` is drawn from a list of settings, but this is ${describeValue(from)}`,
    file.name,
    clause.from.span,
    {
      hints: [
        `\`draw ${clause.name.text} from [8, 16, 32]\` is a setting; a random number is \`draw ${clause.name.text} ~ uniform(0..1)\``,
      ],
    },
  );
  return undefined;
}

function shownValue(value: RecipeValue): DrawnValue {
  if (value.kind === "bool") return value.value;
  return knownNumber(value) ?? printValue(value);
}
