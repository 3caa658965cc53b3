// Loop kernel -> how it is run: axes merged, the vector axis chosen, work divided into units for threads.
// Sums run in one fixed order for each output, so any number of threads gives the same bits.
import { addedUp } from "../kernels/columns.ts";
import type { Axis, Expression, LoopKernel, Parts, Stage, Store } from "../kernels/kernel.ts";
import { walkDirection } from "../kernels/walk-direction.ts";
import type { WalkDirection } from "../kernels/walk-direction.ts";
import type { Index } from "../ops/index-expression.ts";
import {
  accessCost,
  expressionCost,
  nanosecondsPerCycle,
  parallelFromNanoseconds,
  vectorWaste,
} from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import { mergeAxes, substituteStore } from "./merge-axes.ts";

export interface LoopPlan {
  readonly facts: FactTable;
  readonly stages: readonly Stage[];
  /** Grid axes, the vector axis apart where it is one of them. */
  readonly grid: readonly Axis[];
  /** Row axes in order; the last one is the vector axis where `along` is "row". */
  readonly row: readonly Axis[];
  /** Undefined where nothing is worth a vector: one lane. */
  readonly vector: Axis | undefined;
  readonly along: "grid" | "row";
  /** Where there are sums over columns: a unit is a part, whose rows go by in order. Those stores add up. */
  readonly parts: Parts | undefined;
  /** Points of the vector axis in one unit; a multiple of four unless it is the whole axis. */
  readonly block: number;
  readonly isParallel: boolean;
}

export function planLoop(kernel: LoopKernel): LoopPlan {
  const merged = mergeAxes([kernel.grid, kernel.row], useOf(kernel.stages), firstFreeAxis(kernel));
  const [grid, row] = merged.groups as [Axis[], Axis[]];
  const stages = kernel.stages.map((stage): Stage => {
    if (stage.kind === "reduce")
      return { ...stage, value: merged.substitution.expression(stage.value) };
    const store = substituteStore(merged.substitution, stage.store);
    return { ...stage, store: stage.over === "columns" ? addedUp(store) : store };
  });
  const facts = new FactTable();
  const choice = chooseVectorAxis({ grid, row, stages, facts, direction: walkDirection(kernel) });
  const others = (axes: readonly Axis[]): Axis[] => axes.filter((axis) => axis !== choice.axis);
  const along = choice.axis !== undefined && row.includes(choice.axis) ? "row" : "grid";
  const outer = along === "grid" ? others(grid) : grid;
  const nanoseconds = choice.cycles * nanosecondsPerCycle;
  const { parts } = kernel;
  if (parts !== undefined && along === "grid")
    throw new Error(`wasm: ${kernel.label} sums columns, but does not walk along its rows`);
  return {
    facts,
    stages,
    parts,
    grid: outer,
    row: along === "row" ? [...others(row), choice.axis!] : row,
    vector: choice.axis,
    along,
    block: blockOf(along, choice.axis, points(outer), row.length > 0),
    isParallel: nanoseconds > parallelFromNanoseconds,
  };
}

export function points(axes: readonly Axis[]): number {
  return axes.reduce((product, axis) => product * axis.extent, 1);
}

function firstFreeAxis(kernel: LoopKernel): number {
  return (
    Math.max(
      kernel.parts?.axis.id ?? -1,
      ...[...kernel.grid, ...kernel.row].map((axis) => axis.id),
    ) + 1
  );
}

function useOf(stages: readonly Stage[]): { expressions: Expression[]; indices: Index[] } {
  return {
    expressions: stages.map((stage) => (stage.kind === "reduce" ? stage.value : stage.store.value)),
    indices: stages.flatMap((stage) => (stage.kind === "store" ? [stage.store.index] : [])),
  };
}

interface VectorChoice {
  readonly grid: readonly Axis[];
  readonly row: readonly Axis[];
  readonly stages: readonly Stage[];
  readonly facts: FactTable;
  readonly direction: WalkDirection | undefined;
}

function chooseVectorAxis({ grid, row, stages, facts, direction }: VectorChoice): {
  readonly axis: Axis | undefined;
  readonly cycles: number;
} {
  const size = { grid: points(grid), row: points(row) };
  const cycles = (axis: Axis | undefined): number => totalCycles(stages, axis, row, size, facts);
  const inRow = row.at(-1);
  if (direction === "along the row" && inRow !== undefined && inRow.extent >= 4)
    return { axis: inRow, cycles: cycles(inRow) };
  // On equal terms the last one wins: it is the contiguous one.
  const candidates = [...grid, ...(direction === undefined ? row : [])].reverse();
  let best = { axis: undefined as Axis | undefined, cycles: cycles(undefined) };
  for (const axis of candidates) {
    const needed = cycles(axis);
    if (needed < best.cycles) best = { axis, cycles: needed };
  }
  return best;
}

function totalCycles(
  stages: readonly Stage[],
  axis: Axis | undefined,
  row: readonly Axis[],
  size: { readonly grid: number; readonly row: number },
  facts: FactTable,
): number {
  const isRow = axis !== undefined && row.includes(axis);
  return stages.reduce((sum, stage) => {
    const overRow = stage.kind === "reduce" || stage.over !== "grid";
    const isVector = axis !== undefined && (overRow || !isRow);
    const lanes = isVector ? 4 / vectorWaste(axis.extent) : 1;
    const evaluations = (size.grid * (overRow ? size.row : 1)) / lanes;
    return sum + evaluations * stageCycles(stage, isVector ? axis.id : -1, facts);
  }, 0);
}

function stageCycles(stage: Stage, axis: number, facts: FactTable): number {
  if (stage.kind === "reduce") return 1 + expressionCost(stage.value, axis, facts);
  const { value, index } = stage.store as Store;
  return 1 + expressionCost(value, axis, facts) + accessCost(index, axis, facts);
}

/** Enough units that threads share the work evenly, long enough that a unit's start is cheap. */
function blockOf(
  along: "grid" | "row",
  axis: Axis | undefined,
  outer: number,
  hasRow: boolean,
): number {
  if (axis === undefined) return 1;
  if (along === "row") return axis.extent;
  if (hasRow) return Math.min(axis.extent, 16);
  const blocks = Math.max(1, Math.floor(64 / outer));
  const block = Math.ceil(axis.extent / blocks / 64) * 64;
  return Math.min(axis.extent, Math.max(block, 256));
}
