// New values of residents take their old ones' place in memory where nobody still needs the old one; the others are
// copied there at the end. Then the kernels are put in order: writers before readers, readers of an old value before
// what overwrites it.
//   in place  the kernel that makes the new value reads the old one, if at all, at the very element that it writes;
//             every other reader of the old value can run before it
// Stores of one kernel over the same axes are simultaneous, so a momentum that reads its parameter (decay) and a
// parameter that reads its momentum take each other's place without a copy.
import type { Node } from "../../graph/graph.ts";
import { axisIndex, offset } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import { expressionsOf, loadsOf, storesOf } from "../expression.ts";
import { kernelReads, kernelWrites, numbered } from "../kernel-buffers.ts";
import type { Buffer, HostWork, Kernel, LoopKernel, Stage, Store } from "../kernel.ts";
import { spansOf, type Span } from "../span.ts";
import { equalIndex } from "./group.ts";
import { KernelOrder } from "./kernel-order.ts";
import type { Places } from "./place.ts";
import { followsAll, type Follows } from "./rules/fusion-rule.ts";
import { inPlaceRule } from "./rules/placing-rules.ts";

export interface NewValue {
  readonly path: string;
  /** What lies in the buffer of the new value. */
  readonly value: Node;
}

export function updateInPlace(
  kernels: readonly (Kernel | HostWork)[],
  places: Places,
  updates: readonly NewValue[],
  follows: Follows = followsAll,
): (Kernel | HostWork)[] {
  return new Updating(kernels, places, updates, follows).run();
}

interface Access {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** A position counted from the start of the outermost buffer. */
interface Spot {
  readonly root: number;
  readonly index: Index;
}

export class Updating {
  private readonly kernels: (Kernel | HostWork)[];
  private readonly buffers: Buffer[];
  private readonly places: Places;
  private readonly updates: readonly NewValue[];
  private readonly follows: Follows;
  private readonly accesses: Access[];
  private readonly readersOf = new Map<number, number[]>();
  private readonly writersOf = new Map<number, number[]>();
  private readonly order: KernelOrder;
  /** By outermost buffer: those that lie in it. */
  private readonly partsOf = new Map<number, number[]>();

  constructor(
    kernels: readonly (Kernel | HostWork)[],
    places: Places,
    updates: readonly NewValue[],
    follows: Follows,
  ) {
    this.kernels = [...kernels];
    this.places = places;
    this.buffers = places.buffers;
    this.updates = updates;
    this.follows = follows;
    this.accesses = kernels.map((kernel) => ({ reads: kernelReads(kernel), writes: kernelWrites(kernel) })); // prettier-ignore
    this.accesses.forEach(({ reads, writes }, at) => {
      for (const buffer of new Set([...reads].map((id) => this.rootOf(id))))
        put(this.readersOf, buffer, at);
      for (const buffer of new Set([...writes].map((id) => this.rootOf(id))))
        put(this.writersOf, buffer, at);
    });
    for (const { id, within } of this.buffers)
      if (within !== undefined) put(this.partsOf, this.rootOf(id), id);
    this.order = new KernelOrder(kernels.length);
    this.putWritersBeforeReaders();
    this.putAwaitedFirst();
  }

  /** Only where elements meet: what makes one part of a whole may read another part. */
  private putWritersBeforeReaders(): void {
    const spans = spansOf(this.buffers);
    for (const [buffer, readers] of this.readersOf)
      for (const writer of this.writersOf.get(buffer) ?? []) {
        const written = this.accesses[writer]!.writes.map((id) => spans[id]!);
        for (const reader of readers)
          if (this.accesses[reader]!.reads.some((id) => written.some((w) => meet(w, spans[id]!))))
            this.order.add(writer, reader);
      }
  }

  run(): (Kernel | HostWork)[] {
    const copies = this.updates.flatMap((update) => {
      const made = this.places.homeOf(update.value)!.buffer;
      const resident = this.places.resident(update.path, update.value);
      if (this.follows(inPlaceRule) && inPlaceRule.replaces(this, made, resident)) {
        this.replace(made, resident);
        return [];
      }
      return [{ made, resident, update }];
    });
    for (const copy of copies) this.copy(copy.made, copy.resident, copy.update);
    const positions = this.order.sort();
    return positions.map((at, id) => withStoresInTurns(numbered(this.kernels[at]!, id)));
  }

  private putAwaitedFirst(): void {
    const spans = spansOf(this.buffers);
    this.kernels.forEach(({ after = [] }, waiting) => {
      for (const awaited of after)
        for (const writer of this.writersOf.get(spans[awaited]!.root) ?? [])
          if (this.accesses[writer]!.writes.some((id) => meet(spans[awaited]!, spans[id]!)))
            this.order.add(writer, waiting);
    });
  }

  private rootOf(buffer: number): number {
    const { within } = this.buffers[buffer]!;
    return within === undefined ? buffer : this.rootOf(within.buffer);
  }

  private spot(buffer: number, index: Index): Spot {
    const { within } = this.buffers[buffer]!;
    if (within === undefined) return { root: buffer, index };
    return this.spot(within.buffer, offset(index, within.offset));
  }

  /** Whether nobody still needs the old value when the new one is written. */
  isReplaceable(made: number, resident: number): boolean {
    if (this.buffers[made]!.role.kind !== "scratch") return false;
    const writers = this.writersOf.get(made) ?? [];
    const readers = this.readersOf.get(resident) ?? [];
    if (!writers.every((writer) => this.readsOnlyItsOwn(writer, made, resident))) return false;
    return writers.every((writer) =>
      readers.every((reader) => writers.includes(reader) || !this.order.isBefore(writer, reader)),
    );
  }

  /** Whether all old elements that a kernel reads are those that it writes at the same point, and nothing reads after. */
  private readsOnlyItsOwn(at: number, made: number, resident: number): boolean {
    const kernel = this.kernels[at]!;
    const { reads, writes } = this.accesses[at]!;
    const oldParts = [...reads].filter((id) => this.rootOf(id) === resident);
    if (oldParts.length === 0) return true;
    if (kernel.kind !== "loop" && kernel.kind !== "contraction") return false;
    const stores = storesOf(kernel);
    const own = stores.filter((store) => this.rootOf(store.buffer) === made);
    if (own.length !== 1 || [...writes].filter((id) => this.rootOf(id) === made).length !== 1)
      return false;
    const target = this.spot(own[0]!.buffer, own[0]!.index);
    const isOwn = (expression: Parameters<typeof loadsOf>[0]) =>
      loadsOf(expression)
        .filter((load) => this.rootOf(load.buffer) === resident)
        .every((load) => equalIndex(this.spot(load.buffer, load.index).index, target.index));
    const outside = expressionsOf(kernel).filter(
      (expression) => !stores.some((store) => store.value === expression),
    );
    const readsOld = (expression: Parameters<typeof loadsOf>[0]) =>
      loadsOf(expression).some((load) => this.rootOf(load.buffer) === resident);
    // Sums and products read other elements than the one that is written; but a row that is summed up before it is
    // written anew reads each of its own.
    const isRowStore = isOverRow(kernel, own[0]!);
    if (outside.some((each) => readsOld(each) && !(isRowStore && isOwn(each)))) return false;
    return (
      stores.every((store) => isOwn(store.value)) && !this.destroysAhead(kernel, made, resident)
    );
  }

  /** Whether a store over the row may still load what a store over the grid has destroyed, or the other way. */
  private destroysAhead(kernel: Kernel | HostWork, made: number, resident: number): boolean {
    const [first, second] = inTurns(kernel);
    const destroyed = new Set(
      first.map(({ buffer }) => this.rootOf(buffer)).map((root) => (root === made ? resident : root)), // prettier-ignore
    );
    const loaded = second.flatMap(({ value }) => loadsOf(value)).map(({ buffer }) => this.rootOf(buffer)); // prettier-ignore
    return loaded.some((root) => destroyed.has(root));
  }

  private replace(made: number, resident: number): void {
    const writers = this.writersOf.get(made) ?? [];
    for (const writer of writers)
      for (const reader of this.readersOf.get(resident) ?? [])
        if (reader !== writer && !writers.includes(reader)) this.order.add(reader, writer);
    this.buffers[made] = { ...this.buffers[made]!, within: { buffer: resident, offset: 0 } };
    const moved = [...(this.partsOf.get(made) ?? []), made];
    for (const id of moved) this.buffers[id] = { ...this.buffers[id]!, role: this.buffers[resident]!.role }; // prettier-ignore
    this.partsOf.set(resident, [...(this.partsOf.get(resident) ?? []), ...moved]);
    this.partsOf.delete(made);
  }

  /** A kernel that copies the new value, once every reader of the old one has run. */
  private copy(made: number, resident: number, { path, value }: NewValue): void {
    const { length, dtype } = this.buffers[resident]!;
    const index = axisIndex(0, length);
    const store: Store = {
      buffer: resident,
      index,
      value: { kind: "load", buffer: made, index, dtype },
    };
    const kernel: LoopKernel = {
      kind: "loop",
      id: 0,
      label: `${path} copy`,
      origin: value.origin,
      macs: 0,
      flops: 0,
      phase: "update",
      grid: [{ id: 0, extent: length }],
      row: [],
      stages: [{ kind: "store", over: "grid", store }],
    };
    const at = this.kernels.push(kernel) - 1;
    this.order.grow();
    for (const writer of this.writersOf.get(this.rootOf(made)) ?? []) this.order.add(writer, at);
    for (const reader of this.readersOf.get(resident) ?? []) this.order.add(reader, at);
  }
}

/**
 * The stores of a kernel in two turns: over row and columns, then over the grid. Those of one turn are simultaneous, so each may
 * load the old element of what another one writes at the same point.
 */
function inTurns(kernel: Kernel | HostWork): readonly [readonly Store[], readonly Store[]] {
  if (kernel.kind !== "loop") return [storesOf(kernel), []];
  const over = (isGrid: boolean) =>
    kernel.stages.flatMap((stage) =>
      stage.kind === "store" && (stage.over === "grid") === isGrid ? [stage.store] : [],
    );
  return [over(false), over(true)];
}

function isOverRow(kernel: Kernel, store: Store): boolean {
  if (kernel.kind !== "loop") return false;
  return kernel.stages.some(
    (stage) => stage.kind === "store" && stage.over === "row" && stage.store === store,
  );
}

function withStoresInTurns(kernel: Kernel | HostWork): Kernel | HostWork {
  if (kernel.kind !== "loop") return kernel;
  const turnOf = (stage: Stage) => (stage.kind === "reduce" ? 0 : stage.over === "grid" ? 2 : 1);
  const { stages } = kernel;
  if (stages.every((stage, i) => i === 0 || turnOf(stages[i - 1]!) <= turnOf(stage))) return kernel;
  return { ...kernel, stages: stages.toSorted((a, b) => turnOf(a) - turnOf(b)) };
}

function meet(a: Span, b: Span): boolean {
  return a.root === b.root && a.start < b.end && b.start < a.end;
}

function put(map: Map<number, number[]>, key: number, value: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
