// A program -> what it needs of memory, by what it is needed for.
import type { EntryKernels } from "./entry-kernels.ts";
import { arrayBytes } from "./limits.ts";
import { lowerBound } from "./plan-memory.ts";
import type { Arena, Program, ResidentSlot } from "./program.ts";
import { intervalsOf } from "./lifetimes.ts";

/** What a program needs of memory, in bytes, before anything runs. */
export interface Footprint {
  readonly parameters: number;
  /** Slots, twins, running statistics, accumulated gradients. */
  readonly optimizer: number;
  /** Scratch: activations and gradients, by lifetime. */
  readonly activations: number;
  /** Batches, metrics, tables, and what the device needs to run kernels. */
  readonly workspace: number;
  readonly total: number;
  /** The same with the largest live set in place of the scratch plan. */
  readonly lowerBound: number;
}

/** @param deviceBytes what the device allocates for this program, all in all */
export function footprint(
  program: Program,
  entries: readonly EntryKernels[],
  deviceBytes: number,
): Footprint {
  const sum = (slots: readonly ResidentSlot[]) =>
    slots.reduce((bytes, slot) => bytes + arrayBytes(slot, program.target), 0);
  const of = (kind: Arena["kind"]) =>
    program.arenas
      .filter((arena) => arena.kind === kind)
      .reduce((bytes, arena) => bytes + arena.bytes, 0);
  const parameters = sum(program.residents.filter(({ role }) => role === "parameter"));
  const optimizer = of("resident") - parameters;
  const activations = of("scratch");
  const workspace = deviceBytes - parameters - optimizer - activations;
  const live = Math.max(
    0,
    ...entries.map((entry) => lowerBound(intervalsOf(entry, program.target, program.limits))),
  );
  return {
    parameters,
    optimizer,
    activations,
    workspace,
    total: deviceBytes,
    lowerBound: deviceBytes - activations + live,
  };
}
