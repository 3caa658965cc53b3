// Which kernel must run before which; grows while updates are put in place, and gives one stable order at the end.
export class KernelOrder {
  private readonly after: Set<number>[] = [];

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.grow();
  }

  grow(): void {
    this.after.push(new Set());
  }

  /** `first` runs before `second`. */
  add(first: number, second: number): void {
    if (first !== second) this.after[first]!.add(second);
  }

  /** Whether `second` must wait for `first`, maybe through others. */
  isBefore(first: number, second: number): boolean {
    const seen = new Set<number>([first]);
    const open = [first];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const next of this.after[at]!) {
        if (next === second) return true;
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    return false;
  }

  /** All kernels, each after what it waits for, otherwise in the order of their numbers. */
  sort(): number[] {
    const waits = this.after.map(() => 0);
    for (const list of this.after) for (const next of list) waits[next]!++;
    const ready = new MinimumHeap();
    waits.forEach((count, at) => count === 0 && ready.push(at));
    const sorted: number[] = [];
    for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
      sorted.push(at);
      for (const next of this.after[at]!) if (--waits[next]! === 0) ready.push(next);
    }
    if (sorted.length !== this.after.length) throw new Error("fusing: kernels wait for each other");
    return sorted;
  }
}

/** The smallest number first. */
class MinimumHeap {
  private readonly heap: number[] = [];

  push(value: number): void {
    let at = this.heap.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent]! <= value) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = value;
  }

  pop(): number | undefined {
    const [first] = this.heap;
    const last = this.heap.pop();
    if (first === undefined || last === undefined || this.heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && this.heap[child + 1]! < this.heap[child]!) child++;
      if (this.heap[child]! >= last) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = last;
    return first;
  }
}
