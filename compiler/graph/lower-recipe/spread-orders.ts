// `spread_permutations(2000, of = 9, by = mean)` among the settings of a recipe -> the orders, a list of lists of places.
import type { CallExpression } from "../../../grammar/syntax.ts";
import type { CatalogSetting } from "../../model/catalog.ts";
import { resolveSettings } from "./catalog-settings.ts";
import { numberValue, unknownValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import type { SettingScope } from "./setting-scope.ts";
import { factorial, spreadPermutations } from "./spread-permutations.ts";
import type { SpreadRule } from "./spread-permutations.ts";

/** 10! candidates are the most that going through all of them stands (`by = min`). */
const settings: readonly CatalogSetting[] = [
  { name: "count", type: { kind: "int", least: 1 }, about: "how many permutations" },
  { name: "of", type: { kind: "int", least: 1, most: 10 }, about: "how many places" },
  {
    name: "by",
    type: { kind: "choice", options: ["mean", "min"] },
    default: "mean",
    about: "which distance to those before is made large: the mean or the least",
  },
];

/** Known where the recipe is compiled: the same for every run. */
export function spreadOrders(call: CallExpression, scope: SettingScope): RecipeValue {
  const name = "spread_permutations";
  const { span } = call;
  const given = resolveSettings({ name, settings, arguments: call.arguments, span }, scope);
  if (!given) return unknownValue;
  const [count, of, by] = [Number(given.count), Number(given.of), given.by as SpreadRule];
  const orders = spreadPermutations(count, of, by);
  if (orders) {
    const items = orders.map((order): RecipeValue => ({
      kind: "list",
      items: order.map(numberValue),
    }));
    return { kind: "list", items };
  }
  scope.problems.error(
    "wrong-setting",
    `${of} places have ${factorial(of)} permutations, fewer than ${count}`,
    scope.file,
    span,
  );
  return unknownValue;
}
