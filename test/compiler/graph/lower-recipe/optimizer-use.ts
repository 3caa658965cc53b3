// An optimizer by what a recipe says of it, ready to be applied.
import { groupParameters } from "../../../../compiler/graph/lower-recipe/groups.ts";
import type { OptimizerUse } from "../../../../compiler/graph/lowered.ts";
import { openRecipe } from "./recipe-text.ts";

export function optimizer(text: string): OptimizerUse {
  const { context, said } = openRecipe(`recipe r() { optimizer = ${text} }`);
  const parameter = {
    path: "w",
    shape: [2],
    dtype: "f32",
    initializer: { kind: "zeros", settings: {} },
    trainable: true,
    block: "",
    origin: { path: "w" },
  } as const;
  const groups = groupParameters(context, [parameter], { kind: "number", value: 0.1 }, [parameter]);
  if (!groups) throw new Error(said());
  return groups[0]!.optimizer;
}
