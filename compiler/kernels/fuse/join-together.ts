// The kernels that join partial sums, one for each norm of a network -> one kernel for as many of them as lie alike.
// Partial results may lie anywhere, so they are put end to end, the last first; what they are joined to lies in the flat gradient, at
// the same places in each layer: a few axes of fixed steps walk all of it (`progression.ts`). The order in which a
// result adds up its parts stays what it was.
// Only results that nobody needs before the last of them is there are made together.
import type { Origin } from "../../graph/graph.ts";
import { add, axisIndex, multiply, offset } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import { AxisSubstitution } from "../expression.ts";
import { buffersOf, kernelReads, kernelWrites } from "../kernel-buffers.ts";
import { kernelKey } from "../kernel-key.ts";
import type { Axis, Buffer, HostWork, Kernel, LoopKernel, Stage } from "../kernel.ts";
import { spansOf, type Span } from "../span.ts";
import { longestProgression, type Progression } from "./progression.ts";

/** A kernel that joins partial results, which it alone reads. */
export interface Join {
  readonly kernel: LoopKernel;
  readonly partials: readonly number[];
}

type AnyKernel = Kernel | HostWork;

/** The kernels with joins of equal shape made one; the buffers of their partial results move in `buffers`. */
export function joinTogether(
  { kernels, joins }: { readonly kernels: readonly AnyKernel[]; readonly joins: readonly Join[] },
  buffers: Buffer[],
): readonly AnyKernel[] {
  if (joins.length < 2) return kernels;
  return new Joining(kernels, buffers).run(joins);
}

/** A join as one of many: where each of its buffers that is no partial result begins. */
interface Member extends Join {
  readonly places: readonly number[];
}

class Joining {
  private readonly kernels: readonly AnyKernel[];
  private readonly buffers: Buffer[];
  private readonly spans: readonly Span[];
  /** By outermost buffer: who reads which part of it. */
  private readonly readers = new Map<number, { kernel: AnyKernel; span: Span }[]>();
  /** Outermost buffers that some kernel writes. */
  private readonly written: ReadonlySet<number>;
  /** What has become of a kernel: undefined where another one does its work. */
  private readonly instead = new Map<AnyKernel, LoopKernel | undefined>();

  constructor(kernels: readonly AnyKernel[], buffers: Buffer[]) {
    this.kernels = kernels;
    this.buffers = buffers;
    this.spans = spansOf(buffers);
    this.written = new Set(kernels.flatMap((kernel) => this.spansWritten(kernel).map(({ root }) => root))); // prettier-ignore
    for (const kernel of kernels)
      for (const id of [...kernelReads(kernel), ...(kernel.after ?? [])]) {
        const span = this.spans[id]!;
        const known = this.readers.get(span.root);
        if (known === undefined) this.readers.set(span.root, [{ kernel, span }]);
        else known.push({ kernel, span });
      }
  }

  run(joins: readonly Join[]): readonly AnyKernel[] {
    const classes = new Map<string, Member[]>();
    for (const join of joins) {
      const key = this.keyOf(join);
      const places = this.fixedSlots(join).map((id) => this.spans[id]!.start);
      classes.set(key, [...(classes.get(key) ?? []), { ...join, places }]);
    }
    for (const members of classes.values())
      this.joinAlike(members.toSorted((one, other) => one.places[0]! - other.places[0]!));
    return this.kernels.flatMap((kernel) => {
      if (!this.instead.has(kernel)) return [kernel];
      const made = this.instead.get(kernel);
      return made === undefined ? [] : [made];
    });
  }

  /** Equal for kernels of equal structure that read and write parts of the same arrays. */
  private keyOf({ kernel, partials }: Join): string {
    const order = buffersOf(kernel);
    const roots = order.map((id) => (partials.includes(id) ? "own" : this.spans[id]!.root));
    return `${kernelKey(kernel, order, this.buffers)};${roots.join()}`;
  }

  private fixedSlots({ kernel, partials }: Join): number[] {
    return buffersOf(kernel).filter((id) => !partials.includes(id));
  }

  private joinAlike(members: readonly Member[]): void {
    const found = longestProgression(members.map(({ places }) => places));
    if (found.count < 2) return;
    const end = found.first + found.count;
    const together = members.slice(found.first, end);
    if (this.areFree(together)) this.joinAll(together, found);
    this.joinAlike(members.slice(0, found.first));
    this.joinAlike(members.slice(end));
  }

  // ---- whether they may be one ----

  /** Whether no member waits for what is made of the results of another, or for what lies among them. */
  private areFree(members: readonly Member[]): boolean {
    const own = new Set<AnyKernel>(members.map(({ kernel }) => kernel));
    const [first] = members;
    const writes = new Set(kernelWrites(first!.kernel));
    const isSteady = this.fixedSlots(first!).every(
      (id) => writes.has(id) || !this.written.has(this.spans[id]!.root),
    );
    if (!isSteady) return false;
    const reach = [...writes].map((id) => this.reachOf(members, buffersOf(first!.kernel).indexOf(id))); // prettier-ignore
    const open = this.readersOf(reach).filter((kernel) => !own.has(kernel));
    const seen = new Set(open);
    for (let kernel = open.pop(); kernel !== undefined; kernel = open.pop())
      for (const reader of this.readersOf(this.spansWritten(kernel))) {
        if (own.has(reader)) return false;
        if (seen.has(reader)) continue;
        seen.add(reader);
        open.push(reader);
      }
    return true;
  }

  private spansWritten(kernel: AnyKernel): Span[] {
    return kernelWrites(kernel).map((id) => this.spans[id]!);
  }

  private readersOf(written: readonly Span[]): AnyKernel[] {
    const found = new Set<AnyKernel>();
    for (const { root, start, end } of written)
      for (const { kernel, span } of this.readers.get(root) ?? [])
        if (start < span.end && span.start < end) found.add(kernel);
    return [...found];
  }

  /** From the first to the last element that a slot has in any of the members. */
  private reachOf(members: readonly Member[], slot: number): Span {
    const spans = members.map(({ kernel }) => this.spans[buffersOf(kernel)[slot]!]!);
    return {
      root: spans[0]!.root,
      start: Math.min(...spans.map(({ start }) => start)),
      end: Math.max(...spans.map(({ end }) => end)),
    };
  }

  // ---- making one of them ----

  private joinAll(members: readonly Member[], progression: Progression): void {
    const { kernel, partials } = members[0]!;
    const axes = this.freeAxes(kernel, progression);
    const order = buffersOf(kernel);
    const fixed = this.fixedSlots(members[0]!);
    const slots = new Map(
      order.map((id, slot) => {
        const number = fixed.indexOf(id);
        return [
          id,
          partials.includes(id)
            ? this.endToEnd(members, slot, axes)
            : this.among(members, slot, axes, progression.paces.map(({ steps }) => steps[number]!)), // prettier-ignore
        ];
      }),
    );
    const moved = (buffer: number, index: Index) => {
      const slot = slots.get(buffer)!;
      return { buffer: slot.buffer, index: add(index, slot.index) };
    };
    const rewriting = new AxisSubstitution(axisIndex, (load) => ({ ...load, ...moved(load.buffer, load.index) })); // prettier-ignore
    const stages = kernel.stages.map((stage): Stage => {
      if (stage.kind === "reduce") return { ...stage, value: rewriting.expression(stage.value) };
      const { buffer, index, value } = stage.store;
      return {
        ...stage,
        store: { ...moved(buffer, rewriting.index(index)), value: rewriting.expression(value) },
      };
    });
    const after = [...new Set(members.flatMap((member) => member.kernel.after ?? []))];
    const last = this.kernels.findLast((each) => members.some((member) => member.kernel === each))!;
    for (const member of members) this.instead.set(member.kernel, undefined);
    this.instead.set(last, {
      ...kernel,
      ...describeTogether(members.map((member) => member.kernel)),
      ...(after.length > 0 ? { after } : {}),
      grid: [...axes, ...kernel.grid],
      stages,
    });
  }

  private freeAxes({ grid, row }: LoopKernel, { paces }: Progression): Axis[] {
    const free = 1 + Math.max(-1, ...[...grid, ...row].map(({ id }) => id));
    return paces.map(({ extent }, i) => ({ id: free + i, extent }));
  }

  /** The partial results of all members in one buffer, the last layer's first: it is made first, and what is free lies behind. */
  private endToEnd(members: readonly Member[], slot: number, axes: readonly Axis[]) {
    const own = members.map(({ kernel }) => buffersOf(kernel)[slot]!);
    const like = this.buffers[own[0]!]!;
    const whole = this.add({ ...like, length: like.length * own.length });
    own.forEach((id, i) => {
      const within = { buffer: whole, offset: (own.length - 1 - i) * like.length };
      this.buffers[id] = { ...this.buffers[id]!, within };
    });
    let step = like.length * own.length;
    const steps = axes.map(({ extent }) => -(step /= extent));
    return { buffer: whole, index: offset(walk(axes, steps), like.length * (own.length - 1)) };
  }

  /** The part of an array that has what all members read or write there. */
  private among(members: readonly Member[], slot: number, axes: readonly Axis[], steps: number[]) {
    const first = this.spans[buffersOf(members[0]!.kernel)[slot]!]!;
    const { root, start, end } = this.reachOf(members, slot);
    const within = { buffer: root, offset: start };
    const like = this.buffers[buffersOf(members[0]!.kernel)[slot]!]!;
    const isWhole = start === 0 && end === this.buffers[root]!.length;
    const buffer = isWhole ? root : this.add({ ...like, length: end - start, within });
    return { buffer, index: offset(walk(axes, steps), first.start - start) };
  }

  private add(buffer: Buffer): number {
    const id = this.buffers.length;
    this.buffers.push({ ...buffer, id });
    return id;
  }
}

function walk(axes: readonly Axis[], steps: readonly number[]): Index {
  return add(...axes.map(({ id, extent }, i) => multiply(axisIndex(id, extent), steps[i]!)));
}

/** The first one's words, of the module that all are in. */
function describeTogether(
  kernels: readonly LoopKernel[],
): Pick<Kernel, "label" | "origin" | "macs" | "flops"> {
  const [{ label, origin: first }] = kernels as [LoopKernel];
  const names = kernels.map(({ origin }) => origin.path.split("."));
  const shared = names[0]!.findIndex((name, i) => names.some((other) => other[i] !== name));
  const path = shared < 0 ? first.path : names[0]!.slice(0, shared).join(".");
  const { span: _, ...rest } = first;
  const origin: Origin = shared < 0 ? first : { ...rest, path };
  return {
    label: `${path} ${label.startsWith(first.path) ? label.slice(first.path.length).trim() : label}`.trim(), // prettier-ignore
    origin,
    macs: kernels.reduce((sum, { macs }) => sum + macs, 0),
    flops: kernels.reduce((sum, { flops }) => sum + flops, 0),
  };
}
