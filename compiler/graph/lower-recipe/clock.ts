// Durations (`300 epochs`, `10_000 steps`, `30M samples`) -> steps, by the size of the data set and the batch.
// An epoch is one pass over the first data set that the loss reads. No batch is partial in training, so an epoch is
// size / batch steps, a real number.
import type { Unit } from "../../../grammar/syntax.ts";

export interface Clock {
  readonly batch: number;
  /** Undefined where the size of the data set is not known: then epochs cannot be counted. */
  readonly stepsPerEpoch: number | undefined;
}

export interface Duration {
  readonly amount: number;
  readonly unit: Unit;
}

/** In steps, a real number; undefined for epochs of a data set whose size is not known. */
export function durationInSteps(duration: Duration, clock: Clock): number | undefined {
  switch (duration.unit) {
    case "steps":
      return duration.amount;
    case "samples":
      return duration.amount / clock.batch;
    case "epochs":
      return clock.stepsPerEpoch === undefined ? undefined : duration.amount * clock.stepsPerEpoch;
  }
}

/** Whole steps for what happens at a step (the length, `every`): the nearest, at least one. */
export function wholeSteps(steps: number): number {
  return Math.max(1, Math.round(steps));
}
