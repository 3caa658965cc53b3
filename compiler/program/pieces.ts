// Kernels and their buffers -> the pieces of scratch that live apart. A buffer that others lie within (the flat gradient of
// a group, into which each parameter's gradient is written) is cut where these begin and end: the place of a gradient that
// is not there yet is free for what still lives then.
import { buffersOf } from "../kernels/kernel-buffers.ts";
import type { KernelGraph } from "../kernels/kernel.ts";
import { spansOf } from "../kernels/span.ts";

/** Elements [start, end) of a scratch buffer that lies in no other. */
export interface Piece {
  readonly root: number;
  readonly start: number;
  readonly end: number;
}

export interface Pieces {
  readonly all: readonly Piece[];
  /** By kernel: the pieces that it reads or writes, each once. */
  readonly touched: readonly (readonly number[])[];
}

export function piecesOf({ buffers, kernels }: KernelGraph): Pieces {
  const spans = spansOf(buffers);
  const accesses = kernels.map((kernel) =>
    buffersOf(kernel)
      .map((id) => spans[id]!)
      .filter(({ root }) => buffers[root]!.role.kind === "scratch"),
  );
  const cuts = new Map<number, Set<number>>();
  for (const { root, start, end } of accesses.flat()) {
    const known = cuts.get(root);
    if (known === undefined) cuts.set(root, new Set([start, end]));
    else known.add(start).add(end);
  }
  const all: Piece[] = [];
  /** Of each root: its pieces in order, from `first` on. */
  const places = new Map<number, { readonly first: number; readonly starts: readonly number[] }>();
  for (const [root, at] of cuts) {
    const sorted = [...at].sort((a, b) => a - b);
    places.set(root, { first: all.length, starts: sorted });
    for (let i = 1; i < sorted.length; i++)
      all.push({ root, start: sorted[i - 1]!, end: sorted[i]! });
  }
  const touched = accesses.map((own) => {
    const found = new Set<number>();
    for (const { root, start, end } of own) {
      const { first, starts } = places.get(root)!;
      for (let i = indexOf(starts, start); starts[i]! < end; i++) found.add(first + i);
    }
    return [...found];
  });
  return { all, touched };
}

/** The place of a number in a rising list that has it. */
function indexOf(rising: readonly number[], wanted: number): number {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
