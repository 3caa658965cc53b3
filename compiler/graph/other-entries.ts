// Evaluations, prediction and a model's forward pass -> graphs over residents, as every target runs them.
import type { EntryGraph, ResidentLayout } from "../compiled.ts";
import type { LoweredModel, LoweredRecipe } from "./lowered.ts";
import { placeModel } from "./place-model.ts";
import { recognise } from "./recognise.ts";
import { placeResidents } from "./resident-layout.ts";
import { simplify } from "./simplify.ts";

/** Evaluations and prediction, over the residents of the training step. */
export function otherEntries(recipe: LoweredRecipe, layout: ResidentLayout): EntryGraph[] {
  const evaluations = recipe.evaluations.map(({ name, graph }) => ({
    name: `evaluate.${name}`,
    graph,
  }));
  const prediction = recipe.predict ? [{ name: "predict", graph: recipe.predict.graph }] : [];
  return [...evaluations, ...prediction].map(({ name, graph }) => ({
    name,
    graph: simplify(placeResidents(recognise(simplify(graph)).graph, layout), {
      isDifferentiated: true,
    }),
  }));
}

/** Entry `forward` of a model, over arrays of at most so many elements. */
export function forwardEntry(model: LoweredModel, residentElements: number) {
  const recognised = recognise(simplify(model.graph));
  const layout = placeModel(model.graph, residentElements);
  const graph = simplify(placeResidents(recognised.graph, layout), { isDifferentiated: true });
  return { entry: { name: "forward", graph }, layout, recognised };
}
