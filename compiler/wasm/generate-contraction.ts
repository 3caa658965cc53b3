// Contraction kernel -> function: products of every kind (linear layers, their gradients, convolutions through
// window indices). Right-hand panels are packed once for a block that stays in cache, unless the array lies in panels
// already; the left side is read where it lies, or packed a tile at a time; sums stay in registers, and the epilogue
// (bias, activation, residual) takes them from there.
import type { ContractionKernel } from "../kernels/kernel.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import { planContraction } from "./contraction-plan.ts";
import type { ContractionPlan, SumTarget } from "./contraction-plan.ts";
import { Epilogue, isHeavy } from "./epilogue.ts";
import { evaluate, writeLanes } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { buildKernelFunction, eachGroup } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";
import {
  addProducts, leftStepBytes, panelStepBytes, tileColumns, tileRows, zeroSums,
} from "./microkernel.ts"; // prettier-ignore
import type { LeftOperand } from "./microkernel.ts";
import { PanelFiller } from "./pack.ts";
import type { StepRange } from "./pack.ts";

export function generateContraction(
  kernel: ContractionKernel,
  bound: BoundBuffers,
): GeneratedFunction {
  const plan = planContraction(kernel);
  return {
    isParallel: plan.isParallel,
    scratchBytes: scratchOf(plan).bytes,
    build: (relaxed) =>
      buildKernelFunction(bound, plan.facts, relaxed, (kernel) =>
        new ContractionEmitter(kernel, plan).emit(),
      ),
  };
}

/** Bytes of one block's sums between two blocks of k. */
const sumsBytes = tileRows * tileColumns * 4;

/** Offsets in a thread's scratch: right panels, one left panel, sums between blocks of k, one tile for its epilogue. */
function scratchOf(plan: ContractionPlan): {
  left: number;
  sums: number;
  tile: number;
  bytes: number;
} {
  const left = plan.panels === undefined ? plan.nBlock * plan.kLength * panelStepBytes : 0;
  const sums = left + (plan.direct === undefined ? plan.kLength * leftStepBytes : 0);
  const partial = plan.kBlocks > 1 ? plan.mBlock * plan.nBlock * sumsBytes : 0;
  const tile = sums + partial;
  return { left, sums, tile, bytes: tile + (isHeavy(plan) ? sumsBytes : 0) };
}

interface Tiles {
  readonly from: Operand;
  readonly to: Operand;
}

class ContractionEmitter {
  private readonly kernel: KernelFunction;
  private readonly f: FunctionBuilder;
  private readonly plan: ContractionPlan;
  private readonly left: PanelFiller;
  private readonly right: PanelFiller;
  private readonly leftPanel: Operand;
  private readonly partialSums: Operand;
  private readonly epilogue: Epilogue;

  constructor(kernel: KernelFunction, plan: ContractionPlan) {
    this.kernel = kernel;
    this.f = kernel.f;
    this.plan = plan;
    const { kOuter, kInner } = plan;
    this.left = new PanelFiller({
      value: plan.a,
      tile: plan.m,
      width: tileRows,
      kOuter,
      kInner,
      fill: plan.fillA,
    });
    this.right = new PanelFiller({
      value: plan.b,
      tile: plan.n,
      width: tileColumns,
      kOuter,
      kInner,
      fill: plan.fillB,
    });
    const offsets = scratchOf(plan);
    this.leftPanel = this.f.add(kernel.scratch, offsets.left);
    this.partialSums = this.f.add(kernel.scratch, offsets.sums);
    this.epilogue = new Epilogue(this.f, plan, this.f.add(kernel.scratch, offsets.tile));
  }

  /** Units are tiles of the split axis in all batches; a thread's share runs through whole or partial batches. */
  emit(): void {
    const { plan } = this;
    const tiles = plan.split === "m" ? plan.mTiles : plan.nTiles;
    eachGroup(this.kernel, plan.batch.extent, tiles, (batch, own) => {
      const frame = this.kernel.root.child({ at: [[plan.batch.id, { element: batch }]] });
      this.prepare(frame);
      if (plan.split === "m") this.batch(frame, own, { from: 0, to: plan.nTiles });
      else this.batch(frame, { from: 0, to: plan.mTiles }, own);
    });
  }

  private prepare(frame: Frame): void {
    this.left.prepare(frame, new Set());
    this.right.prepare(frame, new Set());
    this.epilogue.prepare(frame);
  }

  private batch(frame: Frame, mTiles: Tiles, nTiles: Tiles): void {
    const { f, plan } = this;
    f.forRange(nTiles.from, nTiles.to, plan.nBlock, (nFrom) => {
      const columns = { from: nFrom, to: f.minimum(f.add(nFrom, plan.nBlock), nTiles.to) };
      const isFirstColumns = f.emit("i32.eqz", nFrom);
      if (plan.kBlocks === 1) {
        this.block(frame, { rows: mTiles, columns, number: 0, isFirstColumns });
        return;
      }
      f.forRange(mTiles.from, mTiles.to, plan.mBlock, (mFrom) => {
        const rows = { from: mFrom, to: f.minimum(f.add(mFrom, plan.mBlock), mTiles.to) };
        f.forRange(0, plan.kBlocks, 1, (number) =>
          this.block(frame, { rows, columns, number, isFirstColumns }),
        );
      });
    });
  }

  private rangeOf(number: Operand): { range: StepRange; count: Operand } {
    const { f, plan } = this;
    const { kOuter, kInner, kStep, kBlocks } = plan;
    const whole = (extent: number): { from: Operand; to: Operand } => ({ from: 0, to: extent });
    const extent = plan.kBlocked === "inner" ? kInner.extent : kOuter.extent;
    const from = f.multiply(number, kStep);
    const to = kBlocks === 1 ? extent : f.minimum(f.add(from, kStep), extent);
    const steps =
      typeof from === "number" && typeof to === "number" ? to - from : f.emit("i32.sub", to, from);
    if (plan.kBlocked === "inner")
      return { range: { outer: whole(1), inner: { from, to } }, count: steps };
    return {
      range: { outer: { from, to }, inner: whole(kInner.extent) },
      count: f.multiply(steps, kInner.extent),
    };
  }

  /** One block of k for some rows and columns: packs the columns where they need it, then walks the tiles. */
  private block(frame: Frame, block: BlockOfK): void {
    const { f, plan } = this;
    const { range, count } = this.rangeOf(block.number);
    if (plan.panels === undefined) this.packColumns(frame, block, range, count);
    const sums = f.variable(this.partialSums);
    f.forRange(block.rows.from, block.rows.to, 1, (tile) =>
      this.rowTile(frame, block, tile, range, count, sums),
    );
  }

  private packColumns(frame: Frame, block: BlockOfK, range: StepRange, count: Operand): void {
    const { f, plan } = this;
    const panel = f.variable(this.kernel.scratch);
    f.forRange(block.columns.from, block.columns.to, 1, (tile) => {
      const start = f.multiply(tile, tileColumns);
      this.right.fill(frame, start, range, panel);
      if (plan.sumOfB !== undefined) {
        const target = plan.sumOfB;
        const isOwn = f.emit("i32.eqz", f.variable(block.rows.from));
        f.if(isOwn, () => this.sumPanel(frame, target, start, panel, count, block.number, "n"));
      }
      f.assign(panel, f.emit("i32.add", panel, plan.kLength * panelStepBytes));
    });
  }

  /** Where the panels of a block begin, and how far it is from one to the next. */
  private panelsOf(block: BlockOfK): { readonly start: Operand; readonly bytes: number } {
    const { f, plan } = this;
    if (plan.panels === undefined)
      return { start: this.kernel.scratch, bytes: plan.kLength * panelStepBytes };
    const bytes = plan.kOuter.extent * plan.kInner.extent * panelStepBytes;
    const first = f.add(this.kernel.addressOf(plan.panels), f.multiply(block.columns.from, bytes));
    return { start: f.add(first, f.multiply(block.number, plan.kLength * panelStepBytes)), bytes };
  }

  private rowTile(
    frame: Frame,
    block: BlockOfK,
    tile: Local,
    range: StepRange,
    count: Operand,
    sums: Local,
  ): void {
    const { f, plan } = this;
    const start = f.multiply(tile, tileRows);
    const left = this.leftTile(frame, start, range);
    if (plan.sumOfA !== undefined) {
      const target = plan.sumOfA;
      f.if(block.isFirstColumns, () =>
        this.sumPanel(frame, target, start, this.leftPanel, count, block.number, "m"),
      );
    }
    const rest = plan.m.extent % tileRows;
    const run = (rows: number): void =>
      this.columnTiles(frame, block, start, rows, left, count, sums);
    if (rest === 0) run(tileRows);
    else if (plan.m.extent < tileRows) run(rest);
    else f.if(f.emit("i32.le_s", f.add(start, tileRows), plan.m.extent), () => run(tileRows), () => run(rest)); // prettier-ignore
  }

  private leftTile(frame: Frame, start: Operand, range: StepRange): LeftOperand {
    const { f, plan } = this;
    const { direct, a } = plan;
    if (direct === undefined || a.kind !== "load") {
      this.left.fill(frame, start, range, this.leftPanel);
      return { address: this.leftPanel, rowBytes: 4, stepBytes: leftStepBytes };
    }
    const { address, rest } = frame.addressOf(a.buffer, a.index);
    const at = frame.child({
      at: [
        [plan.m.id, { element: start }],
        [plan.kInner.id, { element: range.inner.from }],
      ],
    });
    let base = f.add(address, rest.constant * 4);
    for (const term of rest.terms) base = f.add(base, at.termBytes(term));
    return { address: base, rowBytes: direct.rowStride * 4, stepBytes: direct.stepStride * 4 };
  }

  private columnTiles(
    frame: Frame,
    block: BlockOfK,
    start: Operand,
    rows: number,
    left: LeftOperand,
    count: Operand,
    sums: Local,
  ): void {
    // prettier-ignore
    const { f, plan } = this;
    const row = this.epilogue.rowFrame(frame, start);
    const panels = this.panelsOf(block);
    const right = f.variable(panels.start);
    const rest = plan.n.extent % tileColumns;
    f.forRange(block.columns.from, block.columns.to, 1, (tile) => {
      const run = (columns: number): void => {
        const vectors = Math.ceil(columns / 4);
        const totals = this.startSums(block, rows, vectors, sums);
        addProducts(f, { rows, vectors, left, right, count }, totals);
        this.finishSums(block, totals, sums, () =>
          this.epilogue.write(row, start, tile, columns, totals),
        );
      };
      if (rest === 0) run(tileColumns);
      else if (plan.n.extent < tileColumns) run(rest);
      else f.if(f.emit("i32.lt_s", tile, plan.nTiles - 1), () => run(tileColumns), () => run(rest)); // prettier-ignore
      f.assign(right, f.emit("i32.add", right, panels.bytes));
      if (plan.kBlocks > 1) f.assign(sums, f.emit("i32.add", sums, sumsBytes));
    });
  }

  private startSums(block: BlockOfK, rows: number, vectors: number, sums: Local): Local[][] {
    const { f } = this;
    const totals = zeroSums(f, rows, vectors);
    if (this.plan.kBlocks > 1)
      f.if(block.number, () =>
        eachSum(totals, (total, offset) => f.assign(total, f.load("v128.load", sums, offset))),
      );
    return totals;
  }

  private finishSums(block: BlockOfK, totals: Local[][], sums: Local, epilogue: () => void): void {
    const { f, plan } = this;
    if (plan.kBlocks === 1) return epilogue();
    f.if(f.emit("i32.eq", block.number, plan.kBlocks - 1), epilogue, () =>
      eachSum(totals, (total, offset) => f.store("v128.store", sums, total, offset)),
    );
  }

  /** Adds up a packed panel over its steps: the bias gradient, from the same numbers that make the product. */
  private sumPanel(
    frame: Frame,
    target: SumTarget,
    start: Operand,
    panel: Operand,
    count: Operand,
    number: Operand,
    side: "m" | "n",
  ): void {
    // prettier-ignore
    const { f, plan } = this;
    const axis = plan[side];
    const width = side === "m" ? tileRows : tileColumns;
    const totals = Array.from({ length: width / 4 }, () => f.variable(f.f32x4(0)));
    const from = f.variable(panel);
    f.forRange(0, count, 1, () => {
      totals.forEach((total, vector) =>
        f.assign(total, f.emit("f32x4.add", total, f.load("v128.load", from, vector * 16))),
      );
      f.assign(from, f.emit("i32.add", from, width * 4));
    });
    const at = frame.child({
      at: [[axis.id, { element: start }]],
      vector: { axis: axis.id, width: 4 },
    });
    const run = (valid: number): void =>
      totals.forEach((total, vector) => {
        const lanes = Math.min(4, valid - vector * 4);
        if (lanes === 4)
          return this.addSum(target, at.child({ shift: [[axis.id, vector * 4]] }), total, number);
        for (let lane = 0; lane < lanes; lane++) {
          const single = f.shuffle(total, total, [lane, lane, lane, lane]);
          const place = at.child({
            shift: [[axis.id, vector * 4 + lane]],
            vector: { axis: axis.id, width: 1 },
          });
          this.addSum(target, place, single, number);
        }
      });
    const rest = axis.extent % width;
    if (rest === 0) run(width);
    else if (axis.extent < width) run(rest);
    else f.if(f.emit("i32.le_s", f.add(start, width), axis.extent), () => run(width), () => run(rest)); // prettier-ignore
  }

  /** The first block of k sets, later ones add. */
  private addSum({ buffer, index }: SumTarget, at: Frame, value: Local, number: Operand): void {
    const { f } = this;
    const total = f.variable(value);
    if (this.plan.kBlocks > 1)
      f.if(number, () => {
        const before = evaluate({ kind: "load", buffer, index, dtype: "f32" }, at.child());
        f.assign(total, f.emit("f32x4.add", before, value));
      });
    writeLanes(buffer, index, total, "f32", at);
  }
}

/** Where a thread stands: which tiles, which block of k, and whether its columns are the first of all. */
interface BlockOfK {
  readonly rows: Tiles;
  readonly columns: Tiles;
  readonly number: Operand;
  readonly isFirstColumns: Local;
}

function eachSum(
  totals: readonly (readonly Local[])[],
  body: (total: Local, offset: number) => void,
): void {
  totals.forEach((vectors, row) =>
    vectors.forEach((total, vector) => body(total, (row * 2 + vector) * 16)),
  );
}
