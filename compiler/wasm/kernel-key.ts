// Kernel -> a text that is equal for kernels of equal structure, and the order of its buffers.
// Buffer ids, labels and origins do not count: repeated layers share one function.
import type { Buffer, Expression, HeadsView, Kernel, Store } from "../kernels/kernel.ts";
import { loadsOf } from "./expression-facts.ts";

/** Buffers of a kernel, each once, in the order in which they are first met. */
export function buffersOf(kernel: Kernel): number[] {
  return [...new Set(allBuffers(kernel))];
}

function allBuffers(kernel: Kernel): number[] {
  const ofExpression = (expression: Expression): number[] =>
    [...loadsOf(expression)].map((load) => load.buffer);
  const ofStore = (store: Store): number[] => [
    ...ofExpression(store.value),
    store.buffer,
    ...ofIndexData(store),
  ];
  switch (kernel.kind) {
    case "loop":
      return kernel.stages.flatMap((stage) =>
        stage.kind === "reduce" ? ofExpression(stage.value) : ofStore(stage.store),
      );
    case "contraction":
      return [
        ...ofExpression(kernel.a),
        ...ofExpression(kernel.b),
        ...kernel.stores.flatMap(ofStore),
        ...[kernel.sumOfA, kernel.sumOfB].flatMap((sum) => (sum === undefined ? [] : [sum.buffer])),
      ];
    case "attention": {
      const views: (HeadsView | undefined)[] = [
        kernel.q, kernel.k, kernel.v, kernel.output, kernel.dOutput, kernel.dq, kernel.dk, kernel.dv,
      ]; // prettier-ignore
      return [
        ...views.flatMap((view) => (view === undefined ? [] : [view.buffer])),
        kernel.statistics,
      ];
    }
    case "scatter":
      return [kernel.indices, kernel.values, kernel.output];
  }
}

/** A store may go where data says. */
function ofIndexData(store: Store): number[] {
  const position: Expression = { kind: "position", index: store.index, dtype: "i32" };
  return [...loadsOf(position)].map((load) => load.buffer);
}

const unimportant = new Set(["id", "label", "origin", "macs", "flops", "phase"]);
const bufferFields = new Set(["buffer", "statistics", "indices", "values", "output"]);

export function kernelKey(
  kernel: Kernel,
  order: readonly number[],
  buffers: readonly Buffer[],
): string {
  const seen = new Map<object, number>();
  const write = (value: unknown): string => {
    if (typeof value !== "object" || value === null) return String(value);
    const known = seen.get(value);
    if (known !== undefined) return `#${known}`;
    seen.set(value, seen.size);
    let text = "{";
    for (const name in value) text += writeField(name, (value as Record<string, unknown>)[name]);
    return `${text}}`;
  };
  const writeField = (name: string, field: unknown): string => {
    const isBuffer = typeof field === "number" && bufferFields.has(name);
    return `${name}:${isBuffer ? `@${order.indexOf(field)}` : write(field)},`;
  };
  let text = "";
  for (const [name, field] of Object.entries(kernel))
    if (!unimportant.has(name)) text += writeField(name, field);
  const dtypes = order.map((id) => buffers.find((buffer) => buffer.id === id)?.dtype);
  return `${text};${dtypes.join()}`;
}
