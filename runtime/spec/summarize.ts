// A resolved model or recipe -> its figures, as `vit summary --json` prints them.
import type { TensorGraph } from "../../compiler/graph/graph.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import type { LoweredModel } from "../../compiler/graph/lowered.ts";
import type { ResolvedSpec } from "./open-spec.ts";

export interface SpecSummary {
  readonly parameters: number;
  readonly trainable: number;
  /** Multiply-adds of contractions and convolutions for one example. */
  readonly macs: number;
  readonly inputs: LoweredModel["inputs"];
  readonly outputs: LoweredModel["outputs"];
  readonly modules: readonly ModuleSummary[];
}

export interface ModuleSummary {
  readonly path: string;
  readonly block: string;
  readonly parameters: number;
  readonly macs: number;
  readonly output: string;
}

/** Of a recipe: the inputs, outputs and multiply-adds of its prediction. */
export function summarize(spec: ResolvedSpec): SpecSummary {
  const { modules, parameters } =
    spec.kind === "model"
      ? { modules: spec.model.modules, parameters: spec.model.graph.parameters }
      : spec.recipe;
  const total = (counted: readonly { readonly shape: readonly number[] }[]) =>
    counted.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const tops = modules.filter(({ path }) => !path.includes("."));
  const ends = spec.kind === "model" ? spec.model : endsOf(spec.recipe.predict?.graph);
  return {
    parameters: total(parameters),
    trainable: total(parameters.filter(({ trainable }) => trainable)),
    macs:
      spec.kind === "model"
        ? (modules.find(({ path }) => path === "")?.macs ?? 0)
        : tops.reduce((sum, { macs }) => sum + macs, 0),
    inputs: ends.inputs,
    outputs: ends.outputs,
    modules: modules.map(({ path, block, parameters: own, macs, output }) => ({
      path,
      block,
      parameters: own,
      macs,
      output,
    })),
  };
}

/** A recipe's views have no names for their axes but the first. */
function endsOf(graph: TensorGraph | undefined): Pick<SpecSummary, "inputs" | "outputs"> {
  const axes = (shape: readonly number[]) => shape.map((_, i) => (i === 0 ? "batch" : ""));
  return {
    inputs: (graph?.inputs ?? []).map(({ name, shape, dtype }) => ({
      name,
      axes: axes(shape),
      shape,
      dtype,
    })),
    outputs: (graph?.outputs ?? []).map(({ name, value: { shape, dtype } }) => ({
      name,
      axes: axes(shape),
      shape,
      dtype,
    })),
  };
}
