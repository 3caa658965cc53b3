// What a kernel writes element by element, and over which of its axes: what attention, scatter and the host write, whole
// arrays as a rule, is not among it.
import type { Axis, HostWork, Kernel, Store } from "./kernel.ts";

export interface StoreOverAxes {
  /** At each point of these it writes one element. */
  readonly axes: readonly Axis[];
  readonly store: Pick<Store, "buffer" | "index">;
}

export function storesWithAxes(kernel: Kernel | HostWork): readonly StoreOverAxes[] {
  switch (kernel.kind) {
    case "loop": {
      const { grid, row, stages, parts } = kernel;
      const axes = {
        grid,
        row: [...grid, ...row],
        columns: [...(parts === undefined ? [] : [parts.axis]), ...row],
      };
      return stages.flatMap((stage) =>
        stage.kind === "store" ? [{ axes: axes[stage.over], store: stage.store }] : [],
      );
    }
    case "contraction": {
      const { batch, m, n, stores, sumOfA, sumOfB } = kernel;
      return [
        ...stores.map((store) => ({ axes: [...batch, ...m, ...n], store })),
        ...(sumOfA ? [{ axes: [...batch, ...m], store: sumOfA }] : []),
        ...(sumOfB ? [{ axes: [...batch, ...n], store: sumOfB }] : []),
      ];
    }
    default:
      return [];
  }
}
