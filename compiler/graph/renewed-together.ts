// Parameters of one group -> lists of those that its optimizer can renew at once, and how it does.
//   flat     as one array without shapes: each element by itself
//   stacked  of one shape, as one array with their number in front
// An optimizer that looks at shapes (Adafactor) may do nothing of the kind for some of them: vectors are flat, and of
// matrices those of one shape are stacked. So it takes as many kernels as there are shapes, not parameters.
import { elementCount } from "../ops/shape.ts";
import { isStackable } from "./apply-stacked.ts";
import type { OptimizerUse } from "./lowered.ts";
import { bodyFor, described, isByElement } from "./optimizer-body.ts";

interface Shaped {
  readonly shape: readonly number[];
}

export interface RenewedTogether<T> {
  /** In the given order. */
  readonly parameters: readonly T[];
  /** Of reach `element` where they are flat, else `shape`. */
  readonly optimizer: OptimizerUse;
}

/** Lists stand in the order in which the first of each does. */
export function renewedTogether<T extends Shaped>(
  optimizer: OptimizerUse,
  parameters: readonly T[],
): RenewedTogether<T>[] {
  const ways = waysOf(optimizer, parameters);
  const lists = new Map<string, T[]>();
  parameters.forEach((parameter, i) => {
    const way = ways.get(parameter.shape.join())!;
    const key = way === "alone" ? `alone ${i}` : way;
    lists.set(key, [...(lists.get(key) ?? []), parameter]);
  });
  return [...lists].map(([key, list]) => ({
    parameters: list,
    optimizer: { ...optimizer, reach: key.startsWith("flat") ? "element" : "shape" },
  }));
}

/** By shape: a text that is the same for parameters that are renewed at once, or `alone`. */
function waysOf(optimizer: OptimizerUse, parameters: readonly Shaped[]): Map<string, string> {
  const bodyOf = (shape: readonly number[]) => bodyFor(optimizer.apply, shape)!;
  const total = parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const flat = bodyOf([total]);
  const ofFlat = isByElement(flat) ? described(flat) : undefined;
  const ways = new Map<string, string>();
  for (const { shape } of parameters) {
    const key = shape.join();
    if (ways.has(key)) continue;
    const body = bodyOf(shape);
    if (isByElement(body) && described(body) === ofFlat) ways.set(key, "flat");
    else ways.set(key, isStackable(body) ? `stacked ${key}` : "alone");
  }
  return ways;
}
