// A loop kernel -> how it is spread over invocations: lanes that share a row, grid points that share a workgroup.
import { walkDirection } from "../kernels/walk-direction.ts";
import type { LoopKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { extentOf } from "../kernels/extent.ts";

/** How a kernel is spread over invocations. */
export interface Spread {
  readonly lanes: number;
  /** Grid points of one workgroup, or parts of the grid. */
  readonly points: number;
  readonly isColumn: boolean;
}

const MOST_THREADS = 256;

/** As many as a large GPU runs at once. */
const ENOUGH_INVOCATIONS = 65536;

export function chooseSpread(kernel: LoopKernel, limits: Limits): Spread {
  const most = powerBelow(Math.min(MOST_THREADS, limits.workgroupInvocations));
  const row = extentOf(kernel.row);
  if (kernel.parts !== undefined) return spreadOfParts(kernel, row, most, limits);
  const grid = extentOf(kernel.grid);
  const block = Math.min(most, grid >= 65536 ? 256 : 64);
  if (limits.gpuClass === "software" && (grid >= 16 || row <= 256))
    return { lanes: 1, points: Math.min(block, powerAbove(grid / 16)), isColumn: true };
  const direction = walkDirection(kernel);
  if (row <= 4 || (row <= 16 && grid >= 4096)) return { lanes: 1, points: block, isColumn: false };
  if (direction === "across rows") {
    if (row <= 32 || grid >= 32768) return { lanes: 1, points: block, isColumn: true };
    const points = Math.min(32, powerAbove(grid), Math.max(8, powerAbove(grid / 16)));
    return { lanes: Math.min(most / points, powerAbove(row / 4)), points, isColumn: true };
  }
  // Few rows: as many lanes as have two elements each. Many rows: eight elements a lane.
  const perLane = grid * row < 1 << 20 ? 2 : 8;
  const widest = Math.min(most, powerAbove(row / perLane));
  // Where rows alone keep a GPU busy, those that a subgroup holds meet at no barrier.
  const { subgroupSize = 1 } = limits;
  const isBusy =
    direction !== undefined && row <= 1024 && grid * subgroupSize >= ENOUGH_INVOCATIONS;
  const lanes = isBusy ? Math.min(widest, subgroupSize) : widest;
  return { lanes, points: Math.max(1, Math.min(64 / lanes, powerAbove(grid))), isColumn: false };
}

function powerAbove(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

function powerBelow(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

/** Bytes of sums that an invocation may hold: WGSL promises 8192 for all its variables. */
const mostHeld = 4096;

/**
 * Sums over columns: a part belongs to the lanes of a workgroup, each of which holds the sums of its columns. An adapter in
 * software is better off with one invocation a part, as long as that can hold all sums.
 */
function spreadOfParts(kernel: LoopKernel, row: number, most: number, limits: Limits): Spread {
  const sums = kernel.stages.filter((stage) => stage.kind === "store" && stage.over === "columns");
  const bytes = row * sums.length * 4;
  if (limits.gpuClass === "software" && bytes <= mostHeld)
    return { lanes: 1, points: 8, isColumn: true };
  return { lanes: Math.min(most, powerAbove(row / 2)), points: 1, isColumn: false };
}
