// Loop kernel -> function: elementwise work, reductions and whole rows (softmax, norms, losses).
// Along the grid: a block of columns at a time, all stages in registers. Along the row: several passes over a row
// that lies in cache, each with four independent sums and a fixed tree at the end.
import { emptied } from "../kernels/columns.ts";
import { loadsOf } from "../kernels/expression.ts";
import type { Axis, Expression, LoopKernel, Parts, Stage, Store } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import { evaluate, writeStore } from "./evaluate.ts";
import type { Frame, Position } from "./frame.ts";
import type { FunctionBody, Local, Operand } from "./function-builder.ts";
import { buildKernelFunction, threadRange } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";
import { planLoop, points } from "./loop-plan.ts";
import type { LoopPlan } from "./loop-plan.ts";
import { Reduction } from "./reduction.ts";

type ReduceStage = Stage & { readonly kind: "reduce" };

export interface GeneratedFunction {
  readonly isParallel: boolean;
  readonly scratchBytes: number;
  readonly build: (relaxed: boolean) => FunctionBody;
}

export function generateLoop(kernel: LoopKernel, bound: BoundBuffers): GeneratedFunction {
  const plan = planLoop(kernel);
  return {
    isParallel: plan.isParallel,
    scratchBytes: 0,
    build: (relaxed) =>
      buildKernelFunction(bound, plan.facts, relaxed, (kernel) =>
        new LoopEmitter(kernel, plan).emit(),
      ),
  };
}

/** Positions on several axes of a point counted through all of them, outermost first. */
export function decode(
  { f }: Pick<KernelFunction, "f">,
  point: Operand,
  axes: readonly Axis[],
): [number, Position][] {
  const positions: [number, Position][] = [];
  let rest = point;
  for (let place = axes.length - 1; place >= 0; place--) {
    const { id, extent } = axes[place]!;
    positions.push([id, { element: place === 0 ? rest : f.remainder(rest, extent) }]);
    if (place > 0) rest = f.divide(rest, extent);
  }
  return positions;
}

/** A reduction, or stores that follow each other over the same points: those share one pass and its values. */
type Group =
  | { readonly kind: "reduce"; readonly stage: ReduceStage; readonly number: number }
  | { readonly kind: "store"; readonly over: "grid" | "row"; readonly stores: readonly Store[] };

function groupsOf(stages: readonly Stage[]): Group[] {
  const groups: Group[] = [];
  for (const [number, stage] of stages.entries()) {
    const last = groups.at(-1);
    if (stage.kind === "reduce") {
      groups.push({ kind: "reduce", stage, number });
      continue;
    }
    // What is added up over columns goes by with the row.
    const over = stage.over === "grid" ? "grid" : "row";
    if (last?.kind === "store" && last.over === over)
      groups[groups.length - 1] = { ...last, stores: [...last.stores, stage.store] };
    else groups.push({ kind: "store", over, stores: [stage.store] });
  }
  return groups;
}

function valuesOf(group: Group): Expression[] {
  return group.kind === "reduce" ? [group.stage.value] : group.stores.map((store) => store.value);
}

/**
 * All values before the first store: updates may be in place, and the engine mixes the work of neighbours
 * only up to a store.
 */
function writeAll(stores: readonly Store[], frames: readonly Frame[]): void {
  for (const frame of frames) for (const store of stores) evaluate(store.value, frame);
  for (const frame of frames) for (const store of stores) writeStore(store, frame);
}

/** Rows summed into one register before it is added to the total: keeps rounding small over long columns. */
const rowsPerPartialSum = 64;

class LoopEmitter {
  private readonly kernel: KernelFunction;
  private readonly plan: LoopPlan;
  private readonly shifting: ReadonlySet<number>;
  private readonly groups: readonly Group[];
  private readonly expressions: readonly Expression[];
  private readonly accesses: readonly { readonly buffer: number; readonly index: Index }[];

  constructor(kernel: KernelFunction, plan: LoopPlan) {
    this.kernel = kernel;
    this.plan = plan;
    this.shifting = new Set(plan.vector === undefined ? [] : [plan.vector.id]);
    this.groups = groupsOf(plan.stages);
    this.expressions = plan.stages.map((stage) =>
      stage.kind === "reduce" ? stage.value : stage.store.value,
    );
    const loads = new Set(this.expressions.flatMap((expression) => loadsOf(expression)));
    const stores = plan.stages.flatMap((stage) => (stage.kind === "store" ? [stage.store] : []));
    this.accesses = [...loads, ...stores];
  }

  emit(): void {
    const { kernel, plan } = this;
    if (plan.parts !== undefined) return this.inParts(plan.parts);
    const blocks = plan.vector === undefined ? 1 : Math.ceil(plan.vector.extent / plan.block);
    const { from, to } = threadRange(kernel, points(plan.grid) * blocks);
    this.prepare(kernel.root);
    kernel.f.forRange(from, to, 1, (unit) => {
      const point = kernel.f.divide(unit, blocks);
      const frame = kernel.root.child({ at: decode(kernel, point, plan.grid) });
      this.prepare(frame);
      if (plan.along === "row") this.alongRow(frame);
      else this.alongGrid(frame, kernel.f.remainder(unit, blocks));
    });
  }

  /** A thread has whole parts, and adds up the columns of each from row to row. */
  private inParts({ axis, rows }: Parts): void {
    const { kernel, plan } = this;
    const { f } = kernel;
    const { from, to } = threadRange(kernel, axis.extent);
    const sums = plan.stages.flatMap((stage) =>
      stage.kind === "store" && stage.over === "columns" ? [emptied(stage.store)] : [],
    );
    this.prepare(kernel.root);
    f.forRange(from, to, 1, (part) => {
      const frame = kernel.root.child({ at: [[axis.id, { element: part }]] });
      this.prepare(frame);
      this.vectors(frame, 1, (each) => writeAll(sums, [each]));
      const first = f.multiply(part, rows);
      const end = f.minimum(f.add(first, rows), points(plan.grid));
      f.forRange(first, end, 1, (point) => {
        const row = frame.child({ at: decode(kernel, point, plan.grid) });
        this.prepare(row);
        this.alongRow(row);
      });
    });
  }

  /** Works out ahead what is known at a frame. */
  private prepare(frame: Frame): void {
    frame.prepareAddresses(this.accesses, this.shifting);
    frame.hoist(this.expressions, evaluate, this.shifting);
  }

  // ---- along the grid ----

  private alongGrid(frame: Frame, block: Operand): void {
    const { vector } = this.plan;
    if (vector === undefined) return this.columns(frame, 1);
    const { f } = this.kernel;
    const start = f.multiply(block, this.plan.block * 4);
    const end = f.minimum(f.add(start, this.plan.block * 4), vector.extent * 4);
    const hasTail = vector.extent % 4 !== 0;
    const vectorEnd = hasTail
      ? typeof end === "number"
        ? end & ~15
        : f.emit("i32.and", end, ~15)
      : end;
    const wanted = Math.min(Math.floor(vector.extent / 4), this.plan.row.length > 0 ? 4 : 2);
    const slots = Math.max(1, wanted);
    const at = (bytes: Operand, width: 4 | 1): Frame => {
      const child = frame.child({
        at: [[vector.id, { element: f.divide(bytes, 4), bytes }]],
        vector: { axis: vector.id, width },
      });
      this.prepare(child);
      return child;
    };
    const bytes = f.variable(start);
    const run = (step: number, limit: Operand, width: 4 | 1, count: number): void =>
      f.whileFits(bytes, step, limit, () => this.columns(at(bytes, width), count));
    if (slots > 1) run(slots * 16, vectorEnd, 4, slots);
    if (
      vector.extent >= 4 &&
      (slots === 1 ||
        Math.floor(vector.extent / 4) % slots !== 0 ||
        this.plan.block % (slots * 4) !== 0)
    )
      run(16, vectorEnd, 4, 1);
    if (hasTail) run(4, end, 1, 1);
  }

  /** All stages for `count` neighbouring vectors of columns. */
  private columns(frame: Frame, count: number): void {
    const results = Array.from({ length: count }, () => new Map<number, Local>());
    for (const group of this.groups) {
      const slots = results.map((reduced, place) =>
        frame.child({
          shift: count === 1 ? [] : [[this.plan.vector!.id, place * 4]],
          reduced: new Map(reduced),
        }),
      );
      for (const slot of slots) slot.hoist(valuesOf(group), evaluate, new Set(this.rowAxes()));
      if (group.kind === "reduce") {
        const reduced = this.reduceColumns(group.stage, frame, slots);
        reduced.forEach((value, place) => results[place]!.set(group.number, value));
      } else if (group.over === "row")
        this.rows(frame, slots, (each) => writeAll(group.stores, [each]));
      else writeAll(group.stores, slots);
    }
  }

  private rowAxes(): number[] {
    return this.plan.row.map((axis) => axis.id);
  }

  private reduceColumns(stage: ReduceStage, frame: Frame, slots: readonly Frame[]): Local[] {
    const { f } = this.kernel;
    const isLong = stage.reducer === "sum" && points(this.plan.row) > rowsPerPartialSum;
    const totals = slots.map(() => new Reduction(f, stage));
    const partial = isLong ? slots.map(() => new Reduction(f, stage)) : totals;
    const visit = (each: Frame, place: number, position: Operand): void =>
      partial[place]!.take(evaluate(stage.value, each), position, 1);
    const around = (body: () => void): void => {
      if (!isLong) return body();
      for (const each of partial) each.reset();
      body();
      partial.forEach((each, place) => totals[place]!.join(each));
    };
    this.rows(frame, slots, visit, around, isLong ? rowsPerPartialSum : undefined);
    return totals.map((total) => total.result());
  }

  /** Walks the row; at each point the slots side by side. `around` wraps each `chunk` of points, or all. */
  private rows(
    frame: Frame,
    slots: readonly Frame[],
    visit: (slot: Frame, place: number, position: Operand) => void,
    around: (body: () => void) => void = (body) => body(),
    chunk?: number,
  ): void {
    const { f } = this.kernel;
    const inner = this.plan.row.at(-1);
    if (inner === undefined)
      return around(() => slots.forEach((slot, place) => visit(slot, place, 0)));
    const step = (point: Operand, positions: [number, Position][]): void => {
      const shared = frame.child({ at: positions });
      this.prepare(shared);
      slots.forEach((slot, place) => {
        const own = slot.child({ at: positions });
        own.adopt(shared);
        visit(own, place, point);
      });
    };
    const walk = (outer: Operand, positions: [number, Position][], from: Operand, to: Operand) => {
      const first = f.multiply(outer, inner.extent);
      f.forRange(from, to, 4, (bytes) => {
        const element = f.divide(bytes, 4);
        step(f.add(first, element), [...positions, [inner.id, { element, bytes }]]);
      });
    };
    if (chunk === undefined)
      return around(() => this.outerRows((outer, at) => walk(outer, at, 0, inner.extent * 4)));
    const total = points(this.plan.row);
    f.forRange(0, total, chunk, (from) =>
      around(() => this.partOfRow(from, f.minimum(f.add(from, chunk), total), walk)),
    );
  }

  /** Walks the points `from` to `to` of a row, of several axes it may be: whatever they are, a part is the same points. */
  private partOfRow(
    from: Operand,
    to: Operand,
    walk: (outer: Operand, positions: [number, Position][], from: Operand, to: Operand) => void,
  ): void {
    const { f } = this.kernel;
    const outer = this.plan.row.slice(0, -1);
    const inner = this.plan.row.at(-1)!.extent;
    if (outer.length === 0) return walk(0, [], f.multiply(from, 4), f.multiply(to, 4));
    const last = f.divide(f.subtract(to, 1), inner);
    f.forRange(f.divide(from, inner), f.add(last, 1), 1, (run) => {
      const first = f.multiply(run, inner);
      const begin = f.maximum(f.subtract(from, first), 0);
      const end = f.minimum(f.subtract(to, first), inner);
      walk(run, decode(this.kernel, run, outer), f.multiply(begin, 4), f.multiply(end, 4));
    });
  }

  /** Walks all row axes but the last. */
  private outerRows(body: (point: Operand, positions: [number, Position][]) => void): void {
    const { f } = this.kernel;
    const outer = this.plan.row.slice(0, -1);
    if (outer.length === 0) return body(0, []);
    f.forRange(0, points(outer), 1, (point) => body(point, decode(this.kernel, point, outer)));
  }

  // ---- along the row ----

  private alongRow(unit: Frame): void {
    const results = new Map<number, Local>();
    for (const group of this.groups) {
      const frame = unit.child({ reduced: new Map(results) });
      frame.hoist(valuesOf(group), evaluate, this.shifting);
      if (group.kind === "reduce") results.set(group.number, this.reduceRow(group.stage, frame));
      else if (group.over === "grid") writeAll(group.stores, [frame]);
      else this.vectors(frame, 1, (each) => writeAll(group.stores, [each]));
    }
  }

  private reduceRow(stage: ReduceStage, frame: Frame): Local {
    const { f } = this.kernel;
    const isArgument = stage.reducer === "argmax" || stage.reducer === "argmin";
    const count = isArgument
      ? 1
      : Math.max(1, Math.min(4, Math.floor(this.plan.vector!.extent / 4)));
    const sums = Array.from({ length: count }, () => new Reduction(f, stage));
    const tail = new Reduction(f, stage);
    this.vectors(frame, count, (each, place, position) => {
      const value = evaluate(stage.value, each);
      if (each.vector.width === 4) sums[place]!.take(value, position, 4);
      else tail.take(value, position, 1);
    });
    // (0 + 2) + (1 + 3), then the lanes, then what was left over.
    if (count === 4) {
      sums[0]!.join(sums[2]!);
      sums[1]!.join(sums[3]!);
      sums[0]!.join(sums[1]!);
    } else for (const other of sums.slice(1)) sums[0]!.join(other);
    const lanes = sums[0]!.acrossLanes();
    lanes.join(tail);
    return lanes.result();
  }

  /** Walks the row in vectors along its last axis, `count` side by side, then singly, then element by element. */
  private vectors(
    frame: Frame,
    count: number,
    visit: (each: Frame, place: number, position: Operand) => void,
  ): void {
    const { f } = this.kernel;
    const { id, extent } = this.plan.vector!;
    this.outerRows((outer, positions) => {
      const row = positions.length === 0 ? frame : frame.child({ at: positions });
      if (row !== frame) this.prepare(row);
      const first = f.multiply(outer, extent);
      const run = (from: number, to: number, width: 4 | 1, side: number): void => {
        if (from >= to) return;
        f.forRange(from * 4, to * 4, width * side * 4, (bytes) => {
          const element = f.divide(bytes, 4);
          const at = row.child({ at: [[id, { element, bytes }]], vector: { axis: id, width } });
          for (let place = 0; place < side; place++) {
            const shift = place * 4;
            const each = side === 1 ? at : at.child({ shift: [[id, shift]] });
            visit(each, place, f.add(first, f.add(element, shift)));
          }
        });
      };
      const main = Math.floor(extent / (4 * count)) * 4 * count;
      const whole = Math.floor(extent / 4) * 4;
      run(0, main, 4, count);
      run(main, whole, 4, 1);
      run(whole, extent, 1, 1);
    });
  }
}
