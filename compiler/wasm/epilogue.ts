// The stores of a contraction, fed from the sums of a tile while they are at hand.
// A light epilogue (bias, residual) is written out for every vector of the tile, straight from registers.
// A heavy one (GELU and its gradient) would be far too much code eight times over: the tile goes through
// a few words of scratch, and one loop over its rows holds the code once for each of two vectors.
import { loadsOf } from "../kernels/expression.ts";
import type { Expression } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import type { ContractionPlan } from "./contraction-plan.ts";
import { expressionCost } from "./cost.ts";
import { evaluate, writeStore } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { tileColumns } from "./microkernel.ts";

/** In cycles of a vector: from here on a loop over rows. */
const heavyFrom = 24;
const tileRowBytes = tileColumns * 4;

type Sums = readonly (readonly Local[])[];

export function isHeavy(plan: ContractionPlan): boolean {
  const cost = plan.stores.reduce(
    (sum, store) => sum + expressionCost(store.value, plan.n.id, plan.facts),
    0,
  );
  return cost > heavyFrom;
}

export class Epilogue {
  private readonly f: FunctionBuilder;
  private readonly plan: ContractionPlan;
  private readonly values: readonly Expression[];
  private readonly accesses: readonly { readonly buffer: number; readonly index: Index }[];
  private readonly isHeavy: boolean;
  private readonly tileScratch: Operand;

  /** `tileScratch`: address of a tile's worth of bytes. */
  constructor(f: FunctionBuilder, plan: ContractionPlan, tileScratch: Operand) {
    this.f = f;
    this.plan = plan;
    this.values = plan.stores.map((store) => store.value);
    const loads = new Set(this.values.flatMap((value) => loadsOf(value)));
    this.accesses = [...loads, ...plan.stores];
    this.isHeavy = isHeavy(plan);
    this.tileScratch = tileScratch;
  }

  /** Works out ahead what is known at a frame. */
  prepare(frame: Frame): void {
    const shifting = new Set([this.plan.m.id, this.plan.n.id]);
    frame.prepareAddresses(this.accesses, shifting);
    frame.hoist(this.values, evaluate, shifting);
  }

  /** At row `start`; below it, only what does not move with the rows is worked out ahead. */
  rowFrame(batch: Frame, start: Operand): Frame {
    if (this.isHeavy) return batch;
    const row = batch.child({ at: [[this.plan.m.id, { element: start }]] });
    this.prepare(row);
    return row;
  }

  /** `frame` is what `rowFrame` gave for `start`. */
  write(frame: Frame, start: Operand, tile: Operand, columns: number, sums: Sums): void {
    const { f, plan } = this;
    const at = frame.child({
      at: [[plan.n.id, { element: f.multiply(tile, tileColumns), bytes: f.multiply(tile, tileRowBytes) }]], // prettier-ignore
      vector: { axis: plan.n.id, width: 4 },
    });
    at.prepareAddresses(this.accesses, new Set([plan.m.id, plan.n.id]));
    if (this.isHeavy) this.writeRows(at, start, columns, sums);
    else this.writeAll(at, columns, sums);
  }

  private writeAll(at: Frame, columns: number, sums: Sums): void {
    for (const slot of this.slots(at, columns))
      sums.forEach((vectors, row) => {
        const accumulator = this.lanes(vectors[slot.vector]!, slot.lane);
        const point = slot.frame.child({ shift: [[this.plan.m.id, row]], accumulator });
        this.store([point]);
      });
  }

  private writeRows(at: Frame, start: Operand, columns: number, sums: Sums): void {
    const { f, plan, tileScratch } = this;
    sums.forEach((vectors, row) =>
      vectors.forEach((sum, vector) =>
        f.store("v128.store", tileScratch, sum, row * tileRowBytes + vector * 16),
      ),
    );
    const slots = this.slots(at, columns);
    f.forRange(0, sums.length, 1, (row) => {
      const from = f.add(tileScratch, f.multiply(row, tileRowBytes));
      const element = f.add(start, row);
      const points = slots.map((slot) => {
        const sum = f.load("v128.load", from, slot.vector * 16);
        return slot.frame.child({
          at: [[plan.m.id, { element }]],
          accumulator: this.lanes(sum, slot.lane),
        });
      });
      const whole = points.filter((_, number) => slots[number]!.lane === undefined);
      this.store(whole);
      for (const [number, point] of points.entries())
        if (slots[number]!.lane !== undefined) this.store([point]);
    });
  }

  /** All values before the first store: what is written may be what was read. */
  private store(points: readonly Frame[]): void {
    for (const point of points) for (const value of this.values) evaluate(value, point);
    for (const point of points) for (const store of this.plan.stores) writeStore(store, point);
  }

  private lanes(sum: Local, lane: number | undefined): Local {
    return lane === undefined ? sum : this.f.shuffle(sum, sum, [lane, lane, lane, lane]);
  }

  /** Vectors of the tile's columns; those of a last, partial vector one by one. */
  private slots(
    at: Frame,
    columns: number,
  ): { frame: Frame; vector: number; lane: number | undefined }[] {
    const { m, n } = this.plan;
    const slot = (vector: number, lane?: number) => {
      const frame = at.child({
        shift: [[n.id, vector * 4 + (lane ?? 0)]],
        vector: { axis: n.id, width: lane === undefined ? 4 : 1 },
      });
      frame.hoist(this.values, evaluate, new Set([m.id]));
      return { frame, vector, lane };
    };
    const whole = Math.floor(columns / 4);
    return [
      ...Array.from({ length: whole }, (_, vector) => slot(vector)),
      ...Array.from({ length: columns % 4 }, (_, lane) => slot(whole, lane)),
    ];
  }
}
