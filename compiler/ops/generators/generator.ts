// What a generator is: it fills a fixed f32 array from its settings, on the host, when a program is loaded.
// To add one: a file with its entry, a line in `registry.ts`.
import type { AttributeValue } from "../../graph/graph.ts";
import { OpError } from "../op.ts";

export type Settings = { readonly [key: string]: AttributeValue };

export interface Generator {
  readonly name: string;
  /** Shape that these settings give. @throws OpError where a setting is missing or wrong. */
  shape(settings: Settings): readonly number[];
  /** Values in double, row-major, `shape(settings)` long. */
  fill(settings: Settings): Float64Array;
}

/** A whole number >= 1. */
export function count(settings: Settings, name: string): number {
  const value = settings[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
    throw new OpError(`\`${name}\` must be a whole number >= 1`);
  return value;
}

/** A list of whole numbers >= 1. */
export function counts(settings: Settings, name: string): readonly number[] {
  const value = settings[name];
  const isCounts =
    Array.isArray(value) && value.every((entry) => Number.isInteger(entry) && entry >= 1);
  if (!isCounts) throw new OpError(`\`${name}\` must be a list of whole numbers >= 1`);
  return value as readonly number[];
}

/** One of the words, the first where the setting is missing. */
export function word<W extends string>(
  settings: Settings,
  name: string,
  words: readonly [W, ...W[]],
): W {
  const value = settings[name] ?? words[0];
  const found = words.find((each) => each === value);
  if (found === undefined) throw new OpError(`\`${name}\` must be one of ${words.join(", ")}`);
  return found;
}
