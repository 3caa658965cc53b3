// Kernel graph -> the same kernels in an order that needs less memory.
// Keeps every read behind its write and every overwrite behind the reads of what was there; among the kernels that may
// run next it takes the one that frees the most bytes beyond those it needs, the earliest on equal terms.
// Greedy, so the given order stays where it is no worse. Expects: verifyKernels(graph) holds.
import type { HostWork, Kernel, KernelGraph } from "../kernels/kernel.ts";
import { kernelReads, kernelWrites, numbered } from "../kernels/kernel-buffers.ts";
import { spansOf, type Span } from "../kernels/span.ts";
import { intervalsOf } from "./lifetimes.ts";
import { lowerBound } from "./plan-memory.ts";
import { piecesOf } from "./pieces.ts";
import type { Pieces } from "./pieces.ts";

export function orderKernels(graph: KernelGraph): KernelGraph {
  const pieces = piecesOf(graph);
  const order = new Ordering(graph, pieces).run();
  const need = ({ touched }: Pieces) =>
    lowerBound(intervalsOf({ kernels: graph }, undefined, undefined, { ...pieces, touched }));
  // Another order cuts the buffers into the same pieces.
  const reordered = { ...pieces, touched: order.map((task) => pieces.touched[task]!) };
  if (need(reordered) >= need(pieces)) return graph;
  const kernels = order.map((task, id) => numbered(graph.kernels[task]!, id));
  return { buffers: graph.buffers, kernels };
}

interface Task {
  readonly kernel: Kernel | HostWork;
  /** Pieces of scratch that it touches, each once. */
  readonly touches: readonly number[];
  readonly next: Set<number>;
  waits: number;
}

class Ordering {
  private readonly tasks: readonly Task[];
  private readonly bytes: readonly number[];
  /** Tasks that have yet to touch each piece, and pieces that hold something now. */
  private readonly users: number[];
  private readonly live = new Set<number>();

  constructor(graph: KernelGraph, { all, touched }: Pieces) {
    const spans = spansOf(graph.buffers);
    this.bytes = all.map(({ start, end }) => (end - start) * 4);
    this.tasks = graph.kernels.map((kernel, i): Task => ({ kernel, touches: touched[i]!, next: new Set(), waits: 0 })); // prettier-ignore
    this.users = all.map(() => 0);
    for (const { touches } of this.tasks) for (const piece of touches) this.users[piece]!++;
    this.connect(spans);
  }

  private connect(spans: readonly Span[]): void {
    const written = new Map<number, { span: Span; task: number }[]>();
    const read = new Map<number, { span: Span; task: number }[]>();
    this.tasks.forEach(({ kernel }, task) => {
      const reads = kernelReads(kernel).map((id) => spans[id]!);
      const writes = kernelWrites(kernel).map((id) => spans[id]!);
      for (const id of kernel.after ?? [])
        this.follow(task, spans[id]!, written.get(spans[id]!.root));
      for (const span of reads) this.follow(task, span, written.get(span.root));
      for (const span of writes) {
        this.follow(task, span, read.get(span.root));
        this.follow(task, span, written.get(span.root));
      }
      for (const span of reads) put(read, span.root, { span, task });
      for (const span of writes) put(written, span.root, { span, task });
    });
  }

  /** `task` waits for all earlier ones that touched some of the same elements. */
  private follow(
    task: number,
    span: Span,
    earlier: readonly { readonly span: Span; readonly task: number }[] = [],
  ): void {
    for (const other of earlier) {
      const overlaps = other.span.start < span.end && span.start < other.span.end;
      const { next } = this.tasks[other.task]!;
      if (other.task === task || !overlaps || next.has(task)) continue;
      next.add(task);
      this.tasks[task]!.waits++;
    }
  }

  /** The kernels by their places in the given order. */
  run(): number[] {
    const ready = new Set([...this.tasks.keys()].filter((task) => this.tasks[task]!.waits === 0));
    const order: number[] = [];
    while (ready.size > 0) {
      const chosen = this.best(ready);
      ready.delete(chosen);
      const { touches, next } = this.tasks[chosen]!;
      order.push(chosen);
      for (const piece of touches) {
        this.live.add(piece);
        if (--this.users[piece]! === 0) this.live.delete(piece);
      }
      for (const after of next) if (--this.tasks[after]!.waits === 0) ready.add(after);
    }
    return order;
  }

  private best(ready: ReadonlySet<number>): number {
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const task of ready) {
      const freed = this.freedBy(this.tasks[task]!);
      if (freed > most || (freed === most && task < best)) [best, most] = [task, freed];
    }
    return best;
  }

  /** Bytes that end their life in a task, less those that begin one. */
  private freedBy({ touches }: Task): number {
    let freed = 0;
    for (const piece of touches) {
      if (!this.live.has(piece)) freed -= this.bytes[piece]!;
      if (this.users[piece] === 1) freed += this.bytes[piece]!;
    }
    return freed;
  }
}

function put<V>(map: Map<number, V[]>, key: number, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
