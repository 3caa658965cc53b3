// Sums over columns beside a walk over rows, as what every target does with them: while the rows of a part go by, each adds
// its value to a sum that lies in memory, and was 0 before the first of them. (WGSL keeps the sum in registers instead.)
// The order in which a sum adds up is that of the grid, whoever runs the parts.
import type { Expression, LoopKernel, Parts, Store } from "./kernel.ts";

/** @throws Error where a kernel has no parts, which only one without stores over columns may have not. */
export function partsOfGrid({ parts, label }: LoopKernel): Parts {
  if (parts === undefined) throw new Error(`kernel graph: ${label} has columns but no parts`);
  return parts;
}

/** Adds to the element that is there. */
export function addedUp({ buffer, index, value }: Store): Store {
  const { dtype } = value;
  const before: Expression = { kind: "load", buffer, index, dtype };
  return {
    buffer,
    index,
    value: { kind: "apply", instruction: "add", arguments: [before, value], dtype },
  };
}

/** What a sum is before the first row. */
export function emptied({ buffer, index, value: { dtype } }: Store): Store {
  return { buffer, index, value: { kind: "constant", value: 0, dtype } };
}
