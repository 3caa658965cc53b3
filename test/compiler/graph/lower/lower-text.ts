// Lowers models written in a test, with the standard library at hand, and runs them in float64.
import { readFileSync, readdirSync } from "node:fs";
import { interpret } from "../../../../compiler/graph/interpret.ts";
import type { TensorGraph } from "../../../../compiler/graph/graph.ts";
import type { LoweredModel } from "../../../../compiler/graph/lowered.ts";
import { lowerModel, type ModelRequest } from "../../../../compiler/graph/lower-model.ts";
import { verify } from "../../../../compiler/graph/verify.ts";
import { loadLibrary, type LoadedLibrary } from "../../../../compiler/model/load-library.ts";
import { elementCount } from "../../../../compiler/ops/shape.ts";
import { renderDiagnostics } from "../../../../grammar/diagnostic.ts";

const root = new URL("../../../../", import.meta.url);

function shippedSpecs(): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of ["specs/std/", "specs/"]) {
    for (const name of readdirSync(new URL(folder, root))) {
      if (name.endsWith(".vit"))
        files.set(folder + name, readFileSync(new URL(folder + name, root), "utf8"));
    }
  }
  return files;
}

const shipped = shippedSpecs();

/** A library whose entry is `text` under the name `test.vit`; `files` lie beside it. */
export function libraryOf(
  text: string,
  files: Readonly<Record<string, string>> = {},
): LoadedLibrary {
  const all: Readonly<Record<string, string>> = { ...files, "test.vit": text };
  return loadLibrary({ read: (name) => all[name], shipped }, "test.vit");
}

/** @throws with the rendered diagnostics where there are any. */
export function lowered(
  text: string,
  model: string,
  request: Partial<ModelRequest> = {},
): LoweredModel {
  const { library, diagnostics } = libraryOf(text);
  const result = lowerModel(library, { file: "test.vit", model, ...request });
  const all = [...diagnostics, ...result.diagnostics];
  if (result.model === undefined || all.length > 0)
    throw new Error(renderDiagnostics(all, result.sources));
  verify(result.model.graph);
  return result.model;
}

/** The rendered diagnostics of a model that is wrong. */
export function problemsOf(
  text: string,
  model: string,
  request: Partial<ModelRequest> = {},
): string {
  const { library, diagnostics } = libraryOf(text);
  const result = lowerModel(library, { file: "test.vit", model, ...request });
  return renderDiagnostics([...diagnostics, ...result.diagnostics], result.sources);
}

/** Paths of all parameters with their shapes: `head.weight [4, 10]`. */
export function pathsOf({ graph }: LoweredModel): string[] {
  return graph.parameters.map(({ path, shape }) => `${path} [${shape.join(", ")}]`);
}

/** Outputs for given inputs and arrays; arrays that are not given count up in small steps, each from another start. */
export function run(
  { graph }: LoweredModel,
  inputs: Readonly<Record<string, readonly number[]>>,
  arrays: Readonly<Record<string, readonly number[]>> = {},
): Map<string, Float64Array> {
  return interpreted(graph, inputs, arrays).outputs as Map<string, Float64Array>;
}

export function interpreted(
  graph: TensorGraph,
  inputs: Readonly<Record<string, readonly number[]>>,
  arrays: Readonly<Record<string, readonly number[]>> = {},
) {
  const values = new Map<string, Float64Array>();
  for (const leaf of [...graph.parameters, ...graph.states]) {
    values.set(
      leaf.path,
      Float64Array.from(
        arrays[leaf.path] ?? someNumbers(elementCount(leaf.shape), leaf.path.length),
      ),
    );
  }
  const given = new Map<string, Float64Array>();
  for (const input of graph.inputs) {
    const counter = input.name === "seed" || input.name === "step" ? [1] : undefined;
    given.set(input.name, Float64Array.from(inputs[input.name] ?? counter ?? []));
  }
  return interpret(graph, given, values);
}

/** Different small numbers, the same at every run. */
export function someNumbers(count: number, start = 0): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 0.7 + start) * 0.8);
}
