// Two resolved models or recipes -> what differs, what it costs, and what it breaks.
//
// The level is the strictest of what was found:
//   same       nothing differs, the text included
//   text       names of blocks, layout and comments
//   recipe     the same network, trained in another way or from other first values
//   compute    the same parameters, another function
//   weights    a checkpoint loads with the adaptations listed: at least half of its numbers find their place
//   breaking   it does not
import type { Parameter, TensorGraph } from "../graph/graph.ts";
import { elementCount } from "../graph/graph.ts";
import type { Module } from "../graph/lowered.ts";
import { alignTrees } from "./align-trees.ts";
import type { AlignedNode } from "./align-trees.ts";
import { clauseChanges } from "./clause-changes.ts";
import type { Clause } from "./clause-changes.ts";
import { gatherChanges } from "./gather-changes.ts";
import type { FoundChange } from "./gather-changes.ts";
import { gridResize } from "./grid-resize.ts";
import { mergeChanges } from "./merge-changes.ts";
import type { Change } from "./merge-changes.ts";
import { moduleTree } from "./module-tree.ts";
import { sameGraph } from "./same-graph.ts";

export type DiffLevel = "same" | "text" | "recipe" | "compute" | "weights" | "breaking";

/** One side of a comparison. */
export interface DiffSide {
  readonly modules: readonly Module[];
  readonly parameters: readonly Parameter[];
  /** What is computed: evaluation form, and training form where it is known. */
  readonly graphs: readonly TensorGraph[];
  /** Examples that the graphs are made for. */
  readonly batch: number;
  readonly macs: number;
  /** Of a recipe: its settings and clauses. */
  readonly clauses: readonly Clause[];
  /** The texts that were read, to tell `same` from `text`. */
  readonly texts: readonly string[];
}

export interface SemanticDiff {
  readonly level: DiffLevel;
  readonly changes: readonly Change[];
  /** Modules of the second side that have an equal in the first. */
  readonly unchanged: number;
  /** What has to be done to a checkpoint of the first side before the second can load it. */
  readonly adaptations: number;
  readonly parameters: FromTo;
  readonly macs: FromTo;
}

export interface FromTo {
  readonly from: number;
  readonly to: number;
}

export function semanticDiff(from: DiffSide, to: DiffSide): SemanticDiff {
  const aligned = alignTrees(
    moduleTree(from.modules, from.parameters),
    moduleTree(to.modules, to.parameters),
  );
  const found = gatherChanges(aligned);
  const clauses = clauseChanges(from.clauses, to.clauses, found.length > 0);
  const merged = mergeChanges(found, pathsOf(from), pathsOf(to));
  const adaptations = merged.filter(({ adaptation }) => adaptation !== undefined).length;
  return {
    level: levelOf(from, to, aligned, found, clauses.length > 0),
    changes: [...merged, ...clauses],
    unchanged: unchangedIn(aligned),
    adaptations,
    parameters: { from: sizeOf(from.parameters), to: sizeOf(to.parameters) },
    macs: { from: from.macs, to: to.macs },
  };
}

function levelOf(
  from: DiffSide,
  to: DiffSide,
  aligned: AlignedNode,
  found: readonly FoundChange[],
  recipeDiffers: boolean,
): DiffLevel {
  if (found.some(({ adaptation }) => adaptation !== undefined) || movesIn(aligned)) {
    return carriedIn(aligned) * 2 < sizeOf(from.parameters) ? "breaking" : "weights";
  }
  const batch = { from: from.batch, to: to.batch };
  const isAlike =
    from.graphs.length === to.graphs.length &&
    from.graphs.every((graph, i) => sameGraph(graph, to.graphs[i]!, batch));
  if (!isAlike) return "compute";
  if (recipeDiffers || found.some(({ setting }) => setting === "initializer")) return "recipe";
  const isSameText =
    found.length === 0 &&
    from.texts.length === to.texts.length &&
    from.texts.every((text, i) => text === to.texts[i]);
  return isSameText ? "same" : "text";
}

/** Elements of the first side that the second one takes over, as they are or resized. */
function carriedIn(node: AlignedNode): number {
  const own = node.parameters.pairs
    .filter(([a, b]) => elementCountsFit(a.parameter, b.parameter))
    .map(([a]) => elementCount(a.parameter.shape));
  return sum([...own, ...node.children.nodes.map(carriedIn)]);
}

function elementCountsFit(a: Parameter, b: Parameter): boolean {
  return a.shape.join() === b.shape.join() || gridResize(a.shape, b.shape) !== undefined;
}

/** Whether a part that is otherwise alike has moved to another path (a layer before it was inserted). */
function movesIn({ from, to, children }: AlignedNode): boolean {
  return from.path !== to.path || children.nodes.some(movesIn);
}

/** Modules that are as they were; what lies in a changed one may be. */
function unchangedIn(node: AlignedNode): number {
  const isEqual = node.from.signature === node.to.signature && node.to.module !== undefined;
  return sum([isEqual ? 1 : 0, ...node.children.nodes.map(unchangedIn)]);
}

function pathsOf({ modules, parameters }: DiffSide): readonly string[] {
  return [...modules.map(({ path }) => path), ...parameters.map(({ path }) => path)];
}

function sizeOf(parameters: readonly Parameter[]): number {
  return sum(parameters.map(({ shape }) => elementCount(shape)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
