// The buffers of a kernel as its function sees them: in which order their addresses come, and what they hold.
import type { DType } from "../graph/graph.ts";
import type { Buffer } from "../kernels/kernel.ts";
import { elementBytes as bytesIn } from "../program/limits.ts";

export interface BoundBuffers {
  /** Ids; the function is given an address for each. */
  readonly order: readonly number[];
  /** By id. */
  readonly dtypes: ReadonlyMap<number, DType>;
}

export function boundBuffers(order: readonly number[], buffers: readonly Buffer[]): BoundBuffers {
  const dtypes = order.map((id): [number, DType] => {
    const buffer = buffers[id];
    if (buffer === undefined) throw new Error(`wasm: there is no buffer ${id}`);
    return [id, buffer.dtype];
  });
  return { order, dtypes: new Map(dtypes) };
}

/** Bytes of an element in memory. */
export function elementBytes(dtype: DType): 2 | 4 {
  return bytesIn(dtype, "wasm");
}
