// Contraction kernel -> how it is run: one axis each for batch, m and n, two for k (an inner one that is read in a
// row and the rest), the sizes of the blocks that stay in cache, and how tiles are shared among threads.
// A right side that lies in panels already is not packed.
// A sum over k always runs in the same blocks and order, whatever the number of threads.
import type { Axis, ContractionKernel, Expression, Store } from "../kernels/kernel.ts";
import { axisIndex, sameIndex } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { expressionCost, nanosecondsPerMultiplyAdd, parallelFromNanoseconds } from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import { formOf } from "./lanes.ts";
import { flattenAxes, mergeAxes, substituteStore, substitutionOf } from "./merge-axes.ts";
import { tileColumns, tileRows } from "./microkernel.ts";
import { extentOf } from "../kernels/extent.ts";
import { panelIndex } from "./panel-order.ts";

export type SumTarget = { readonly buffer: number; readonly index: Index };

/** The left side read where it lies: strides in elements. */
export interface DirectLeft {
  readonly rowStride: number;
  readonly stepStride: number;
}

export interface ContractionPlan {
  readonly facts: FactTable;
  readonly batch: Axis;
  readonly m: Axis;
  readonly n: Axis;
  readonly kOuter: Axis;
  readonly kInner: Axis;
  readonly a: Expression;
  readonly b: Expression;
  readonly stores: readonly Store[];
  readonly sumOfA: SumTarget | undefined;
  readonly sumOfB: SumTarget | undefined;
  readonly direct: DirectLeft | undefined;
  /** The buffer of a right side that lies in panels; `b` is nothing then. */
  readonly panels: number | undefined;
  /** Which way a panel is filled: vectors along its tile axis, or along k and then turned. */
  readonly fillA: "tile" | "k";
  readonly fillB: "tile" | "k";
  /** Blocks of k: `kStep` positions of `kBlocked`. */
  readonly kBlocked: "inner" | "outer";
  readonly kStep: number;
  readonly kBlocks: number;
  /** Most steps in one block. */
  readonly kLength: number;
  readonly mTiles: number;
  readonly nTiles: number;
  /** Tiles of n packed at a time, tiles of m summed at a time (where there are several blocks of k). */
  readonly nBlock: number;
  readonly mBlock: number;
  readonly split: "m" | "n";
  readonly isParallel: boolean;
}

const secondLevelCacheBytes = 256 * 1024;
const longestSingleBlock = 512;
const usualBlock = 384;
const rowsSummedAtOnce = 256;

export function planContraction(kernel: ContractionKernel): ContractionPlan {
  const flat = flattenKernel(kernel);
  const facts = new FactTable();
  const { m, n, kOuter, kInner, batch } = flat;
  const k = kOuter.extent * kInner.extent;
  const blocks = blocksOfK(kOuter, kInner);
  const mTiles = Math.ceil(m.extent / tileRows);
  const nTiles = Math.ceil(n.extent / tileColumns);
  const direct = flat.sumOfA === undefined ? directLeft(flat, facts) : undefined;
  const panelTileBytes = blocks.kLength * tileColumns * 4;
  const nBlock = Math.min(nTiles, Math.max(1, Math.floor(secondLevelCacheBytes / panelTileBytes)));
  const nanoseconds = batch.extent * m.extent * n.extent * k * nanosecondsPerMultiplyAdd;
  return {
    facts,
    ...flat,
    ...blocks,
    direct,
    fillA: fillDirection(flat.a, m, kInner, facts),
    fillB: fillDirection(flat.b, n, kInner, facts),
    mTiles,
    nTiles,
    nBlock,
    mBlock: Math.min(mTiles, rowsSummedAtOnce / tileRows),
    split: chooseSplit(batch.extent, mTiles, nTiles, direct !== undefined),
    isParallel: nanoseconds > parallelFromNanoseconds,
  };
}

type Flat = Pick<
  ContractionPlan,
  "batch" | "m" | "n" | "kOuter" | "kInner" | "a" | "b" | "panels" | "stores" | "sumOfA" | "sumOfB"
>;

function flattenKernel(kernel: ContractionKernel): Flat {
  const targets = [kernel.sumOfA, kernel.sumOfB].flatMap((sum) =>
    sum === undefined ? [] : [sum.index],
  );
  const panels = bufferInPanels(kernel);
  const right = panels === undefined ? kernel.b : nothing;
  const use = {
    expressions: [kernel.a, right, ...kernel.stores.map((store) => store.value)],
    indices: [...kernel.stores.map((store) => store.index), ...targets],
  };
  const all = [...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k];
  const free = Math.max(-1, ...all.map((axis) => axis.id)) + 1;
  const merged = mergeAxes([kernel.batch, kernel.m, kernel.n, kernel.k], use, free);
  const [batch, m, n, k] = merged.groups as [Axis[], Axis[], Axis[], Axis[]];
  const first = free + all.length;
  const flats = [batch, m, n, k.slice(0, -1)].map((axes, place) =>
    flattenAxes(axes, first + place),
  );
  const last = k.at(-1);
  const kInner: Axis = last ?? { id: first + 4, extent: 1 };
  const replacements = new Map<number, Index>(flats.flatMap((flat) => [...flat.replacements]));
  if (last !== undefined) replacements.set(last.id, axisIndex(last.id, last.extent));
  const second = substitutionOf(replacements);
  const index = (of: Index): Index => second.index(merged.substitution.index(of));
  const expression = (of: Expression): Expression =>
    second.expression(merged.substitution.expression(of));
  const sum = (of: SumTarget | undefined): SumTarget | undefined =>
    of === undefined ? undefined : { buffer: of.buffer, index: index(of.index) };
  return {
    batch: flats[0]!.axis,
    m: flats[1]!.axis,
    n: flats[2]!.axis,
    kOuter: flats[3]!.axis,
    kInner,
    a: expression(kernel.a),
    b: expression(right),
    panels,
    stores: kernel.stores.map((store) =>
      substituteStore(second, substituteStore(merged.substitution, store)),
    ),
    sumOfA: sum(kernel.sumOfA),
    sumOfB: sum(kernel.sumOfB),
  };
}

const nothing: Expression = { kind: "constant", value: 0, dtype: "f32" };

/** Where the right side lies as the innermost loop reads it, the same for each of a batch. */
function bufferInPanels({ b, n, k, sumOfB }: ContractionKernel): number | undefined {
  if (b.kind !== "load" || b.dtype !== "f32" || sumOfB !== undefined) return undefined;
  if (extentOf(n) % tileColumns > 0) return undefined;
  return sameIndex(b.index, panelIndex(n, k)) ? b.buffer : undefined;
}

function blocksOfK(
  outer: Axis,
  inner: Axis,
): Pick<ContractionPlan, "kBlocked" | "kStep" | "kBlocks" | "kLength"> {
  const total = outer.extent * inner.extent;
  if (outer.extent === 1) {
    const wanted = total <= longestSingleBlock ? 1 : Math.ceil(total / usualBlock);
    const kStep = wanted === 1 ? inner.extent : Math.ceil(inner.extent / wanted / 4) * 4;
    return { kBlocked: "inner", kStep, kBlocks: Math.ceil(inner.extent / kStep), kLength: kStep };
  }
  const fit = Math.max(1, Math.floor(usualBlock / inner.extent));
  const kStep = total <= longestSingleBlock ? outer.extent : Math.min(outer.extent, fit);
  return {
    kBlocked: "outer",
    kStep,
    kBlocks: Math.ceil(outer.extent / kStep),
    kLength: kStep * inner.extent,
  };
}

/** A plain array that is read evenly along m and k needs no packing: the innermost loop reads it where it lies. */
function directLeft({ a, m, n, kOuter, kInner }: Flat, facts: FactTable): DirectLeft | undefined {
  if (a.kind !== "load" || a.dtype !== "f32" || kOuter.extent > 1) return undefined;
  const strides = { row: 0, step: 0 };
  for (const { factor, of } of formOf(a.index).terms) {
    if (of.kind === "axis" && of.axis === m.id) strides.row += factor;
    else if (of.kind === "axis" && of.axis === kInner.id) strides.step += factor;
    else {
      const { axes, loads } = facts.ofIndex(of);
      if (loads || axes.has(m.id) || axes.has(kInner.id)) return undefined; // data is clamped on its way: packed
    }
  }
  if (strides.row < 0 || strides.step < 0) return undefined;
  // Each step would touch another far line of memory, again for every tile of columns.
  const isFar = strides.step > 256 && n.extent > 32;
  return isFar ? undefined : { rowStride: strides.row, stepStride: strides.step };
}

function fillDirection(value: Expression, tile: Axis, k: Axis, facts: FactTable): "tile" | "k" {
  if (k.extent < 4) return "tile";
  if (tile.extent < 4) return "k";
  const alongTile = expressionCost(value, tile.id, facts);
  return expressionCost(value, k.id, facts) + 1 < alongTile ? "k" : "tile";
}

/** Each thread packs what it needs: sharing rows makes each pack the whole right side, columns the whole left. */
function chooseSplit(batch: number, mTiles: number, nTiles: number, isDirect: boolean): "m" | "n" {
  if (batch >= 8) return mTiles >= nTiles || !isDirect ? "m" : "n";
  if (isDirect && nTiles >= 8 && mTiles < 64) return "n";
  return mTiles * 2 >= nTiles ? "m" : "n";
}
