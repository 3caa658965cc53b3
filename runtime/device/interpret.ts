// The device `interpret`: runs the graphs of a compilation in float64, one node after the other. The oracle for all
// others, and slow. Residents are doubles and stay doubles from step to step; updates are written after the run.
import type { Compiled } from "../../compiler/compiled.ts";
import type { Node, TensorGraph } from "../../compiler/graph/graph.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import { interpret } from "../../compiler/graph/interpret.ts";
import { WorldError } from "../errors.ts";
import type { RunOptions, TypedArray } from "./device.ts";
import { found, partsByPath } from "./loaded-compilation.ts";
import type { LoadedCompilation } from "./loaded-compilation.ts";

export interface InterpreterOptions {
  /** Sees each node's values as they are made; it may round them in place. */
  readonly observe?: (node: Node, values: Float64Array) => void;
}

/** All residents are zero until they are written. */
export function createInterpreter(
  compiled: Compiled,
  options: InterpreterOptions = {},
): LoadedCompilation {
  const graphs = new Map(compiled.graphs.map(({ name, graph }) => [name, graph]));
  const parts = partsByPath(compiled);
  const residents = new Map(
    compiled.layout.residents.map(({ name, length }) => [name, new Float64Array(length)]),
  );
  const inputs = new Map<string, Map<string, Float64Array>>();
  const outputs = new Map<string, ReadonlyMap<string, Float64Array>>();
  let kept: ReadonlyMap<string, Float64Array>[] = [];

  const placeOf = (path: string): Float64Array => {
    const { resident, offset, shape } = found(parts, path, "part");
    return found(residents, resident, "resident").subarray(offset, offset + elementCount(shape));
  };

  const run = (
    entry: string,
    given: ReadonlyMap<string, TypedArray>,
    how: RunOptions = {},
  ): void => {
    const graph = found(graphs, entry, "entry");
    const last = inputs.get(entry) ?? new Map<string, Float64Array>();
    inputs.set(entry, last);
    for (const [name, values] of given) last.set(name, checkedInput(graph, entry, name, values));
    const made = interpret(graph, last, residents, options.observe);
    for (const [name, values] of made.updates) found(residents, name, "resident").set(values);
    outputs.set(entry, made.outputs);
    if (how.isKept)
      kept.push(new Map([...made.outputs].map(([name, values]) => [name, values.slice()])));
  };

  return {
    compiled,
    allocatedBytes: 0,
    hasEntry: (entry) => graphs.has(entry),
    inputs: (entry) => found(graphs, entry, "entry").inputs,
    writePart: (path, values) => {
      const place = placeOf(path);
      if (values.length !== place.length)
        throw new Error(
          `\`${path}\` holds ${place.length} numbers, but was given ${values.length}`,
        );
      place.set(values);
    },
    readPart: async (path) => placeOf(path).slice(),
    runsAhead: false,
    run,
    readOutput: async (entry, name) => {
      const made = found(outputs, entry, "run of entry").get(name);
      if (made === undefined) throw new Error(`entry \`${entry}\` has no output \`${name}\``);
      return made.slice();
    },
    keptOutputs: async () => {
      const all = kept;
      kept = [];
      return all;
    },
    pace: async () => {},
    finish: async () => {},
    profile: async () => {
      throw new WorldError("unsupported", "the interpreter has no kernels to time", "use --device wasm or webgpu"); // prettier-ignore
    },
    close: () => {},
  };
}

function checkedInput(
  graph: TensorGraph,
  entry: string,
  name: string,
  values: TypedArray,
): Float64Array {
  const input = graph.inputs.find((candidate) => candidate.name === name);
  if (input === undefined) throw new Error(`entry \`${entry}\` has no input \`${name}\``);
  if (values.length !== elementCount(input.shape))
    throw new Error(
      `\`${name}\` holds ${elementCount(input.shape)} numbers, but was given ${values.length}`,
    );
  return Float64Array.from(values);
}
