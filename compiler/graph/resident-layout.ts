// Parameters, states, slots and twins -> the flat arrays that hold them in device memory, and graphs over these.
// Parameters that are renewed together lie one behind the other, so that an optimizer written for one parameter runs
// over all of them at once; a parameter is then a slice of the array, which costs nothing.
import type { ResidentLayout, ResidentPart } from "../compiled.ts";
import { Builder } from "./builder.ts";
import type { DType, Node, Output, TensorGraph, Update } from "./graph.ts";
import { elementCount } from "./graph.ts";

export type Part = Omit<ResidentPart, "resident" | "offset">;

/** Collects residents; parts lie in the order in which they are given, without gaps. */
export class LayoutBuilder {
  private readonly residents = new Map<string, { dtype: DType; length: number }>();
  private readonly parts = new Map<string, ResidentPart>();

  /** A new array with these parts. @throws Error where a path or name is taken */
  add(resident: string, parts: readonly Part[]): void {
    const dtype = parts[0]?.dtype ?? "f32";
    let length = 0;
    for (const part of parts) {
      if (this.parts.has(part.path)) throw new Error(`\`${part.path}\` has a place already`);
      this.parts.set(part.path, { ...part, resident, offset: length });
      length += elementCount(part.shape);
    }
    if (this.residents.has(resident))
      throw new Error(`there is a resident \`${resident}\` already`);
    this.residents.set(resident, { dtype, length });
  }

  has(path: string): boolean {
    return this.parts.has(path);
  }

  finish(): ResidentLayout {
    const residents = [...this.residents].map(([name, { dtype, length }]) => ({
      name,
      dtype,
      length,
    }));
    return { residents, parts: [...this.parts.values()] };
  }
}

/** Long arrays first whose length is a multiple of 4, so that most parts begin where a vector may. */
export function packingOrder<T extends { readonly shape: readonly number[] }>(
  parts: readonly T[],
): T[] {
  const isAligned = (part: T) => elementCount(part.shape) % 4 === 0;
  return [...parts.filter(isAligned), ...parts.filter((part) => !isAligned(part))];
}

/** Runs of arrays of at most `limit` elements; one that is longer by itself stands alone (the planner refuses it). */
export function splitInRuns<T extends { readonly shape: readonly number[] }>(
  parts: readonly T[],
  limit: number,
): T[][] {
  const runs: T[][] = [];
  let room = 0;
  for (const part of parts) {
    const size = elementCount(part.shape);
    if (runs.length === 0 || size > room) {
      runs.push([]);
      room = limit;
    }
    runs.at(-1)!.push(part);
    room -= size;
  }
  return runs;
}

/** The leaf of a whole resident array, flat. */
export function residentLeaf(g: Builder, layout: ResidentLayout, name: string): Node {
  const resident = layout.residents.find((each) => each.name === name);
  if (!resident) throw new Error(`there is no resident \`${name}\``);
  return g.add("resident", [], { name, shape: [resident.length], dtype: resident.dtype });
}

/**
 * The same graph with every `parameter` and `state` leaf read from its place in a resident array; a state may be a
 * whole resident by its name (an optimizer's slot for a group).
 * Updates by path must have become updates of whole residents (`updates`), or be of residents with one part.
 */
export function placeResidents(graph: TensorGraph, layout: ResidentLayout): TensorGraph {
  const parts = new Map(layout.parts.map((part) => [part.path, part]));
  const lengths = new Map(layout.residents.map((resident) => [resident.name, resident.length]));
  const g = new Builder();
  for (const { name, shape, dtype } of graph.inputs) g.input(name, { shape, dtype });
  const bare: TensorGraph = { ...graph, inputs: graph.inputs, parameters: [], states: [] };
  const copies = g.import(bare, (node) => {
    if (node.op !== "parameter" && node.op !== "state") return undefined;
    const path = String(node.attributes["path"]);
    const part = parts.get(path);
    const resident = part?.resident ?? path;
    const length = lengths.get(resident);
    if (length === undefined) throw new Error(`\`${path}\` has no place in memory`);
    const attributes = { name: resident, shape: [length], dtype: node.dtype };
    return g.under(node.origin, () => {
      const whole = g.add("resident", [], attributes);
      const size = elementCount(node.shape);
      return g.reshape(g.slice(whole, [part?.offset ?? 0], [size]), node.shape);
    });
  });
  const outputs: Output[] = graph.outputs.map(({ name, value }) => ({
    name,
    value: copies.get(value)!,
  }));
  const updates: Update[] = graph.updates.map(({ path, value }) => {
    const part = parts.get(path);
    if (part && elementCount(part.shape) !== lengths.get(part.resident))
      throw new Error(`\`${path}\` is a part of \`${part.resident}\` and cannot be renewed alone`);
    const flat = g.reshape(copies.get(value)!, [elementCount(value.shape)]);
    return { path: part?.resident ?? path, value: flat };
  });
  return g.finish({ outputs, updates });
}
