// Which elements of an outermost buffer each buffer is: parts lie within wholes, which may lie within others.
import type { Buffer } from "./kernel.ts";

/** Elements [start, end) of the buffer `root`, which lies in no other. */
export interface Span {
  readonly root: number;
  readonly start: number;
  readonly end: number;
}

/** By buffer id, which is a buffer's place in the list. */
export function spansOf(buffers: readonly Buffer[]): Span[] {
  return buffers.map(({ id, length }) => {
    let root = buffers[id]!;
    let start = 0;
    while (root.within !== undefined) {
      start += root.within.offset;
      root = buffers[root.within.buffer]!;
    }
    return { root: root.id, start, end: start + length };
  });
}
