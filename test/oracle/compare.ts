// Ours beside the reference's -> how far apart they are, as a part of what may be apart.
import { uniform } from "./counter.ts";
import type { Measured, MeasuredByName } from "./fixture.ts";
import type { TheirValues } from "./nets.ts";

export type Target = "interpret" | "wasm" | "webgpu";

/** What was compared, and how far apart the two are. */
export interface Difference {
  readonly what: string;
  readonly error: number;
}

/** Of outputs; of losses, gradients and changes. */
export const tolerances: Readonly<
  Record<Target, { readonly outputs: number; readonly training: number }>
> = {
  interpret: { outputs: 1e-6, training: 1e-6 },
  wasm: { outputs: 1e-4, training: 1e-3 },
  webgpu: { outputs: 1e-4, training: 1e-3 },
};

export function worst(differences: readonly Difference[]): Difference {
  const none: Difference = { what: "nothing", error: Number.NaN };
  return differences.reduce((most, each) => (each.error <= most.error ? most : each), none);
}

/** The largest difference over the largest value. */
export function outputDifference(
  what: string,
  ours: ArrayLike<number>,
  theirs: readonly number[],
): Difference {
  if (ours.length !== theirs.length)
    return { what: `${what}: ${ours.length} numbers, not ${theirs.length}`, error: Infinity };
  let apart = 0;
  let largest = 0;
  theirs.forEach((value, i) => {
    const difference = Math.abs(ours[i]! - value);
    apart = Number.isNaN(difference) ? Infinity : Math.max(apart, difference);
    largest = Math.max(largest, Math.abs(value));
  });
  return { what, error: apart / largest };
}

export function numberDifference(what: string, ours: number, theirs: number): Difference {
  const error = Math.abs(ours - theirs) / Math.abs(theirs);
  return { what, error: Number.isNaN(error) ? Infinity : error };
}

/**
 * Tensors by norm and inner products, each difference over the tensor's own norm. Below `floor` (of a name) nothing
 * counts: an error of `tolerance` or less says that the difference is within tolerance or below that floor.
 */
export function tensorDifferences(
  what: string,
  ours: TheirValues,
  theirs: MeasuredByName,
  tolerance: number,
  floor: (name: string) => number,
): Difference[] {
  return Object.entries(theirs).map(([name, expected]) => {
    const values = ours.get(name);
    if (values === undefined) return { what: `${what} of ${name}: missing`, error: Infinity };
    const scale = Math.max(expected[0], floor(name) / tolerance);
    const error = measuredDifference(name, values, expected) / scale;
    return { what: `${what} of ${name}`, error: Number.isNaN(error) ? Infinity : error };
  });
}

/** The norm of all of them together. */
export function wholeNorm(measured: MeasuredByName): number {
  return norm(Object.values(measured).map(([length]) => length));
}

export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

/** The largest of three: of norms, and of inner products over the norm of what they were taken with. */
function measuredDifference(name: string, values: Float64Array, expected: Measured): number {
  const apart = [1, 2].map((k) => {
    const vector = uniform(`${name}#${k}`, values.length);
    const product = values.reduce((sum, value, i) => sum + value * vector[i]!, 0);
    return Math.abs(product - expected[k]!) / norm(vector);
  });
  return Math.max(Math.abs(norm(values) - expected[0]), ...apart);
}
