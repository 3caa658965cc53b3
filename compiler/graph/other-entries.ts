// Evaluations, prediction and a model's forward pass -> graphs over residents, as every target runs them.
import type { EntryGraph, ResidentLayout } from "../compiled.ts";
import { joinProducts, wantedTogether } from "./join-products.ts";
import type { LoweredModel, LoweredRecipe } from "./lowered.ts";
import { placeModel } from "./place-model.ts";
import { recognise } from "./recognise.ts";
import type { Recognised } from "./recognise.ts";
import { placeResidents } from "./resident-layout.ts";
import { simplify } from "./simplify.ts";
import type { RuleSettings } from "./simplify.ts";

/** Evaluations and prediction, unless that is not wanted, over the residents of the training step. */
export function otherEntries(
  recipe: LoweredRecipe,
  layout: ResidentLayout,
  { prediction: isPredicting = true, ...settings }: RuleSettings & { prediction?: boolean } = {},
): EntryGraph[] {
  const evaluations = recipe.evaluations.map(({ name, graph }) => ({
    name: `evaluate.${name}`,
    graph,
  }));
  const prediction =
    recipe.predict && isPredicting ? [{ name: "predict", graph: recipe.predict.graph }] : [];
  return [...evaluations, ...prediction].map(({ name, graph }) => ({
    name,
    graph: placed(recognise(simplify(graph, settings), settings), layout, settings),
  }));
}

/** Entry `forward` of a model, over arrays of at most so many elements. */
export function forwardEntry(
  model: LoweredModel,
  residentElements: number,
  settings: RuleSettings = {},
) {
  const recognised = recognise(simplify(model.graph, settings), settings);
  const together = wantedTogether(recognised.graph, settings);
  const layout = placeModel(model.graph, residentElements, together);
  const graph = placed(recognised, layout, settings);
  return { entry: { name: "forward", graph }, layout, recognised };
}

function placed({ graph }: Recognised, layout: ResidentLayout, settings: RuleSettings) {
  const joined = joinProducts(graph, layout, settings);
  return simplify(placeResidents(joined, layout), { isDifferentiated: true, ...settings });
}
