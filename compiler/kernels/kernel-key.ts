// Kernel -> a text that is equal for kernels of equal structure, and the order of its buffers.
// Buffer ids, labels and origins do not count: repeated layers share one function.
import type { Buffer, Kernel } from "./kernel.ts";

const unimportant = new Set(["id", "label", "origin", "macs", "flops", "phase", "after"]);
const bufferFields = new Set(["buffer", "statistics", "indices", "values", "output"]);

export function kernelKey(
  kernel: Kernel,
  order: readonly number[],
  buffers: readonly Buffer[],
): string {
  const seen = new Map<object, number>();
  const places = new Map(order.map((id, place) => [id, place]));
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
    return `${name}:${isBuffer ? `@${places.get(field)}` : write(field)},`;
  };
  let text = "";
  for (const [name, field] of Object.entries(kernel))
    if (!unimportant.has(name)) text += writeField(name, field);
  const dtypes = order.map((id) => buffers[id]!.dtype);
  return `${text};${dtypes.join()}`;
}
